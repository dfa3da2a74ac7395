import { randomUUID } from 'node:crypto'
import type { ActionView, CreateAction } from '../core/action.ts'
import { durationMs } from '../core/duration.ts'
import { failure } from '../core/errors.ts'
import type { Actions } from '../temporal/actions.ts'
import type { Caller } from './callers.ts'
import { type Asked, type TrustOptions, withTrust } from './trust.ts'

export interface DeferOptions extends TrustOptions {
  actions: Actions
}

const dayMs = 86_400_000

/**
 * Takes a deferred action in: checks it, makes a trust with the caller's token, starts its workflow.
 *
 * All or nothing: if the workflow does not start, the trust is deleted again. Not repeatable: each call makes an action.
 *
 * @throws TIME_PAST, TIME_TOO_FAR, ENGINE_UNREACHABLE, and what `withTrust` throws
 */
export async function deferAction(
  input: CreateAction,
  caller: Caller,
  options: DeferOptions,
  asked: Asked,
): Promise<ActionView> {
  const { actions, maxDays, now = Date.now } = options
  const { call, name, maxLatenessSeconds } = input
  const dueMs = dueTime(input, now())
  if (dueMs > now() + maxDays * dayMs)
    throw failure('TIME_TOO_FAR', `${new Date(dueMs).toISOString()} is more than ${maxDays} days away`)
  const maxLatenessMs = maxLatenessSeconds * 1000
  return withTrust({ call, untilMs: dueMs + maxLatenessMs }, caller, options, asked, async ({ trustId, roles }) => {
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
    await actions.start({ view, trustId, maxLatenessMs })
    return view
  })
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
