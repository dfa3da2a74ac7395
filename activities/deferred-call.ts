import { z } from 'zod'
import type { Activities, CallOutcome } from '../core/activities.ts'
import type { Call } from '../core/call.ts'
import type { Deed } from '../core/chain.ts'
import { codeOf, detailsOf } from '../core/errors.ts'
import type { Session } from '../openstack/session.ts'
import { isIdempotent } from '../policies/repeat.ts'
import { serverActionOf } from '../policies/server-actions.ts'
import { withoutSecrets } from './answer.ts'
import { whileBeating } from './beating.ts'
import type { Brake } from './brake.ts'
import { callOf, read, requestOf, serviceOf } from './deed.ts'
import type { Look } from './looks.ts'
import type { Pause } from './pause.ts'
import { runRequestId, type Sessions } from './sessions.ts'

const callTimeoutMs = 60_000
/** What a comparison of two clocks may be wrong by; nobody stops the same server twice within seconds. */
const clockErrorMs = 2_500

/** Makes deferred calls with the rights of their owners. */
export const createDeferredCallActivities = (
  sessions: Pick<Sessions, 'of'>,
  pause: Pause,
  brake: Brake,
): Pick<Activities, 'performCall' | 'reconcileCall'> => ({
  /**
   * Makes the call once. Not safe to repeat by itself: after OUTCOME_UNKNOWN, or a lost worker, `reconcileCall` looks.
   * Heartbeats while the call is under way. An action of the catalogue is looked at first: where nothing is left to do,
   * nothing is called, and that is a success; so is the refusal to stop a server that has just been stopped.
   *
   * @throws nothing was sent: STOPPED, OVERLOADED, DELEGATION_LOST, KEYSTONE_UNREACHABLE, SERVICE_LOGIN_REFUSED,
   *   CLOUD_UNREACHABLE, SERVICE_UNKNOWN, PATH_REFUSED, INPUT_INVALID; refused: CLOUD_REFUSED, CLOUD_BUSY,
   *   MICROVERSION_UNSUPPORTED; OUTCOME_UNKNOWN
   */
  async performCall(deed) {
    return whileBeating(async () => perform(await sessions.of(deed), deed, brake))
  },

  /**
   * Finds out whether a call whose answer was lost took effect: from Nova's record of actions on the server, or by the
   * look of the catalogue. Looks twice at records, since an accepted call may be recorded a moment later. `not done` also
   * where doing it twice is harmless; `unknown`: there is nothing to tell it by.
   *
   * @throws what the client throws; safe to repeat
   */
  reconcileCall: async (deed) => reconcile(await sessions.of(deed), deed, deed.sentAfter, pause),
})

/** See `reconcileCall`. */
export async function reconcile(
  session: Session,
  deed: Deed,
  sentAfter: string,
  pause: Pause,
): ReturnType<Activities['reconcileCall']> {
  const { call, spec, input } = callOf(deed)
  const action = serverActionOf(call)
  if (action?.recordedAs) {
    const { recordedAs, serverId } = action
    return recordOf(session, { recordedAs, serverId, sentAfter }, pause)
  }
  if (spec?.alreadyDone) {
    const seen = await read(session, spec.alreadyDone.read(input))
    if (spec.alreadyDone.when(seen, input)) return { verdict: 'done' }
  }
  return { verdict: spec?.repeatable || isIdempotent(call) ? 'not done' : 'unknown' }
}

async function recordOf(
  session: Session,
  { recordedAs, serverId, sentAfter }: { recordedAs: string; serverId: string; sentAfter: string },
  pause: Pause,
): ReturnType<Activities['reconcileCall']> {
  const compute = session.service('compute', { microversion: '2.51' })
  const path = `/servers/${serverId}/os-instance-actions`
  for (let look = 1; ; look++) {
    const { instanceActions } = await compute.get(path, InstanceActions, { requestId: runRequestId() })
    const { userId } = await session.token()
    const alike = instanceActions.filter((a) => a.action === recordedAs && a.user_id === userId)
    const sinceMs = Date.parse(sentAfter) + compute.aheadMs() - clockErrorMs
    const found = alike.find((a) => Date.parse(`${a.start_time}Z`) >= sinceMs)
    if (found) return { verdict: 'done', requestId: found.request_id }
    if (look === 1) await pause(5_000)
    else return { verdict: 'not done' }
  }
}

/** See `performCall`. */
export async function perform(
  session: Session,
  deed: Deed,
  brake: Brake,
  look: Look = (call) => read(session, call),
): Promise<CallOutcome> {
  const { call, spec, input } = callOf(deed)
  // logs in first: what fails here fails before the call
  await session.token()
  const seen = spec?.alreadyDone && (await look(spec.alreadyDone.read(input)))
  const before = seen && beforeOf(seen.body)
  const startedAt = new Date().toISOString()
  if (seen && spec?.alreadyDone?.when(seen, input))
    return { status: seen.status, startedAt, ...before, already: true, note: 'nothing to do: it was so already' }
  if (call.method !== 'GET') await brake()
  try {
    const { status, requestId, body } = await serviceOf(session, call).request({
      ...requestOf(call),
      requestId: runRequestId(),
      // never cut short by us: a call that was begun is waited for, also by a worker that leaves
      timeoutMs: callTimeoutMs,
    })
    return {
      ...{ status, startedAt, ...(requestId && { requestId }), ...withoutSecrets(body), ...before },
      ...(spec?.waitFor && { goesOn: true }),
    }
  } catch (error) {
    const settled = detailsOf(error).status === 409 ? await settledAlready(session, call, startedAt) : undefined
    if (settled) return { ...settled, ...before }
    throw error
  }
}

/** What an undo may need; an answer too large to be kept is not. */
function beforeOf(body: unknown): { before?: unknown } {
  const kept = withoutSecrets(body).body
  return kept === undefined ? {} : { before: kept }
}

const InstanceActions = z.object({
  instanceActions: z.array(
    z.object({ action: z.string(), request_id: z.string(), user_id: z.string(), start_time: z.string() }),
  ),
})

async function settledAlready(session: Session, call: Call, startedAt: string): Promise<CallOutcome | undefined> {
  const action = serverActionOf(call)
  if (!action || action.settled.length === 0) return undefined
  try {
    const { server } = await serviceOf(session, call).get(
      `/servers/${action.serverId}`,
      z.object({ server: z.object({ status: z.string() }) }),
      { requestId: runRequestId() },
    )
    if (action.settled.includes(server.status))
      return { status: 409, startedAt, already: true, note: `nothing to do: the server was ${server.status} already` }
  } catch (error) {
    // the look is an extra: the conflict itself is what is reported
    if (codeOf(error) === undefined) throw error
  }
  return undefined
}
