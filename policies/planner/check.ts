import {
  defaultMaxCpuPercent,
  type GoalPlan,
  type Model,
  type ModelHost,
  type ModelServer,
  type PlanOptions,
} from './model.ts'

/**
 * Carries a plan out on the model, wave by wave, and lists every rule it breaks; nothing when it is sound.
 *
 * Shares no code with the planner, so that an error of the one does not hide in the other. Checks the order and the
 * starting point of each move, room for everything that moves on both hosts, real CPU of hosts that receive now and over
 * the day, zones, server groups, pinned servers, the limits asked for, and the figures the plan claims.
 */
export function checkPlan(model: Model, plan: GoalPlan, options: PlanOptions = {}): string[] {
  const broken: string[] = []
  const hosts = new Map(model.hosts.map((host) => [host.name, host]))
  const servers = new Map(model.servers.map((server) => [server.id, server]))
  const at = new Map(model.servers.map(({ id, host }) => [id, host]))
  const rivals = rivalsOf(model)
  const tied = new Set(model.groups.flatMap((g) => (g.policy === 'affinity' && g.members.length > 1 ? g.members : [])))
  const maxCpu = options.maxCpuPercent ?? defaultMaxCpuPercent
  const isDayKnown = model.servers.some(({ cpuPercentOfDay }) => cpuPercentOfDay !== undefined)

  const waves = plan.moves.map(({ wave }) => wave)
  if (waves.some((wave, i) => !Number.isInteger(wave) || wave < 1 || wave < (waves[i - 1] ?? 1)))
    broken.push('waves: not whole numbers in growing order')

  for (const wave of new Set(waves)) {
    const moves = plan.moves.filter((move) => move.wave === wave)
    const present = holdings(model, at)
    const moving = new Set<string>()
    const leaving = new Map<string, number>()
    for (const { serverId, from, to, kind = 'live' } of moves) {
      const where = `wave ${wave}, ${serverId} ${from} → ${to}`
      const server = servers.get(serverId)
      const target = hosts.get(to)
      if (!server || !target || !hosts.has(from)) {
        broken.push(`${where}: unknown server or host`)
        continue
      }
      if (moving.has(serverId)) broken.push(`${where}: moves twice in the wave`)
      if (at.get(serverId) !== from) broken.push(`${where}: it is on ${at.get(serverId)}`)
      if (from === to) broken.push(`${where}: goes nowhere`)
      if (server.pinned !== undefined || tied.has(serverId)) broken.push(`${where}: has to stay`)
      if (kind !== (server.kind ?? 'live')) broken.push(`${where}: it cannot be moved ${kind}`)
      if (target.usable === false) broken.push(`${where}: target takes no servers`)
      if (server.requestedZone !== undefined && server.requestedZone !== target.zone)
        broken.push(`${where}: leaves zone ${server.requestedZone} for ${target.zone}`)
      for (const missing of lacking(server, hosts.get(server.host), target)) broken.push(`${where}: ${missing}`)
      moving.add(serverId)
      leaving.set(from, (leaving.get(from) ?? 0) + 1)
      present.get(to)?.add(serverId)
    }
    for (const [from, count] of leaving)
      if (count > (options.outgoingPerHost ?? 1)) broken.push(`wave ${wave}, ${from}: ${count} servers leave at once`)
    for (const name of new Set(moves.map(({ to }) => to))) {
      const host = hosts.get(name)
      const held = [...(present.get(name) ?? [])].flatMap((id) => servers.get(id) ?? [])
      if (!host) continue
      const sum = (amount: (server: (typeof held)[number]) => number) =>
        held.reduce((total, server) => total + amount(server), 0)
      const { vcpu, memoryMiB, diskGiB } = host.capacity
      if (sum(({ uses }) => uses.vcpu) > vcpu + 1e-6) broken.push(`wave ${wave}, ${name}: above its vCPUs`)
      if (sum(({ uses }) => uses.memoryMiB) > memoryMiB + 1e-6) broken.push(`wave ${wave}, ${name}: above its memory`)
      if (sum(({ uses }) => uses.diskGiB) > diskGiB + 1e-6) broken.push(`wave ${wave}, ${name}: above its disk`)
      const busy = sum(({ cpuPercent }) => cpuPercent) / host.threads
      if (busy > maxCpu + 1e-6) broken.push(`wave ${wave}, ${name}: at ${busy.toFixed(1)} % CPU`)
      const busyOfDay = sum(ofDay) / host.threads
      if (isDayKnown && busyOfDay > maxCpu + 1e-6)
        broken.push(`wave ${wave}, ${name}: at ${busyOfDay.toFixed(1)} % CPU over the day`)
      for (const { id } of held)
        for (const rival of rivals.get(id) ?? [])
          if (present.get(name)?.has(rival) && id < rival && (moving.has(id) || moving.has(rival)))
            broken.push(`wave ${wave}, ${name}: ${id} meets ${rival}`)
    }
    for (const { serverId, to } of moves) at.set(serverId, to)
  }
  return [...broken, ...brokenClaims(model, plan, options, at)]
}

/** What the target is without, of what the server needs or had where it began. */
function lacking(server: ModelServer, began: ModelHost | undefined, target: ModelHost): string[] {
  const offered = (target.traits ?? []).concat(target.cpuTraits ?? [])
  const wanted = (server.requiredTraits ?? []).concat(server.cpuTraits ?? began?.cpuTraits ?? [])
  const { largest } = target
  return [
    ...wanted.filter((trait) => !offered.includes(trait)).map((trait) => `target is without ${trait}`),
    ...((began?.pool ?? '') === (target.pool ?? '') ? [] : [`leaves pool ${began?.pool} for ${target.pool}`]),
    ...(['vcpu', 'memoryMiB', 'diskGiB'] as const)
      .filter((kind) => largest && server.uses[kind] > largest[kind])
      .map((kind) => `target takes no server with so much ${kind}`),
  ]
}

/** Servers that must not share a host, by id. */
function rivalsOf({ groups }: Model): Map<string, Set<string>> {
  const rivals = new Map<string, Set<string>>()
  for (const { policy, members } of groups)
    if (policy === 'anti-affinity')
      for (const one of members) {
        const own = rivals.get(one) ?? new Set()
        for (const other of members) if (other !== one) own.add(other)
        rivals.set(one, own)
      }
  return rivals
}

function holdings({ hosts }: Model, at: ReadonlyMap<string, string>): Map<string, Set<string>> {
  const held = new Map(hosts.map(({ name }) => [name, new Set<string>()]))
  for (const [id, name] of at) held.get(name)?.add(id)
  return held
}

function brokenClaims(model: Model, plan: GoalPlan, options: PlanOptions, at: ReadonlyMap<string, string>): string[] {
  const began = new Map(model.servers.map(({ id, host }) => [id, host]))
  const before = new Set(began.values())
  const after = new Set(at.values())
  const released = [...before].filter((name) => !after.has(name))
  const claimed = new Set(plan.released)
  const holds: [string, boolean][] = [
    ['hostsBefore', plan.hostsBefore === before.size],
    ['hostsAfter', plan.hostsAfter === after.size],
    [
      'released',
      claimed.size === plan.released.length &&
        claimed.size === released.length &&
        released.every((name) => claimed.has(name)),
    ],
    ['bound: no more than hostsAfter', plan.bound.hosts <= after.size],
    ['maxMoves', plan.moves.length <= (options.maxMoves ?? Number.POSITIVE_INFINITY)],
    [
      'maxHosts: stopped there',
      plan.goal !== 'consolidate' || after.size >= Math.min(options.maxHosts ?? 0, before.size),
    ],
    ['drain: hosts empty', plan.goal !== 'drain' || !(options.drain ?? []).some((name) => after.has(name))],
    [
      'consolidate: no empty host put to use',
      plan.goal !== 'consolidate' || [...after].every((name) => before.has(name)),
    ],
    ['deviationBefore', near(plan.deviationBefore, spreadOf(model, began, now))],
    ['deviationAfter', near(plan.deviationAfter, spreadOf(model, at, now))],
    ['deviationOfDay: before', near(plan.deviationOfDay?.before, spreadOf(model, began, ofDay))],
    ['deviationOfDay: after', near(plan.deviationOfDay?.after, spreadOf(model, at, ofDay))],
  ]
  return holds.flatMap(([claim, held]) => (held ? [] : [`claim does not hold: ${claim}`]))
}

// the planner counts real CPU in thousandths of a percent, rounded up
const near = (claimed: number | undefined, found: number) => claimed === undefined || Math.abs(claimed - found) < 0.01

type Use = (server: ModelServer) => number
const now: Use = ({ cpuPercent }) => cpuPercent
const ofDay: Use = ({ cpuPercent, cpuPercentOfDay }) => cpuPercentOfDay ?? cpuPercent

function spreadOf({ hosts, servers }: Model, at: ReadonlyMap<string, string>, use: Use): number {
  if (hosts.length === 0) return 0
  const busy = new Map(hosts.map(({ name }) => [name, 0]))
  for (const server of servers) {
    const name = at.get(server.id) ?? ''
    busy.set(name, (busy.get(name) ?? 0) + use(server))
  }
  const loads = hosts.map(({ name, threads }) => (busy.get(name) ?? 0) / threads)
  const mean = loads.reduce((a, b) => a + b, 0) / loads.length
  return Math.sqrt(loads.reduce((sum, load) => sum + (load - mean) ** 2, 0) / loads.length)
}
