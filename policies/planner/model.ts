import type { Resources } from '../../core/plan.ts'

/** A hypervisor as the planner sees it. */
export interface ModelHost {
  readonly name: string
  readonly zone: string
  /** What the servers of the model may use in all: (total − reserved) × allocation ratio. */
  readonly capacity: Resources
  /** Physical CPU threads: what real CPU use is a share of. */
  readonly threads: number
  /** May receive servers. A host that may not can still be emptied. @default true */
  readonly usable?: boolean
}

export interface ModelServer {
  readonly id: string
  /** Name of the host it runs on. */
  readonly host: string
  readonly uses: Resources
  /** CPU it really uses, in percent of one thread: 250 keeps two threads and a half busy. */
  readonly cpuPercent: number
  /** Availability zone it must not leave. */
  readonly requestedZone?: string
  /** Why it must not be moved, when it must not: locked, busy, not active, opted out. */
  readonly pinned?: string
}

export interface ServerGroup {
  readonly id: string
  /** Hard rules. The members of an affinity group stay where they are: moved one by one they would part. */
  readonly policy: 'anti-affinity' | 'affinity'
  /** Ids of servers. */
  readonly members: readonly string[]
}

/** One moment of a cloud. Its lists come in any order; no plan depends on it. */
export interface Model {
  readonly hosts: readonly ModelHost[]
  readonly servers: readonly ModelServer[]
  readonly groups: readonly ServerGroup[]
}

export const goals = ['consolidate', 'balance', 'drain'] as const
export type Goal = (typeof goals)[number]

export interface PlanOptions {
  /** Most moves of the plan. @default no limit */
  readonly maxMoves?: number
  /** `consolidate` stops at this many hosts in use, with the fewest moves. @default as few as can be */
  readonly maxHosts?: number
  /** No host that receives a server goes above this real CPU use, in percent of its threads. @default 90 */
  readonly maxCpuPercent?: number
  /** Most servers that leave one host during one wave (Nova migrates one at a time by default). @default 1 */
  readonly outgoingPerHost?: number
  /** Deviation at which `balance` stops, in percentage points. @default 8.5, or 0 if `maxMoves` is given */
  readonly targetDeviation?: number
  /** Names of the hosts that `drain` empties. */
  readonly drain?: readonly string[]
}

export interface PlannedMove {
  /** From 1. The moves of one wave may run at the same time; the next wave begins when all of them have ended. */
  readonly wave: number
  readonly serverId: string
  readonly from: string
  readonly to: string
  readonly reason: string
}

/** Something left alone, and why. */
export type Skipped =
  | { readonly host: string; readonly reason: string }
  | { readonly serverId: string; readonly reason: string }

/** A plan as data: what is moved where and when, what it brings, and why nothing else is moved. */
export interface GoalPlan {
  readonly goal: Goal
  /** Hosts with at least one server. */
  readonly hostsBefore: number
  readonly hostsAfter: number
  /** Names of the hosts the plan leaves without servers. */
  readonly released: readonly string[]
  readonly moves: readonly PlannedMove[]
  readonly skipped: readonly Skipped[]
  /** No plan can do with fewer hosts than this; whether one can do with so few is not said. */
  readonly bound: { readonly hosts: number }
  /** Standard deviation of the real CPU use of all hosts, in percentage points. */
  readonly deviationBefore: number
  readonly deviationAfter: number
}

export const defaultMaxCpuPercent = 90
