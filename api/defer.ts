import { randomInt, randomUUID } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { ActionView, CreateAction } from '../core/action.ts'
import { durationMs } from '../core/duration.ts'
import { failure, messageOf } from '../core/errors.ts'
import { joinPath } from '../openstack/catalog.ts'
import type { Keystone } from '../openstack/keystone.ts'
import { leastRole, refuseInternalHints } from '../policies/least-role.ts'
import type { Actions } from '../temporal/actions.ts'
import type { Caller } from './callers.ts'

export interface DeferOptions {
  actions: Actions
  keystone: Pick<Keystone, 'createTrust' | 'deleteTrust'>
  /** Steward's own user, who is trusted. */
  trusteeUserId: () => Promise<string>
  interface: 'public' | 'internal' | 'admin'
  region?: string | undefined
  maxDays: number
  now?: () => number
}

const dayMs = 86_400_000
/** A trust outlives the latest moment of its call, for clocks that differ and for its own deletion. */
const trustMarginMs = 600_000

/**
 * Takes a deferred action in: checks it, makes a trust with the caller's token, starts its workflow.
 *
 * All or nothing: if the workflow does not start, the trust is deleted again. Not repeatable: each call makes an action.
 *
 * @throws TIME_PAST, TIME_TOO_FAR, SERVICE_UNKNOWN, PATH_REFUSED, ROLE_MISSING, DELEGATION_REFUSED,
 *   KEYSTONE_UNREACHABLE, ENGINE_UNREACHABLE
 */
export async function deferAction(
  input: CreateAction,
  caller: Caller,
  options: DeferOptions,
  { globalRequestId: requestId, log }: Pick<FastifyRequest, 'globalRequestId' | 'log'>,
): Promise<ActionView> {
  const { actions, keystone, trusteeUserId, maxDays, now = Date.now } = options
  const { call, name, maxLatenessSeconds } = input
  const dueMs = dueTime(input, now())
  if (dueMs > now() + maxDays * dayMs)
    throw failure('TIME_TOO_FAR', `${new Date(dueMs).toISOString()} is more than ${maxDays} days away`)
  refuseInternalHints(call)
  joinPath(caller.catalog.endpoint(call.service, options), call.path)
  const roles = [leastRole(call, caller.roles)]
  if (caller.isApplicationCredential)
    throw failure('DELEGATION_REFUSED', 'tokens of application credentials cannot make trusts')

  const maxLatenessMs = maxLatenessSeconds * 1000
  // Keystone refuses a second trust with equal ends, so each gets some seconds of its own
  const expiresAt = new Date(dueMs + maxLatenessMs + trustMarginMs + randomInt(300) * 1000)
  const wish = { trusteeUserId: await trusteeUserId(), roles, expiresAt }
  const trust = await keystone.createTrust(caller, wish, { requestId })
  const view: ActionView = {
    id: randomUUID(),
    ...(name !== undefined && { name }),
    state: 'scheduled',
    projectId: caller.projectId,
    userId: caller.userId,
    roles,
    call,
    runAt: new Date(dueMs).toISOString(),
    createdAt: new Date(now()).toISOString(),
  }
  try {
    await actions.start({ view, trustId: trust.id, maxLatenessMs })
  } catch (error) {
    await keystone.deleteTrust(caller, trust.id, { requestId }).catch((reason: unknown) => {
      log.warn({ trustId: trust.id, reason: messageOf(reason) }, 'an unused trust is left to expire')
    })
    throw error
  }
  return view
}

function dueTime({ runAt, runIn }: CreateAction, nowMs: number): number {
  if (runAt !== undefined) {
    const dueMs = Date.parse(runAt)
    if (dueMs <= nowMs) throw failure('TIME_PAST', `${runAt} is past: it is ${new Date(nowMs).toISOString()}`)
    return dueMs
  }
  const inMs = durationMs(runIn ?? '')
  if (inMs === undefined || inMs === 0)
    throw failure('INPUT_INVALID', `runIn: ${runIn} is not a duration of weeks, days, hours, minutes or seconds`)
  return nowMs + inMs
}
