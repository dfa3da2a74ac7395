import { createOccupancy, type Occupancy } from './occupancy.ts'
import { type Tables, width } from './tables.ts'

/** A move by rows of the tables. */
export interface Step {
  readonly wave: number
  readonly server: number
  readonly from: number
  readonly to: number
  /** Made to break a circle: another move of the same server follows. */
  readonly detour: boolean
}

export interface Schedule {
  readonly steps: readonly Step[]
  /** Servers that cannot get to their targets: each waits for another, and no host has room to spare. */
  readonly blocked: readonly number[]
}

export interface ScheduleOptions {
  /** Most servers that leave one host during one wave. */
  readonly outgoingPerHost: number
  /** Hosts that may take a server for a while, to break a circle. */
  readonly spares: readonly number[]
}

/**
 * Orders moves into waves such that each fits when it happens, with everything that moves in the same wave counted on
 * both hosts: room, real CPU and anti-affinity. Where servers wait for each other in a circle one makes a detour.
 *
 * @param target row of the host each server is to end on
 */
export function schedule(tables: Tables, target: Int32Array, { outgoingPerHost, spares }: ScheduleOptions): Schedule {
  const { home } = tables
  const occupancy = createOccupancy(tables)
  const { at, put, take } = occupancy
  const waiting = waitingByHost(tables, target)
  const steps: Step[] = []
  let pending = [...waiting.values()].reduce((sum, own) => sum + own.length, 0)
  let detours = 0
  for (let wave = 1; pending > 0; wave++) {
    const underway: Step[] = []
    for (const [from, own] of waiting) {
      let leaving = 0
      for (let i = 0; i < own.length && leaving < outgoingPerHost; i++) {
        const server = own[i]!
        if (!occupancy.fits(server, target[server]!)) continue
        underway.push({ wave, server, from, to: target[server]!, detour: false })
        occupancy.reserve(server, target[server]!)
        own.splice(i--, 1)
        leaving++
      }
    }
    if (underway.length === 0) {
      // every circle can be broken once by each of its servers; more would be going round in it
      const step = detours++ < home.length ? findDetour(tables, occupancy, waiting, target, spares, wave) : undefined
      if (!step) break
      underway.push(step)
      occupancy.reserve(step.server, step.to)
      const own = waiting.get(step.from)!
      own.splice(own.indexOf(step.server), 1)
    }
    for (const step of underway) {
      occupancy.release(step.server, step.to)
      take(step.server)
      put(step.server, step.to)
      if (!step.detour) pending--
      else waiting.set(step.to, [step.server, ...(waiting.get(step.to) ?? [])])
    }
    steps.push(...underway)
  }
  return { steps, blocked: Array.from(home.keys()).filter((server) => at[server] !== target[server]) }
}

/** Servers that have to leave each host. First hosts others wait to come to, so that room is made early. */
function waitingByHost({ home, uses }: Tables, target: Int32Array): Map<number, number[]> {
  const byHost = new Map<number, number[]>()
  const awaited = new Set<number>()
  for (let server = 0; server < home.length; server++) {
    if (target[server] === home[server]) continue
    awaited.add(target[server]!)
    const own = byHost.get(home[server]!)
    if (own) own.push(server)
    else byHost.set(home[server]!, [server])
  }
  for (const own of byHost.values()) own.sort((a, b) => uses[b * width]! - uses[a * width]! || a - b)
  const hosts = [...byHost.keys()].sort((a, b) => Number(awaited.has(b)) - Number(awaited.has(a)) || a - b)
  return new Map(hosts.map((host) => [host, byHost.get(host)!]))
}

/** The smallest server that stands in the way of another and has somewhere to wait. */
function findDetour(
  { uses }: Tables,
  { fits }: Occupancy,
  waiting: ReadonlyMap<number, readonly number[]>,
  target: Int32Array,
  spares: readonly number[],
  wave: number,
): Step | undefined {
  const awaited = new Set([...waiting.values()].flatMap((own) => own.map((server) => target[server]!)))
  const inTheWay = [...waiting]
    .filter(([host]) => awaited.has(host))
    .flatMap(([from, own]) => own.map((server) => ({ from, server })))
    .sort((a, b) => uses[a.server * width]! - uses[b.server * width]! || a.server - b.server)
  for (const { from, server } of inTheWay) {
    const to = spares.find((host) => host !== from && !awaited.has(host) && fits(server, host))
    if (to !== undefined) return { wave, server, from, to, detour: true }
  }
  return undefined
}
