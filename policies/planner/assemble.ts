import { howMoved } from './cold.ts'
import type { Goal, GoalPlan, Skipped } from './model.ts'
import { cpu, cpuOfDay, type Tables, width } from './tables.ts'
import type { Step } from './waves.ts'

/** What the goals share: turns rows back into names and adds up what the plan brings. */
export function assemble(
  tables: Tables,
  goal: Goal,
  { steps, skipped, bound }: { steps: readonly Step[]; skipped: readonly Skipped[]; bound: number },
  reasonFor: (step: Step) => string,
): GoalPlan {
  const { hosts, servers, home } = tables
  const after = home.slice()
  for (const { server, to } of steps) after[server] = to
  const usedBefore = new Set(home)
  const usedAfter = new Set(after)
  return {
    goal,
    hostsBefore: usedBefore.size,
    hostsAfter: usedAfter.size,
    released: hosts.flatMap(({ name }, row) => (usedBefore.has(row) && !usedAfter.has(row) ? [name] : [])),
    moves: steps.map((step) => ({
      wave: step.wave,
      serverId: servers[step.server]!.id,
      from: hosts[step.from]!.name,
      to: hosts[step.to]!.name,
      ...howMoved(servers[step.server]!, reasonFor(step)),
    })),
    skipped,
    bound: { hosts: bound },
    deviationBefore: deviation(tables, home),
    deviationAfter: deviation(tables, after),
    ...(tables.isDayKnown && {
      deviationOfDay: { before: deviation(tables, home, cpuOfDay), after: deviation(tables, after, cpuOfDay) },
    }),
  }
}

/** Real CPU use of each host in percent of its threads, now (`cpu`) or over a day (`cpuOfDay`). */
export function loads({ hosts, uses }: Tables, at: Int32Array, scale = cpu): Float64Array {
  const sums = new Float64Array(hosts.length)
  at.forEach((host, server) => {
    sums[host]! += uses[server * width + scale]!
  })
  return sums.map((sum, host) => sum / 1000 / hosts[host]!.threads)
}

/** Standard deviation of the real CPU use of all hosts, in percentage points. */
export function deviation(tables: Tables, at: Int32Array, scale = cpu): number {
  const all = loads(tables, at, scale)
  if (all.length === 0) return 0
  const mean = all.reduce((sum, load) => sum + load, 0) / all.length
  return Math.sqrt(all.reduce((sum, load) => sum + (load - mean) ** 2, 0) / all.length)
}
