import type { EndState, OpenPlan, PlanView } from '../../core/cloud-plan.ts'
import type { Approval } from '../../core/governor.ts'
import type { PlanDesk } from './desk.ts'
import type { PlanJournal } from './journal.ts'

export interface PlanTimes {
  /** First pause after a wave gave way, a picture had gaps or hosts could not be enabled. @default 30 s */
  lookAgainMs?: number
  /** How long a wave waits for its lease: longer than the hour that a budget counts. @default 2 h */
  leaseWaitSeconds?: number
  /** How long it is tried to enable hosts again. @default 24 h */
  enableWithinMs?: number
}

/** Everything the phases of a plan share. */
export interface PlanLife {
  readonly open: OpenPlan
  readonly journal: PlanJournal
  readonly desk: PlanDesk
  readonly times: Required<PlanTimes>
  /** Of the workflow, where its documents are. */
  readonly workflowId: string
  /** Servers whose moves have failed: they are planned around. */
  stay: { readonly serverId: string; readonly reason: string }[]
  /** Of whoever said yes to the document that was carried out last. */
  approval?: Approval
  hasBegun: boolean
}

/** How a plan ended, and why. */
export interface PlanEnd {
  readonly state: EndState
  readonly reason: NonNullable<PlanView['reason']>
}
