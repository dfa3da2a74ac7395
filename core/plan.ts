import { z } from 'zod'

/** An amount of each resource Nova places servers by. */
export interface Resources {
  readonly vcpu: number
  readonly memoryMiB: number
  readonly diskGiB: number
}

export interface Host {
  readonly name: string
  /** What servers may use in all: (total − reserved) × allocation ratio. */
  readonly capacity: Resources
  /** What Placement has given away on this host, whoever holds it. */
  readonly used: Resources
  /** Up, enabled and not forced down: may receive servers. */
  readonly usable: boolean
  readonly zone: string
}

export interface Server {
  readonly id: string
  readonly name: string
  readonly host: string
  readonly uses: Resources
  /** Why it must not be moved, when it must not: locked, busy, not active, opted out. */
  readonly pinned?: string
  /** Hosts it must not share with these servers (anti-affinity), or must share (affinity). */
  readonly group?: { readonly id: string; readonly policy: 'affinity' | 'anti-affinity' }
  /** Availability zone its owner asked for; it must stay there. */
  readonly requestedZone?: string
}

/** One moment of the cloud. Hosts and servers come in any order; no decision depends on it. */
export interface Snapshot {
  readonly takenAt: string
  readonly hosts: readonly Host[]
  readonly servers: readonly Server[]
}

export const Move = z.object({
  serverId: z.string(),
  serverName: z.string(),
  from: z.string(),
  to: z.string(),
  memoryMiB: z.number(),
  reason: z.string(),
})
export type Move = Readonly<z.infer<typeof Move>>

/** An ordered list of moves, and a reason for everything left alone. Executed literally. */
export const Plan = z.object({
  moves: z.array(Move).readonly(),
  skipped: z.array(z.object({ subject: z.string(), reason: z.string() })).readonly(),
  /** Share of capacity in use on the host before and after the moves, 0..1. */
  before: z.number(),
  after: z.number(),
})
export type Plan = Readonly<z.infer<typeof Plan>>

/** How to empty a host: the moves of one wave may run at the same time, the next one begins when all of them have ended. */
export interface DrainPlan {
  readonly takenAt: string
  readonly waves: readonly (readonly Move[])[]
}
