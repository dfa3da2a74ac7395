import { Context } from '@temporalio/activity'
import { z } from 'zod'
import type { Call } from '../core/action.ts'
import type { Activities, CallOutcome } from '../core/activities.ts'
import { codeOf, detailsOf } from '../core/errors.ts'
import type { Session } from '../openstack/session.ts'
import { serverActionOf } from '../policies/server-actions.ts'
import { withoutSecrets } from './answer.ts'
import type { Brake } from './brake.ts'
import type { Pause } from './pause.ts'
import { runRequestId, type Sessions } from './sessions.ts'

const callTimeoutMs = 60_000
const heartbeatMs = 5_000
/** What a comparison of two clocks may be wrong by; nobody stops the same server twice within seconds. */
const clockErrorMs = 2_500

/** Makes deferred calls with the rights of their owners. */
export const createDeferredCallActivities = (
  sessions: Sessions,
  pause: Pause,
  brake: Brake,
): Pick<Activities, 'performCall' | 'reconcileCall'> => ({
  /**
   * Makes the call once. Not safe to repeat by itself: after OUTCOME_UNKNOWN, or a lost worker, `reconcileCall` looks.
   * Heartbeats while the call is under way. A server that has nothing left to do (a stop of a stopped one) is a success.
   *
   * @throws nothing was sent: STOPPED, DELEGATION_LOST, KEYSTONE_UNREACHABLE, SERVICE_LOGIN_REFUSED, CLOUD_UNREACHABLE,
   *   SERVICE_UNKNOWN, PATH_REFUSED; refused: CLOUD_REFUSED, CLOUD_BUSY, MICROVERSION_UNSUPPORTED; OUTCOME_UNKNOWN
   */
  async performCall({ call, trustId }) {
    const beating = setInterval(Context.current().heartbeat, heartbeatMs)
    try {
      return await perform(sessions.throughTrust(trustId), call, brake)
    } finally {
      clearInterval(beating)
    }
  },

  /**
   * Finds out whether a call whose answer was lost took effect, from Nova's record of actions on the server.
   * Looks twice, since an accepted call may be recorded a moment later. `unknown`: there is no such record to read.
   *
   * @throws what the client throws; safe to repeat
   */
  async reconcileCall({ call, trustId, sentAfter }) {
    const action = serverActionOf(call)
    if (!action?.recordedAs) return { verdict: 'unknown' }
    const session = sessions.throughTrust(trustId)
    const compute = session.service('compute', { microversion: '2.51' })
    const path = `/servers/${action.serverId}/os-instance-actions`
    for (let look = 1; ; look++) {
      const { instanceActions } = await compute.get(path, InstanceActions, { requestId: runRequestId() })
      const { userId } = await session.token()
      const alike = instanceActions.filter((a) => a.action === action.recordedAs && a.user_id === userId)
      const sinceMs = Date.parse(sentAfter) + compute.aheadMs() - clockErrorMs
      const found = alike.find((a) => Date.parse(`${a.start_time}Z`) >= sinceMs)
      if (found) return { verdict: 'done', requestId: found.request_id }
      if (look === 1) await pause(5_000)
      else return { verdict: 'not done' }
    }
  },
})

async function perform(session: Session, call: Call, brake: Brake): Promise<CallOutcome> {
  // logs in first: what fails here fails before the call
  await session.token()
  if (call.method !== 'GET') await brake()
  const startedAt = new Date().toISOString()
  try {
    const { status, requestId, body } = await service(session, call).request({
      ...pick(call),
      requestId: runRequestId(),
      // never cut short by us: a call that was begun is waited for, also by a worker that leaves
      timeoutMs: callTimeoutMs,
    })
    return { status, startedAt, ...(requestId && { requestId }), ...withoutSecrets(body) }
  } catch (error) {
    const settled = detailsOf(error).status === 409 ? await settledAlready(session, call, startedAt) : undefined
    if (settled) return settled
    throw error
  }
}

const InstanceActions = z.object({
  instanceActions: z.array(
    z.object({ action: z.string(), request_id: z.string(), user_id: z.string(), start_time: z.string() }),
  ),
})

const service = (session: Session, { service: type, microversion }: Call) =>
  session.service(type, microversion === undefined ? {} : { microversion })

const pick = ({ method, path, body }: Call) => ({ method, path, ...(body && { body }) })

async function settledAlready(session: Session, call: Call, startedAt: string): Promise<CallOutcome | undefined> {
  const action = serverActionOf(call)
  if (!action || action.settled.length === 0) return undefined
  try {
    const { server } = await service(session, call).get(
      `/servers/${action.serverId}`,
      z.object({ server: z.object({ status: z.string() }) }),
      { requestId: runRequestId() },
    )
    if (action.settled.includes(server.status))
      return { status: 409, startedAt, note: `nothing to do: the server was ${server.status} already` }
  } catch (error) {
    // the look is an extra: the conflict itself is what is reported
    if (codeOf(error) === undefined) throw error
  }
  return undefined
}
