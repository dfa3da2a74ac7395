import type { Resources } from '../../core/plan.ts'
import type { Weights } from './dimensions.ts'

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
  /** Servers move between hosts of the same pool only: same aggregates, storage and hypervisor. @default all are one */
  readonly pool?: string
  /** CPU features its servers may have come to rely on: they move only to hosts that have all of them. */
  readonly cpuTraits?: readonly string[]
  /** What else it can do; servers may require some. */
  readonly traits?: readonly string[]
  /** Most that one server may have (Placement's `max_unit`), whatever the allocation ratio. @default no limit */
  readonly largest?: Resources
  /** What it draws when idle and when all its threads are busy. */
  readonly power?: { readonly idleWatts: number; readonly maxWatts: number }
  /** What its network carries, for shares of it. */
  readonly networkMbps?: number
  /** What its disks do per second, for shares of it. */
  readonly diskIops?: number
}

export interface ModelServer {
  readonly id: string
  /** Name of the host it runs on. */
  readonly host: string
  readonly uses: Resources
  /** CPU it really uses, in percent of one thread: 250 keeps two threads and a half busy. */
  readonly cpuPercent: number
  /** The same when it was busy, over a day. @default `cpuPercent`, where it is known of others */
  readonly cpuPercentOfDay?: number
  /** Availability zone it must not leave. */
  readonly requestedZone?: string
  /** Why it must not be moved, when it must not: locked, busy, not active, opted out. */
  readonly pinned?: string
  /** CPU features it may have come to rely on. @default those of its present host */
  readonly cpuTraits?: readonly string[]
  /** Traits its host must have. */
  readonly requiredTraits?: readonly string[]
  /** Memory it really uses. @default all it may */
  readonly memoryUsedMiB?: number
  /** How fast it rewrites its memory, where that was measured. */
  readonly dirtyMiBps?: number
  /** Local disk that moves along with it. @default none: its disk is shared storage or a volume */
  readonly copiedDiskGiB?: number
  readonly networkMbps?: number
  readonly diskIops?: number
  /** What keeps it from moving live, or cold. @default it runs */
  readonly power?: 'off' | 'paused'
  /** It is pinned for being off and for nothing else: it may be moved cold. */
  readonly isFreeWhenCold?: true
  /** How a plan moves it. @default live */
  readonly kind?: 'cold'
}

export interface ServerGroup {
  readonly id: string
  /**
   * The members of an affinity group stay where they are: moved one by one they would part. Soft ones are wishes, heard
   * between targets that are as good otherwise.
   */
  readonly policy: 'anti-affinity' | 'affinity' | 'soft-anti-affinity' | 'soft-affinity'
  /** Ids of servers. */
  readonly members: readonly string[]
}

/** One moment of a cloud. Its lists come in any order; no plan depends on it. */
export interface Model {
  readonly hosts: readonly ModelHost[]
  readonly servers: readonly ModelServer[]
  readonly groups: readonly ServerGroup[]
}

/** `spread` is the undo of `consolidate`; `evict-noisy` moves those away who take much of a busy host. */
export const goals = ['consolidate', 'balance', 'drain', 'spread', 'evict-noisy'] as const
export type Goal = (typeof goals)[number]

/**
 * Which servers are moved by cold migration: none, those that are shut off, or all, which takes those down meanwhile that run.
 */
export const coldChoices = ['none', 'stopped', 'all'] as const
export type ColdChoice = (typeof coldChoices)[number]

export interface PlanOptions {
  /** Most moves of the plan. @default no limit */
  readonly maxMoves?: number
  /** `consolidate` stops at this many hosts in use, with the fewest moves. @default as few as can be */
  readonly maxHosts?: number
  /** No host that receives a server goes above this real CPU use, now and over a day, in percent of its threads. @default 90 */
  readonly maxCpuPercent?: number
  /** Most servers that leave one host during one wave (Nova migrates one at a time by default). @default 1 */
  readonly outgoingPerHost?: number
  /** Deviation at which `balance` stops, in percentage points. @default 8.5 (spread: 3), or 0 if `maxMoves` is given */
  readonly targetDeviation?: number
  /**
   * What `balance` and `spread` level, and how much each counts. @default balance: cpu; spread: cpu, memory, vcpu; where a
   * day is known, half of what cpu counts is for `cpu-day`
   */
  readonly weights?: Weights
  /** `evict-noisy`: what share of its host one server takes to be noisy, in percent. @default 25 */
  readonly noisyPercent?: number
  /** `evict-noisy`: hosts up to this use are left alone, and none that receives goes above it. @default 70 */
  readonly busyPercent?: number
  /** Names of the hosts that `drain` empties. */
  readonly drain?: readonly string[]
  /** Which servers are moved cold. @default none */
  readonly cold?: ColdChoice
}

export interface PlannedMove {
  /** From 1. The moves of one wave may run at the same time; the next wave begins when all of them have ended. */
  readonly wave: number
  readonly serverId: string
  readonly from: string
  readonly to: string
  readonly reason: string
  /** @default live */
  readonly kind?: 'cold'
  /** It is shut off, and stays so. */
  readonly isOff?: true
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
  /** The same over a day, where that is known. */
  readonly deviationOfDay?: { readonly before: number; readonly after: number }
  /** What was levelled, where nobody said it and a day is known. */
  readonly levelled?: Weights
}

export const defaultMaxCpuPercent = 90
