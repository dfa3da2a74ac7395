import { CancellationScope, CancelledFailure, isCancellation, sleep } from '@temporalio/workflow'
import type { PlanReference, WaveMove, WavePart } from '../../core/activities.ts'
import { type MoveState, planRunbook, type WaveRunView } from '../../core/cloud-plan.ts'
import { codeOf, detailsOf, failure, messageOf } from '../../core/errors.ts'
import type { LeaseGrounds, LeaseNeed, Target } from '../../core/governor.ts'
import type { Move } from '../../core/plan.ts'
import { coldLimitSecondsOf } from '../../policies/server-migration.ts'
import { withLease } from '../lease.ts'
import { publish } from '../publish.ts'
import { migrationLimitMs } from '../runbooks/relieve-host.ts'
import { patient, quick } from '../steps.ts'
import { moveCold } from './cold-move.ts'

/** One wave of a plan that somebody has approved. */
export interface WaveOrder extends PlanReference {
  readonly wave: number
  /** The first move goes alone. */
  readonly canary: boolean
  /** What an earlier run of this wave has come to; empty when there was none. */
  readonly states: readonly MoveState[]
  readonly ownReason: string
  readonly movesAtOnce: number
  readonly lookAgainMs: number
  /** Nothing is begun after this. */
  readonly beginBy?: string
  readonly grounds: LeaseGrounds
}

export interface WaveReport {
  /** By move, in the order of the document. */
  readonly states: readonly MoveState[]
  /** Hosts that are disabled for the plan. */
  readonly disabled: readonly string[]
  /** Why it ended before its last move; missing when every move was made and seen. */
  readonly ended?: { readonly code: string; readonly detail: string; readonly serverId?: string }
}

const longestLookMs = 10 * 60_000
const mostLooks = 3

/**
 * Carries out one wave: lease → look whether the cloud is as the wave expects it → disable the hosts that are emptied →
 * moves, some at the same time → look where the servers are. After a failure, or when it is asked to come to an end, no
 * further move is begun, and those under way are waited for; also when it is cancelled. Never fails: how it ended is in
 * its report.
 */
export async function planWave(order: WaveOrder): Promise<WaveReport> {
  const { wave, workflowId, pack, ownReason, grounds, beginBy } = order
  const view: WaveRunView = { wave, state: 'waiting', says: '', states: [] }
  const show = (says: string) => {
    view.says = says
    publish(view, says)
  }
  const disabled: string[] = []
  const report = (ended?: WaveReport['ended']): WaveReport => ({
    states: view.states,
    disabled,
    ...(ended && { ended }),
  })
  try {
    const part = await quick(`Read wave ${wave} of the plan`).readWave({ workflowId, pack, wave })
    view.states = part.moves.map((_, at) => (order.states[at] === 'moved' ? 'moved' : 'waiting'))
    const left = part.moves.filter((_, at) => view.states[at] === 'waiting')
    const moved = part.moves.filter((move) => !left.includes(move)).map(({ serverId }) => serverId)
    const failed = await withLease(leaseOf(part, left), grounds, show, async (safePoint) => {
      if (beginBy !== undefined && Date.now() >= Date.parse(beginBy))
        throw failure('WINDOW_CLOSED', `it had its lease only after ${beginBy}`)
      view.state = 'running'
      show(`looks whether wave ${wave} still holds`)
      await assertHolds(order, moved)
      for (const host of part.emptied) {
        safePoint()
        const { ours } = await quick(`Disable ${host} while it is emptied`).disableHost({ host, reason: ownReason })
        if (ours) disabled.push(host)
      }
      for (const host of part.opened) {
        safePoint()
        await quick(`Enable ${host}, to which servers go back`).enableHost({ host, reason: ownReason })
      }
      return makeMoves(order, part.moves, view, show, safePoint)
    })
    view.state = failed ? 'ended' : 'done'
    show(failed?.detail ?? `wave ${wave}: ${left.length} move(s) made, and seen`)
    return report(failed)
  } catch (error) {
    view.state = 'ended'
    const ended = isCancellation(error) ? cancelled : { code: codeOf(error) ?? 'INTERNAL', detail: messageOf(error) }
    show(ended.detail)
    return report(ended)
  }
}

const cancelled = { code: 'CANCELLED', detail: 'cancelled by a person in Temporal' }

/** A picture may have gaps because something changed while it was taken: another one is taken then. @throws PLAN_STALE */
async function assertHolds({ workflowId, pack, wave, ownReason, lookAgainMs }: WaveOrder, moved: string[]) {
  for (let look = 1; ; look++) {
    try {
      return await patient(`Look whether the cloud is as wave ${wave} expects it`, longestLookMs).checkWave({
        ...{ workflowId, pack, wave, moved, ownReason },
      })
    } catch (error) {
      if (codeOf(error) !== 'SNAPSHOT_INCOMPLETE' || look === mostLooks) throw error
      await sleep(lookAgainMs)
    }
  }
}

/** The hosts that are left and every server that moves; where they move to must not be emptied meanwhile. */
function leaseOf({ moves, zones }: WavePart, left: readonly Move[]): LeaseNeed {
  const sources = new Set(left.map(({ from }): Target => `host/${from}`))
  const targets = new Set(left.map(({ to }): Target => `host/${to}`))
  return {
    runbook: planRunbook,
    targets: [...sources, ...left.map(({ serverId }): Target => `server/${serverId}`)],
    within: [...[...targets].filter((host) => !sources.has(host)), ...zones.map((zone): Target => `zone/${zone}`)],
    risk: 'move',
    expectedMs: longestLookMs + moves.reduce((sum, move) => sum + limitMs(move), 0),
  }
}

const limitMs = ({ cold, memoryMiB }: WaveMove) =>
  cold ? coldLimitSecondsOf(cold.copiedMiB) * 1000 : migrationLimitMs(memoryMiB)

/** Undefined when all were made, and Nova and Placement have every server where it should be. */
async function makeMoves(
  { wave, canary, movesAtOnce, grounds }: WaveOrder,
  moves: readonly WaveMove[],
  view: WaveRunView,
  show: (says: string) => void,
  safePoint: () => void,
): Promise<WaveReport['ended']> {
  const scope = CancellationScope.current()
  let ended: WaveReport['ended']
  const queue = [...moves.entries()].filter(([at]) => view.states[at] === 'waiting')
  const total = queue.length

  const become = (at: number, state: MoveState) => {
    view.states[at] = state
    const made = view.states.filter((one) => one === 'moved').length
    show(`wave ${wave}: ${made} of ${moves.length} moved`)
  }
  const makeNext = async (): Promise<boolean> => {
    const [next] = ended ? [] : queue.splice(0, 1)
    if (!next) return false
    const [at, move] = next
    try {
      safePoint()
      if (scope.consideredCancelled) throw new CancelledFailure(cancelled.detail)
    } catch (error) {
      ended ??= isCancellation(error) ? cancelled : reasonOf(error)
      return false
    }
    become(at, 'moving')
    try {
      await CancellationScope.nonCancellable(() => migrate(move, { grounds, note: show, safePoint }))
      become(at, 'moved')
    } catch (error) {
      if (ended?.serverId === undefined) ended = { ...reasonOf(error), serverId: move.serverId }
      // one that met the stop button was not begun, unless it says so
      become(at, codeOf(error) === 'STOPPED' && detailsOf(error).begun !== true ? 'waiting' : 'failed')
    }
    return true
  }

  if (canary && total > 0) await makeNext()
  const lane = async (): Promise<void> => {
    if (await makeNext()) await lane()
  }
  await Promise.all(Array.from({ length: movesAtOnce }, lane))
  if (ended) return ended
  const { astray } = await patient(`Look where the servers of wave ${wave} are`, longestLookMs).verifyMoves({ moves })
  return astray.length > 0 ? { code: 'PLAN_STALE', detail: `after wave ${wave}: ${listed(astray)}` } : undefined
}

async function migrate(move: WaveMove, hands: Parameters<typeof moveCold>[1]): Promise<void> {
  const { serverId, from, to, memoryMiB, cold } = move
  if (cold) return moveCold({ ...move, cold }, hands)
  const { host } = await patient(
    `Live-migrate ${serverId} from ${from} to ${to}`,
    migrationLimitMs(memoryMiB),
  ).liveMigrate(move)
  if (host !== to) throw failure('MIGRATION_FAILED', `server ${serverId} is on ${host} and not on ${to}`)
}

const reasonOf = (error: unknown) => ({ code: codeOf(error) ?? 'INTERNAL', detail: messageOf(error) })

const shown = 3
const listed = (all: readonly string[]) =>
  all.length > shown ? `${all.slice(0, shown).join('; ')}; and ${all.length - shown} more` : all.join('; ')
