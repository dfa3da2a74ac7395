import { failure } from '../core/errors.ts'
import type { Host, Move, Plan, Resources, Server, Snapshot } from '../core/plan.ts'
import { compare, createOccupancy, type Groups, refusal, shareOf } from './placement.ts'

export interface RelieveOptions {
  /** Name of the host that is too full. */
  readonly host: string
  readonly resource: 'vcpu' | 'memory'
  /** Share of the capacity in use to come down to, 0..1; no target goes above it either. */
  readonly limit: number
  readonly maxMoves: number
}

const keyOf = { vcpu: 'vcpu', memory: 'memoryMiB' } as const satisfies Record<string, keyof Resources>

/** Placements tried before the search settles for what it has. */
const nodeBudget = 200_000
const reasonsKept = 100

/**
 * Plans the fewest live migrations that bring a host down to `limit`, or says why there are none. Never half a plan.
 *
 * Holds after every single move, and during it, while the server counts on both hosts: no target above `limit` on the
 * resource or above its capacity on any; zones and anti-affinity kept; members of an affinity group stay together.
 * Among plans with the fewest moves the one that moves least memory; then the emptiest target, then names decide.
 *
 * Exact while the search stays within its budget of 200,000 placements. Beyond that: the best plan found so far if its
 * number of moves is proved, else a greedy one, largest server first.
 *
 * @throws HOST_UNKNOWN, PLAN_IMPOSSIBLE (with a reason per server in `reasons`)
 */
export function relieve(snapshot: Snapshot, options: RelieveOptions): Plan {
  const source = snapshot.hosts.find((host) => host.name === options.host)
  if (!source)
    throw failure('HOST_UNKNOWN', `${options.host} is not among the hosts of the cloud`, { host: options.host })
  const key = keyOf[options.resource]
  const before = shareOf(source.used[key], source.capacity[key])
  if (before <= options.limit) {
    const reason = `at ${percent(before)} of its ${options.resource}, not above ${percent(options.limit)}`
    return { moves: [], skipped: [{ subject: source.name, reason }], before, after: before }
  }

  const task = prepare(snapshot, source, options)
  const budget = { nodes: nodeBudget }
  const chosen = search(task, options.maxMoves, budget) ?? impossible(task, options, before, budget.nodes > 0)
  const moved = new Set(chosen.map(({ server }) => server.id))
  const freed = chosen.reduce((sum, { server }) => sum + server.uses[key], 0)
  const after = shareOf(Math.max(0, source.used[key] - freed), source.capacity[key])
  return {
    moves: movesOf(chosen, task, options),
    skipped: [
      ...(budget.nodes > 0
        ? []
        : [{ subject: source.name, reason: 'too many choices to try all: a better plan may exist' }]),
      ...task.stay,
      ...task.candidates
        .filter((server) => !moved.has(server.id))
        .map((server) => ({ subject: labelOf(server), reason: 'not needed: the host comes down without it' })),
    ].sort((a, b) => compare(a.subject, b.subject)),
    before,
    after,
  }
}

interface Placement {
  readonly server: Server
  readonly target: Host
}

interface Task {
  readonly source: Host
  readonly key: keyof Resources
  readonly limit: number
  /** Servers that may move and have at least one target, least memory first. */
  readonly candidates: readonly Server[]
  readonly targets: readonly Host[]
  /** Servers that cannot move, with the reason. */
  readonly stay: readonly { readonly subject: string; readonly reason: string }[]
  readonly groups: Groups
}

function prepare(snapshot: Snapshot, source: Host, { resource, limit }: RelieveOptions): Task {
  const key = keyOf[resource]
  const targets = snapshot.hosts
    .filter((host) => host.name !== source.name && host.usable)
    .sort((a, b) => compare(a.name, b.name))
  const groups = new Map<string, Set<string>>()
  const affine = new Map<string, number>()
  for (const { host, group } of snapshot.servers) {
    if (group?.policy === 'anti-affinity') groups.set(host, (groups.get(host) ?? new Set()).add(group.id))
    if (group?.policy === 'affinity') affine.set(group.id, (affine.get(group.id) ?? 0) + 1)
  }
  const candidates: Server[] = []
  const stay: { subject: string; reason: string }[] = []
  const untouched: Task = { source, key, limit, candidates, targets, stay, groups }
  for (const server of snapshot.servers.filter(({ host }) => host === source.name)) {
    const reason =
      server.pinned ??
      (server.group?.policy === 'affinity' && (affine.get(server.group.id) ?? 0) > 1
        ? `has to share a host with the other servers of affinity group ${server.group.id}`
        : server.uses[key] <= 0
          ? `uses no ${resource}`
          : whyNowhere(server, untouched))
    if (reason === undefined) candidates.push(server)
    else stay.push({ subject: labelOf(server), reason })
  }
  candidates.sort((a, b) => a.uses.memoryMiB - b.uses.memoryMiB || compare(a.name, b.name) || compare(a.id, b.id))
  return untouched
}

/** Why no target takes the server even as the first one; undefined when one does. */
function whyNowhere(server: Server, task: Task): string | undefined {
  if (task.targets.length === 0) return 'no other host is usable'
  const refusals = new Map<string, string[]>()
  for (const target of task.targets) {
    const reason = refusal(server, target, target.used, task.groups.get(target.name), task)
    if (reason === undefined) return undefined
    refusals.set(reason, [...(refusals.get(reason) ?? []), target.name])
  }
  const parts = [...refusals].map(([reason, names]) => {
    const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
    return `${names.slice(0, 3).join(', ')}${more} ${reason}`
  })
  return `fits nowhere: ${parts.join('; ')}`
}

/** The fewest placements that do, of those the ones with least memory. */
function search(task: Task, maxMoves: number, budget: { nodes: number }): readonly Placement[] | undefined {
  const most = Math.min(maxMoves, task.candidates.length)
  for (let count = fewest(task); count <= most; count++) {
    const found = best(task, count, budget)
    if (found) return found
    if (budget.nodes <= 0) return greedy(task, maxMoves)
  }
  return undefined
}

/** A number of moves below which no choice of servers is enough; more than there are servers when none is. */
function fewest({ source, key, limit, candidates }: Task): number {
  const sizes = candidates.map((server) => server.uses[key]).sort((a, b) => b - a)
  let used = source.used[key]
  let count = 0
  while (shareOf(used, source.capacity[key]) > limit) {
    const size = sizes[count++]
    if (size === undefined) return Number.POSITIVE_INFINITY
    used -= size
  }
  return count
}

/** Branch and bound over sets of exactly `count` servers, least memory first, each with its targets. */
function best(task: Task, count: number, budget: { nodes: number }): readonly Placement[] | undefined {
  const { source, key, limit, candidates } = task
  const state = createOccupancy(task.targets, task.groups, task)
  const freeable = largestSums(
    candidates.map((server) => server.uses[key]),
    count,
  )
  const memoryUpTo = [0]
  for (const { uses } of candidates) memoryUpTo.push(memoryUpTo.at(-1)! + uses.memoryMiB)
  // candidates come with growing memory, so the next ones are the least that can follow
  const leastOf = (from: number, many: number) => memoryUpTo[from + many]! - memoryUpTo[from]!
  const chosen: Placement[] = []
  let found: readonly Placement[] | undefined
  let leastMemory = Number.POSITIVE_INFINITY

  const extend = (from: number, used: number, memory: number): void => {
    const left = count - chosen.length
    if (left === 0) {
      found = [...chosen]
      leastMemory = memory
      return
    }
    for (let at = from; at + left <= candidates.length; at++) {
      if (memory + leastOf(at, left) >= leastMemory) return
      if (shareOf(used - (freeable[left]?.[at] ?? 0), source.capacity[key]) > limit) return
      const server = candidates[at]!
      const next = used - server.uses[key]
      if (shareOf(next - (freeable[left - 1]?.[at + 1] ?? 0), source.capacity[key]) > limit) continue
      for (const target of state.targetsOf(server)) {
        if (budget.nodes-- <= 0) return
        chosen.push({ server, target })
        state.put(server, target)
        extend(at + 1, next, memory + server.uses.memoryMiB)
        state.take(server, target)
        chosen.pop()
        if (memory + leastOf(at, left) >= leastMemory) return
      }
    }
  }
  extend(0, source.used[key], 0)
  return found
}

/** `sums[k][i]`: the sum of the `k` largest of `sizes` from index `i` on. */
function largestSums(sizes: readonly number[], count: number): number[][] {
  const sums = Array.from({ length: count + 1 }, () => new Array<number>(sizes.length + 1).fill(0))
  const largest: number[] = []
  for (let from = sizes.length - 1; from >= 0; from--) {
    largest.push(sizes[from]!)
    largest.sort((a, b) => b - a)
    largest.length = Math.min(largest.length, count)
    let sum = 0
    for (let k = 1; k <= count; k++) sums[k]![from] = sum += largest[k - 1] ?? 0
  }
  return sums
}

/** Largest server first, each to the emptiest target that takes it. */
function greedy(task: Task, maxMoves: number): readonly Placement[] | undefined {
  const { source, key, limit } = task
  const state = createOccupancy(task.targets, task.groups, task)
  const chosen: Placement[] = []
  let used = source.used[key]
  for (const server of largestFirst(task.candidates, key)) {
    if (shareOf(used, source.capacity[key]) <= limit) break
    const [target] = state.targetsOf(server)
    if (!target) continue
    state.put(server, target)
    chosen.push({ server, target })
    used -= server.uses[key]
  }
  return shareOf(used, source.capacity[key]) <= limit && chosen.length <= maxMoves ? chosen : undefined
}

/** Largest first: the host is relieved early even if a later move fails. */
function movesOf(chosen: readonly Placement[], { source, key }: Task, { resource, limit }: RelieveOptions): Move[] {
  const targets = new Map(chosen.map(({ server, target }) => [server.id, target]))
  return largestFirst(
    chosen.map(({ server }) => server),
    key,
  ).map((server) => ({
    serverId: server.id,
    serverName: server.name,
    from: source.name,
    to: targets.get(server.id)!.name,
    memoryMiB: server.uses.memoryMiB,
    reason: `takes ${server.uses[key]} ${resource === 'vcpu' ? 'vCPU' : 'MiB'} off ${source.name}, which has to come down to ${percent(limit)}`,
  }))
}

function impossible(task: Task, options: RelieveOptions, before: number, provedSo: boolean): never {
  const { host, resource, limit, maxMoves } = options
  const needed = fewest(task)
  const why =
    needed > task.candidates.length
      ? 'the servers that can move free too little'
      : needed > maxMoves
        ? `it takes at least ${needed} moves, and ${maxMoves} are allowed`
        : `no choice of at most ${maxMoves} moves ${provedSo ? 'fits the other hosts' : 'was found that fits the other hosts'}`
  const could = task.candidates.map((server) => ({
    subject: labelOf(server),
    reason: 'could move, but that is not enough',
  }))
  const message = `${host} is at ${percent(before)} ${resource} and cannot come down to ${percent(limit)}: ${why}`
  throw failure('PLAN_IMPOSSIBLE', message, {
    host,
    resource,
    limit,
    share: before,
    reasons: [...task.stay, ...could].sort((a, b) => compare(a.subject, b.subject)).slice(0, reasonsKept),
  })
}

const percent = (share: number) => (share > 100 ? 'over 100 times' : `${Math.round(share * 1000) / 10} %`)
const labelOf = ({ name, id }: Server) => `${name} (${id})`
const largestFirst = (servers: readonly Server[], key: keyof Resources) =>
  [...servers].sort((a, b) => b.uses[key] - a.uses[key] || compare(a.name, b.name) || compare(a.id, b.id))
