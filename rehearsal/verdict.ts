import type { Expected } from '../core/runbook-test.ts'
import { spanMs } from '../core/runbook-test.ts'
import type { Played } from './play.ts'

/** What went otherwise than expected, each as `what: expected …, found …`. */
export function wrongWith(expected: Expected, played: Played): string[] {
  const { view, stuck, did, statuses, told, tookMs, unmet } = played
  if (stuck !== undefined) return [`it never ended: ${stuck}`]
  const wrong: string[] = []
  const say = (what: string, wanted: string, found: string) => {
    wrong.push(`${what}: expected ${wanted}, found ${found}`)
  }
  if (view.state !== expected.state) {
    const why = view.code === undefined ? (view.summary ?? '') : `${view.code}: ${view.summary}`
    say('state', expected.state, `${view.state} (${why})`)
  }
  if (expected.code !== undefined && view.code !== expected.code)
    say('code', expected.code, `${view.code ?? 'none'} (${view.summary ?? ''})`)
  if (expected.summary !== undefined && !fits(expected.summary, view.summary ?? ''))
    say('summary', `"${expected.summary}"`, `"${view.summary ?? ''}"`)
  if (expected.did !== undefined && !isSame(expected.did, did)) say('did', inWords(expected.did), inWords(did))
  for (const [name, status] of Object.entries(expected.servers))
    if (statuses[name] !== status) say(`server ${name}`, status, statuses[name] ?? 'none')
  if (expected.within !== undefined && tookMs > spanMs(expected.within))
    say('time', `at most ${expected.within}`, inTime(tookMs))
  if (expected.told !== undefined) {
    const { told: wanted } = expected
    if (wanted.length !== told.length || !wanted.every((part, i) => told[i]?.includes(part)))
      say('told', inWords(wanted), inWords(told))
  }
  return [...wrong, ...unmet]
}

/** What no runbook may do, whatever its tests expect. */
export function wrongInDryRun({ view, stuck, did }: Played): string[] {
  if (stuck !== undefined) return [`it never ended: ${stuck}`]
  const wrong: string[] = []
  if (did.length > 0) wrong.push(`a dry run changed the cloud: ${inWords(did)}`)
  if (view.code !== undefined && ownFaults.has(view.code)) wrong.push(`${view.code}: ${view.summary ?? ''}`)
  return wrong
}

/** Whatever its world is like, a runbook that ends so is at fault itself. */
const ownFaults: ReadonlySet<string> = new Set(['CALL_NOT_DECLARED', 'RUNBOOK_INVALID', 'RUN_FAILED', 'RUNBOOK_LIMIT'])

/** Virtual time in the largest unit that says it in short. */
export function inTime(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 100) / 10}s`
  if (ms < 3_600_000) return `${Math.round(ms / 6_000) / 10}m`
  return `${Math.round(ms / 360_000) / 10}h`
}

/** A part of the text, or a regular expression between slashes. */
function fits(wanted: string, text: string): boolean {
  const [, pattern] = /^\/(.+)\/$/s.exec(wanted) ?? []
  return pattern === undefined ? text.includes(wanted) : new RegExp(pattern).test(text)
}

const isSame = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((one, i) => one === b[i])
const inWords = (list: readonly string[]) => (list.length === 0 ? 'nothing' : list.join(', '))
