import type { GovernorConfig, GovernorState, Lease, LeaseRequest, ModeSetting } from '../../core/governor.ts'
import { createTouches, type Touches } from './cool-down.ts'
import { type Claims, createClaims } from './leases.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { isoOf } from './memory.ts'
import { createTrackRecords, type TrackRecord } from './track-record.ts'

/** All that the rules look at, indexed for one moment. It grows while the queue is gone through. */
export interface Scene {
  readonly config: GovernorConfig
  readonly nowMs: number
  /** Now, and from when on a run has not cooled down; ISO. */
  readonly at: string
  readonly coolingSince: string
  readonly modes: readonly ModeSetting[]
  readonly recordOf: (runbook: string) => TrackRecord
  readonly held: Claims<Lease>
  /** Requests that are before the one that is being decided. */
  readonly ahead: Claims<LeaseRequest>
  readonly ledger: Ledger
  readonly touches: Touches
  /** Leases and requests there were before the event. */
  readonly crowd: number
}

/** The scene without a queue: requests are added to `ahead` as they turn out to wait. */
export function setScene(state: GovernorState, config: GovernorConfig, nowMs: number, crowd: number): Scene {
  const held = createClaims<Lease>()
  for (const lease of state.leases) held.add(lease.request, lease)
  return {
    config,
    nowMs,
    at: isoOf(nowMs),
    coolingSince: isoOf(nowMs - config.coolDownSeconds * 1000),
    modes: state.modes,
    recordOf: createTrackRecords(state, config, nowMs),
    held,
    ahead: createClaims(),
    ledger: createLedger(state.leases, state.past, isoOf(nowMs - 3_600_000)),
    touches: createTouches(state.leases, state.past),
    crowd,
  }
}

/** From now on the lease counts for everything that is decided after it. */
export function grant({ held, ledger, touches }: Scene, lease: Lease): void {
  held.add(lease.request, lease)
  ledger.add(lease)
  touches.add(lease)
}
