import { Context } from '@temporalio/activity'
import type { Activities, Group } from '../core/activities.ts'
import type { ActionReference } from '../core/chain.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import { mostTargets, type TargetOutcome } from '../core/group.ts'
import { ownServers } from '../openstack/servers.ts'
import { isSelected } from '../policies/group.ts'
import { afterFailure } from '../policies/repeat.ts'
import type { Brake } from './brake.ts'
import { perform, reconcile } from './deferred-call.ts'
import { endOf, firstPauseMs, nextPauseMs } from './effect.ts'
import { inLanes } from './in-lanes.ts'
import { createLooks } from './looks.ts'
import type { Pause } from './pause.ts'
import { runRequestId, type Sessions } from './sessions.ts'

/** Calls of one group that are under way at the same moment. */
const lanes = 40
const heartbeatMs = 1_000
/** Half of what the engine waits for a heartbeat. */
const standstillMs = 10_000
const beginWithinMs = 60_000

/** Does one action on many targets. What becomes of one is no matter of another. */
export const createGroupActivities = (
  sessions: Pick<Sessions, 'through'>,
  pause: Pause,
  brake: Brake,
  looks = createLooks(),
): Pick<Activities, 'findTargets' | 'performMany' | 'reconcileMany' | 'awaitMany'> => ({
  /** Safe to repeat. @throws INPUT_INVALID when there are too many, and what the client throws */
  async findTargets({ select, ...delegation }) {
    const ids: string[] = []
    for await (const server of ownServers(sessions.through(delegation), runRequestId())) {
      if (!isSelected(select, server)) continue
      ids.push(server.id)
      if (ids.length > mostTargets)
        throw failure('INPUT_INVALID', `the selector finds more than ${mostTargets} servers`, { mostTargets })
    }
    return { ids }
  },

  /**
   * Makes each call once. Not safe to repeat by itself: of a lost worker its last heartbeat tells what is through, and
   * `reconcileMany` finds out about the rest. A lost answer is looked up at once. Whether there is anything left to do is
   * read for many servers together, some seconds before their calls at most.
   */
  async performMany({ ids, ...group }) {
    const session = sessions.through(group)
    const look = looks(session, ids.length)
    const through: TargetOutcome[] = []
    const leash = createLeash(() => Context.current().heartbeat(through))
    const sentAfter = new Date().toISOString()
    // what is through must be in every heartbeat
    const pauseWith: Pause = (ms) => pause(ms, through)
    try {
      await inLanes(ids, lanes, async (id) => {
        if (!leash.holds()) {
          through.push({ id, outcome: 'again', detail: 'its turn did not come' })
          return
        }
        const deed = deedOn(group, id)
        try {
          const { note, goesOn, startedAt, body } = await perform(session, deed, brake, look)
          through.push({
            ...{ id, outcome: 'done', ...(note !== undefined && { detail: note }) },
            ...(goesOn && { goesOnSince: startedAt, ...(body !== undefined && { result: body }) }),
          })
        } catch (error) {
          const verdict = afterFailure(undefined, codeOf(error) ?? 'INTERNAL')
          if (verdict === 'look first')
            through.push(await lookedUp(id, () => reconcile(session, deed, sentAfter, pauseWith)))
          else through.push({ id, outcome: verdict === 'repeat' ? 'again' : 'failed', detail: saying(error) })
        }
      })
      return through
    } finally {
      leash.drop()
    }
  },

  /** Safe to repeat; heartbeats. */
  async reconcileMany({ ids, sentAfter, ...group }) {
    const session = sessions.through(group)
    const found: TargetOutcome[] = []
    const beating = setInterval(() => Context.current().heartbeat(), heartbeatMs)
    try {
      await inLanes(ids, lanes, async (id) => {
        found.push(await lookedUp(id, () => reconcile(session, deedOn(group, id), sentAfter, pause)))
      })
      return found
    } finally {
      clearInterval(beating)
    }
  },

  /** Safe to repeat; heartbeats. One whose end is not seen in its time becomes `unknown`. */
  async awaitMany({ pending, ...group }) {
    const session = sessions.through(group)
    const ended: TargetOutcome[] = []
    let waiting = pending
    for (let pauseMs = firstPauseMs; waiting.length > 0; pauseMs = nextPauseMs(pauseMs)) {
      const still: TargetOutcome[] = []
      await inLanes(waiting, lanes, async (target) => {
        Context.current().heartbeat()
        const { id, result, goesOnSince: since = '' } = target
        const end = await endOf(session, { ...deedOn(group, id), result }, since).catch((error: unknown) => ({
          ...{ outcome: 'unseen' as const, detail: saying(error) },
        }))
        if (!end) still.push(target)
        else if (end.outcome === 'done') ended.push({ id, outcome: 'done' })
        else ended.push({ id, outcome: end.outcome === 'failed' ? 'failed' : 'unknown', detail: end.detail })
      })
      waiting = still
      if (waiting.length > 0) await pause(pauseMs)
    }
    return ended
  },
})

/**
 * Heartbeats, and says whether another call may be begun: not after a minute, not when this worker is to stop, and not
 * when it has stood still for so long that another one may have taken over.
 */
function createLeash(heartbeat: () => void) {
  const { cancellationSignal } = Context.current()
  const begunMs = Date.now()
  let beatMs = begunMs
  let hasStoodStill = false
  const beating = setInterval(() => {
    hasStoodStill ||= Date.now() - beatMs > standstillMs
    beatMs = Date.now()
    heartbeat()
  }, heartbeatMs)
  return {
    holds: () =>
      !(hasStoodStill || cancellationSignal.aborted) &&
      Date.now() - beatMs <= standstillMs &&
      Date.now() - begunMs <= beginWithinMs,
    drop: () => clearInterval(beating),
  }
}

const deedOn = ({ action, input, key }: Group, id: string): ActionReference => ({
  action,
  input: { ...input, [key]: id },
})

/** What a look says of a call whose answer was lost. */
async function lookedUp(id: string, look: () => ReturnType<Activities['reconcileCall']>): Promise<TargetOutcome> {
  try {
    const { verdict } = await look()
    const detail = 'its answer was lost'
    if (verdict === 'done') return { id, outcome: 'done', detail, goesOnSince: new Date().toISOString() }
    return { id, outcome: verdict === 'not done' ? 'again' : 'unknown', detail }
  } catch (error) {
    return { id, outcome: 'unknown', detail: `its answer was lost, and looking failed: ${saying(error)}` }
  }
}

const saying = (error: unknown) => `${codeOf(error) ?? 'INTERNAL'}: ${messageOf(error)}`
