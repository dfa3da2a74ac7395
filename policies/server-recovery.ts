import type { MigrationFacts, ServerFacts } from './nova-facts.ts'
import { hasEnded } from './server-migration.ts'

/** What may be done to a server to bring it back; each does more than the one before. */
export const recoveries = ['reset-state', 'reboot', 'rebuild'] as const
export type Recovery = (typeof recoveries)[number]

/** One entry of Nova's record of actions on a server. */
export interface ServerActionFacts {
  readonly action: string
  readonly startedAt: string
  /** Nova's own words on how it failed; empty when it did not, or does not say. */
  readonly reason: string
}

export interface Sick {
  readonly server: ServerFacts
  /** Newest first. */
  readonly actions: readonly ServerActionFacts[]
  readonly migrations: readonly MigrationFacts[]
}

export type Diagnosis =
  | { readonly verdict: 'well' | 'refused'; readonly reason: string }
  | {
      readonly verdict: 'sick'
      readonly reason: string
      /** In this order, as far as they are allowed. */
      readonly steps: readonly Recovery[]
      /** Why a person must say yes first, if one must. */
      readonly doubt?: string
    }

/** Tasks that leave a server whole when they are given up, and the one of them that wants it to be off. */
const harmlessTasks =
  /^(image_(snapshot|backup|uploading|pending_upload|snapshot_pending)|reboot|rebooting|powering-on|pausing|unpausing|suspending|resuming|rescuing|unrescuing|updating_password)/
/** Statuses in which a server is meant to be, and stays. */
const resting = new Set(['ACTIVE', 'SHUTOFF', 'PAUSED', 'SUSPENDED', 'SHELVED', 'SHELVED_OFFLOADED', 'RESCUE'])
/** What leaves it open on which host a server that failed runs. */
const moves = new Set(['live-migration', 'migrate', 'resize', 'evacuate', 'confirmResize', 'revertResize'])

const refused = (reason: string): Diagnosis => ({ verdict: 'refused', reason })

/** Finds out from what Nova remembers whether and how a server can be brought back. */
export function diagnose(
  { server, actions, migrations }: Sick,
  { nowMs, olderThanMs }: { readonly nowMs: number; readonly olderThanMs: number },
): Diagnosis {
  const { status, taskState, host, locked } = server
  const [last] = actions
  const isBroken = status === 'ERROR'
  if (taskState === null && resting.has(status)) return { verdict: 'well', reason: `it is ${status} and does nothing` }
  const underWay = migrations.find((one) => !hasEnded(one) || one.status === 'finished')
  if (underWay) return refused(`its migration ${underWay.uuid} is ${underWay.status}`)
  if (locked) return refused('it is locked')
  if (host === '') return refused(`it was never built${because(last)}: delete it and make it anew`)
  const reason = `it is ${status}${taskState === null ? '' : `, stuck in ${taskState}`}${because(last)}`
  if (taskState !== null) {
    const ageMs = last ? nowMs - Date.parse(`${last.startedAt}Z`) : Number.NaN
    if (!(ageMs >= olderThanMs)) return refused(`it is busy: ${taskState}${last ? ` since ${last.startedAt}` : ''}`)
    if (!harmlessTasks.test(taskState))
      return refused(`it is stuck in ${taskState}, which cannot be given up half done`)
  } else if (!isBroken)
    return refused(
      `it is ${status}: ${status === 'VERIFY_RESIZE' ? 'confirm or revert the resize' : 'nothing is known of how to help it'}`,
    )
  const doubt =
    last && isBroken && moves.has(last.action)
      ? `its last action was ${last.action}, so it may run on another host than ${host}`
      : undefined
  return {
    verdict: 'sick',
    reason,
    // a hard reboot is refused while a task is written down, and needs no reset of an error
    steps: [...(taskState === null ? [] : (['reset-state'] as const)), 'reboot', 'rebuild'],
    ...(doubt !== undefined && { doubt }),
  }
}

const because = (last: ServerActionFacts | undefined) =>
  last?.reason ? ` since ${last.action} failed (${last.reason})` : ''
