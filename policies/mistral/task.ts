import { declaredLimits } from '../../core/declared-runbook.ts'
import { type Deed, deedFor } from './actions.ts'
import type { Names } from './expression.ts'
import type { Naming } from './naming.ts'
import { NotMapped } from './tokens.ts'
import { expressionFrom, valueFrom } from './values.ts'
import { content, type Task } from './workflow.ts'

type Step = Readonly<Record<string, unknown>>

/** A task as steps of ours: what it does, and what it publishes when that went well. */
export interface MappedTask {
  readonly before: readonly Step[]
  readonly steps: readonly Step[]
  /** What is not quite the same. */
  readonly notes: string[]
}

/** What a task may say that is done here, or that changes nothing here. */
const known: ReadonlySet<string> = new Set([
  ...['action', 'workflow', 'input', 'publish', 'publish-on-error', 'description', 'tags', 'name', 'join', 'requires'],
  ...['on-success', 'on-error', 'on-complete', 'with-items', 'concurrency', 'retry', 'timeout', 'wait-before'],
  ...['wait-after', 'fail-on', 'pause-before', 'keep-result', 'safe-rerun', 'version'],
])

/** @throws NotMapped saying what of the task has no counterpart */
export function mapTask({ name, says }: Task, naming: Naming): MappedTask {
  const notes: string[] = []
  const strange = Object.keys(says).filter((key) => !known.has(key))
  if (strange.length > 0) throw new NotMapped(`${strange.join(', ')} has no counterpart`)
  if (says.workflow !== undefined)
    throw new NotMapped('workflows of other workflows are not called; import it and start it as a runbook of its own')

  const items = itemsOf(says['with-items'], naming)
  const names = naming.of(name, items)
  const { deed, waits } = deedOf(says, names)
  const saved = naming.saved(name)
  const step = { ...filledIn(deed.step, saved), ...('set' in deed.step || 'note' in deed.step ? {} : { saves: saved }) }
  if (deed.note !== undefined) notes.push(deed.note)

  const result = deed.result?.(saved)
  if (items) {
    naming.resultOf(name, `${saved}.map(o, o.result)`, true)
  } else naming.resultOf(name, result, deed.isList === true)

  const policies = {
    ...(waits ? {} : retrying(triesOf(says.retry), notes)),
    ...(says.timeout !== undefined && { timeoutSeconds: wholeNumber(says.timeout, 'timeout') }),
  }
  const done = items
    ? {
        forEach: {
          items: items.cel,
          as: items.as,
          atOnce: says.concurrency === undefined ? 10 : wholeNumber(says.concurrency, 'concurrency'),
          canary: 0,
          mayFail: 0,
          steps: [{ ...step, ...policies }],
          ...(result !== undefined && { gives: `\${${result}}` }),
        },
        saves: saved,
      }
    : { ...step, ...policies }
  if (items)
    notes.push(
      says.concurrency === undefined
        ? 'ten at a time instead of all at once'
        : 'nothing more is begun once one has failed',
    )

  const publish = publishing(content(says.publish), names, naming)
  const failOn = says['fail-on']
  return {
    before: [
      ...(says['pause-before'] === true ? [{ ask: { question: `Go on with ${name}?` } }] : []),
      ...waiting(says['wait-before'], `before ${name}`),
    ],
    steps: [
      done,
      ...(failOn === undefined
        ? []
        : [{ when: expressionFrom(failOn, names).cel, fail: `${name}: what \`fail-on\` says` }]),
      ...publish,
      ...waiting(says['wait-after'], `after ${name}`),
    ],
    notes,
  }
}

/** A step that keeps the values a task publishes; none when there are none. */
export function publishing(published: Readonly<Record<string, unknown>>, names: Names, naming: Naming): Step[] {
  const entries = Object.entries(published).map(([key, value]) => [naming.published(key), valueFrom(value, names)])
  return entries.length === 0 ? [] : [{ set: Object.fromEntries(entries) }]
}

/** The deed of a task; a look that is repeated until it sees something is a wait. */
function deedOf(says: Task['says'], names: Names): { deed: Deed; waits: boolean } {
  const { name, input } = callOf(says)
  const deed = deedFor(name, valueFrom(input, names) as Record<string, unknown>)
  const tries = triesOf(says.retry)
  if (!deed.wait || !tries) return { deed, waits: false }
  return { deed: { ...deed, step: deed.wait(tries.count * tries.everySeconds, tries.everySeconds) }, waits: true }
}

/** `nova.servers_get server=<% $.id %>`, with what `input` says besides. @throws NotMapped */
function callOf({ action = 'std.noop', input }: Task['says']): { name: string; input: Record<string, unknown> } {
  if (typeof action !== 'string') throw new NotMapped('an action that is no text has no counterpart')
  const [, name = '', rest = ''] = /^\s*(\S+)([\s\S]*)$/.exec(action) ?? []
  if (/<%|\{\{/.test(name)) throw new NotMapped('an action that an expression names has no counterpart')
  if (typeof input === 'string') throw new NotMapped('an input that is one expression has no counterpart')
  const inline = [...rest.matchAll(/(\w+)\s*=\s*(<%[\s\S]*?%>|\{\{[\s\S]*?\}\}|"[^"]*"|'[^']*'|\[[^\]]*\]|\S+)/g)]
  const given = inline.map(([, key = '', value = '']) => [key, inlineValue(value)] as const)
  return { name, input: { ...Object.fromEntries(given), ...content(input) } }
}

function inlineValue(text: string): unknown {
  if (/^['"]/.test(text)) return text.slice(1, -1)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function itemsOf(given: unknown, names: Names): { name: string; as: string; cel: string } | undefined {
  if (given === undefined) return undefined
  if (typeof given !== 'string') throw new NotMapped('`with-items` over several lists has no counterpart')
  const [, name, list] = /^\s*(\w+)\s+in\s+([\s\S]+)$/.exec(given) ?? []
  if (name === undefined || list === undefined) throw new NotMapped(`\`with-items: ${given}\` is not understood`)
  const cel = /^\s*\[/.test(list) ? String(list).trim() : expressionFrom(list, names).cel
  return { name, as: 'item', cel }
}

/** How often and how far apart a task is tried. @throws NotMapped */
function triesOf(given: unknown): { count: number; everySeconds: number } | undefined {
  if (given === undefined) return undefined
  const inline = typeof given === 'string' ? [...given.matchAll(/([\w-]+)=(\S+)/g)] : []
  const said = { ...Object.fromEntries(inline.map(([, key, value]) => [key, value])), ...content(given) }
  const { count, delay = 1, ...rest } = said as Record<string, unknown>
  const others = Object.keys(rest).join(', ')
  if (others !== '') throw new NotMapped(`\`retry\` with ${others} has no counterpart; say it as \`wait: {until}\``)
  return { count: wholeNumber(count, 'retry.count'), everySeconds: Math.max(1, wholeNumber(delay, 'retry.delay')) }
}

function retrying(tries: ReturnType<typeof triesOf>, notes: string[]): Step {
  if (tries === undefined || tries.count === 0) return {}
  const times = Math.min(declaredLimits.retries, tries.count)
  if (times < tries.count) notes.push(`tried again ${times} times instead of ${tries.count}`)
  return { retry: { times, everySeconds: tries.everySeconds } }
}

function wholeNumber(value: unknown, what: string): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new NotMapped(`\`${what}\` that is no whole number has no counterpart`)
}

const waiting = (seconds: unknown, why: string): Step[] =>
  seconds === undefined ? [] : [{ wait: { seconds: wholeNumber(seconds, 'wait'), why } }]

/** `set` of an echo gets the name of its task. */
function filledIn(step: Step, saved: string): Step {
  const set = content(step.set)
  return '$saved' in set ? { set: { [saved]: set.$saved } } : step
}
