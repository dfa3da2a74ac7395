import { failure } from '../core/errors.ts'
import { type GroupView, mostShown, type ServerSelector, type TargetOutcome, type Targets } from '../core/group.ts'
import { type ActionSpec, actionNamed } from './catalogue/index.ts'

/** So many targets are leased and worked on at once. */
export const batchSize = 100

/** What is known of a server when it is looked for. */
export interface SelectableServer {
  readonly name: string
  readonly status: string
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, string>>
}

/** Whether a server is one of those that are meant. */
export function isSelected(select: ServerSelector, { name, status, tags, metadata }: SelectableServer): boolean {
  const { tags: all = [], anyTag, withoutTags = [], metadata: wanted = {}, nameBegins = '', status: statuses } = select
  return (
    all.every((tag) => tags.includes(tag)) &&
    (anyTag?.some((tag) => tags.includes(tag)) ?? true) &&
    !withoutTags.some((tag) => tags.includes(tag)) &&
    Object.entries(wanted).every(([key, value]) => metadata[key] === value) &&
    name.startsWith(nameBegins) &&
    (statuses?.includes(status) ?? true)
  )
}

/**
 * The key of its input under which an action takes its target: the first id it cannot do without.
 *
 * @throws INPUT_INVALID when it has none, or a selector of servers is given to an action on something else
 */
export function targetKey(action: string, targets: Targets): string {
  const spec = actionNamed(action)
  const key = idKeyOf(spec)
  if (key === undefined) throw failure('INPUT_INVALID', `${action} has no target that could be many`)
  if ('select' in targets && key !== 'serverId')
    throw failure('INPUT_INVALID', `targets: ${action} is not about servers, so that its targets have to be named`)
  return key
}

const idKeyOf = ({ input }: ActionSpec): string | undefined =>
  Object.entries(input.shape).find(([key, schema]) => key.endsWith('Id') && !schema.safeParse(undefined).success)?.[0]

/** A group as people read it, from what became of its targets. */
export function groupView(outcomes: readonly TargetOutcome[]): GroupView {
  const shown = outcomes.map(({ id, outcome, detail }) => ({
    ...{ id, outcome: outcome === 'again' ? ('failed' as const) : outcome },
    ...(detail !== undefined && { detail }),
  }))
  const count = (wanted: 'done' | 'failed' | 'unknown') => shown.filter(({ outcome }) => outcome === wanted).length
  const rank = { unknown: 0, failed: 1, done: 2 }
  return {
    ...{ total: shown.length, done: count('done'), failed: count('failed'), unknown: count('unknown') },
    shown: shown.toSorted((a, b) => rank[a.outcome] - rank[b.outcome]).slice(0, mostShown),
  }
}

export const batchesOf = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(all.length / batchSize) }, (_, at) => all.slice(at * batchSize, (at + 1) * batchSize))
