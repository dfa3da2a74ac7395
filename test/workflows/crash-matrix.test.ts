import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { connectClient } from '../../temporal/connection.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { builtInRunbooks } from '../../workflows/runbooks/index.ts'
import { type Case, type CaseGiven, createStage, moments } from './crash-stage.ts'
import { sharedEngine, until } from './engine.ts'
import type { Scenario } from './scenarios/scenario.ts'

const fileOf = (runbook: string) => new URL(`scenarios/${runbook}.ts`, import.meta.url)
const names = builtInRunbooks.map(({ name }) => name)
const withScenario = names.filter((name) => existsSync(fileURLToPath(fileOf(name))))
const scenarioOf = async (runbook: string) =>
  ((await import(fileURLToPath(fileOf(runbook)))) as { scenario: Scenario }).scenario

let client: Client
let stage: ReturnType<typeof createStage>
let close: () => Promise<void>
beforeAll(async () => {
  const { address, keysFile, bundle } = inject('engine')
  ;({ client, close } = await connectClient(sharedEngine(), await loadKeys(keysFile)))
  stage = createStage(client, { address, keysFile, bundle })
  stage.startWorker()
})
afterAll(async () => {
  await stage.killWorker()
  await close()
})

interface Ended {
  readonly one: Case
  readonly how: 'succeeded' | 'stuck' | 'unknown' | 'ended otherwise'
  /** Left behind by a run that did not succeed, and leases by any. */
  readonly left: readonly string[]
}

const patienceMs = 300_000
const atOnce = 8
const unknowns: ReadonlySet<string | undefined> = new Set(['OUTCOME_UNKNOWN', 'SSH_OUTCOME_UNKNOWN'])

async function endOf(one: Case): Promise<Ended> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'stuck'>((resolve) => {
    timer = setTimeout(resolve, patienceMs, 'stuck')
  })
  const ended = one.handle.result().then(
    () => 'succeeded' as const,
    (error: unknown) => (unknowns.has(codeOf(error)) ? 'unknown' : 'ended otherwise'),
  )
  const how = await Promise.race([ended, late])
  clearTimeout(timer)
  const left = how === 'succeeded' ? [] : one.world.left()
  return { one, how, left: [...left, ...[...one.leases].map((id) => `lease ${id}`)] }
}

async function play(given: readonly CaseGiven[]): Promise<Case[]> {
  return Promise.all(
    given.map(async (each) => {
      const one = await stage.begin(each)
      void each.scenario.meanwhile?.(one.handle)
      return one
    }),
  )
}

/** What was done to a world more often than an undisturbed run does it. */
function doubled({ did }: Case, undisturbed: readonly Case[]): string[] {
  const most = (what: string) => Math.max(1, ...undisturbed.map((one) => one.did.get(what) ?? 0))
  return [...did].filter(([what, times]) => times > most(what)).map(([what]) => what)
}

const killsOf = (one: Case): CaseGiven[] =>
  one.effects.flatMap((_, n) =>
    moments.map((moment) => {
      const { runbook, scenario, cancelDuring } = one
      return { runbook, scenario, kill: { at: n + 1, moment }, ...(cancelDuring !== undefined && { cancelDuring }) }
    }),
  )

describe('every runbook, its worker killed at every side effect', () => {
  it.each(names)('%s has a scenario', (name) => {
    expect(withScenario).toContain(name)
  })

  it('does nothing twice, ends, and takes back what it should', { timeout: 900_000 }, async () => {
    const wholeGiven = await Promise.all(
      withScenario.map(async (runbook): Promise<CaseGiven> => ({ runbook, scenario: await scenarioOf(runbook) })),
    )
    const whole = await play(wholeGiven)
    const ends = await Promise.all(whole.map(endOf))
    expect(ends.map(({ one, how, left }) => [one.runbook, how, left])).toEqual(
      withScenario.map((runbook) => [runbook, 'succeeded', []]),
    )
    const cancelled = await play(
      whole.flatMap(({ runbook, scenario, effects }) => {
        const last = effects.at(-1)
        return last === undefined ? [] : [{ runbook, scenario, cancelDuring: last }]
      }),
    )
    const cancelledEnds = await Promise.all(cancelled.map(endOf))
    expect(cancelledEnds.filter(({ how, left }) => how !== 'ended otherwise' || left.length > 0)).toEqual([])

    // a few at a time: each only has to come as far as where its worker dies
    const killed: Case[] = []
    const given = [...whole, ...cancelled].flatMap(killsOf)
    const lane = async () => {
      for (let next = given.shift(); next; next = given.shift()) {
        const some = await play([next])
        await until(() => some.filter((one) => !one.isThere()).map(titleOf), [])
        killed.push(...some)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
    await stage.killWorker()
    stage.startWorker(atOnce)
    const killedEnds = await Promise.all(killed.map(endOf))

    const rows = withScenario.map((runbook) => {
      const of = <T extends { runbook: string }>(all: readonly T[]) => all.filter((one) => one.runbook === runbook)
      const undisturbed = [...of(whole), ...of(cancelled)]
      const its = killedEnds.filter(({ one }) => one.runbook === runbook)
      return {
        runbook,
        effects: of(whole)[0]?.effects.length ?? 0,
        cases: its.length,
        doubled: its.flatMap(({ one }) => doubled(one, undisturbed).map((what) => `${titleOf(one)}: ${what}`)),
        stuck: its.filter(({ how }) => how === 'stuck').map(({ one }) => titleOf(one)),
        left: its.flatMap(({ one, left }) => left.map((what) => `${titleOf(one)}: ${what}`)),
        unknown: its.filter(({ how }) => how === 'unknown').length,
      }
    })
    for (const what of ['doubled', 'stuck', 'left'] as const) expect(rows.flatMap((row) => row[what])).toEqual([])
    await expect(tableOf(rows)).toMatchFileSnapshot('../../docs/crash-matrix.md')
  })
})

const titleOf = ({ runbook, kill, cancelDuring }: CaseGiven) =>
  `${runbook}${cancelDuring === undefined ? '' : ', cancelled at the end'}, ${kill?.moment} side effect ${kill?.at}`

interface Row {
  readonly runbook: string
  readonly effects: number
  readonly cases: number
  readonly doubled: readonly string[]
  readonly stuck: readonly string[]
  readonly left: readonly string[]
  readonly unknown: number
}

const intro = `# Crash matrix

<!-- Written by test/workflows/crash-matrix.test.ts (\`npx vitest run --project outage crash-matrix -u\`). -->

Each built-in runbook runs in a scenario of its own (\`test/workflows/scenarios/\`), once to its end and once cancelled while
its last side effect is under way. Then it runs again for each of its side effects, those of taking back included, and for
each of three moments: before it, during it (done, but not answered) and after it. At that moment its worker, a process of
its own, is killed with SIGKILL; another one takes over.

- **doubled**: done to the world more often than without a crash.
- **stuck**: had not ended within five minutes.
- **not taken back**: left behind by a run that did not succeed, and leases that were not given back.
- **said unknown**: cases that ended in \`OUTCOME_UNKNOWN\` or \`SSH_OUTCOME_UNKNOWN\`, because nobody can tell whether
  the call took effect; it was not repeated.

Runbooks without side effects have no cases. The five most used ones are also killed
[on a real cloud](crash-matrix-real-cloud.md).

`

function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ runbook, effects, cases, doubled, stuck, left, unknown }) =>
    [runbook, effects, cases, doubled.length, stuck.length, left.length, unknown].join(' | '),
  )
  const head = 'runbook | side effects | cases | doubled | stuck | not taken back | said unknown'
  return `${intro}${[head, '--- | --- | --- | --- | --- | --- | ---', ...lines].map((line) => `| ${line} |`).join('\n')}\n`
}
