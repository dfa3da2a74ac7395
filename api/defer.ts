import { createHash, randomInt, randomUUID } from 'node:crypto'
import type { ActionView, ChangeOfAction, CloneAction, CreateAction } from '../core/action.ts'
import { delegationOf } from '../core/delegation.ts'
import { durationMs } from '../core/duration.ts'
import { failure } from '../core/errors.ts'
import { type FoundTargets, mostShown, type ServerSelector } from '../core/group.ts'
import { saysNothing, workOf } from '../core/work.ts'
import type { OwnServer } from '../openstack/servers.ts'
import { isSelected } from '../policies/group.ts'
import { tailMs } from '../policies/work.ts'
import type { Actions } from '../temporal/actions.ts'
import { personOf } from './access.ts'
import type { Caller } from './callers.ts'
import { type Asked, type DelegationOptions, withDelegation } from './delegation.ts'
import { idOfKey } from './idempotency.ts'

export interface DeferOptions extends DelegationOptions {
  actions: Actions
  /** The servers of the caller's project, read with the caller's own token. */
  ownServers: (caller: Caller, requestId: string) => AsyncIterable<OwnServer>
}

/** What makes a second request the same as the first. */
export interface Idempotency {
  readonly key: string
}

const dayMs = 86_400_000

/**
 * Takes a deferred action in: checks it, gets the caller's rights for it, starts its workflow.
 *
 * All or nothing: if the workflow does not start, a trust is deleted again. Not repeatable, since each call makes an
 * action, unless it comes with a key: then the same request again gives the same action.
 *
 * @throws TIME_PAST, TIME_TOO_FAR, IDEMPOTENCY_KEY_REUSED, ENGINE_UNREACHABLE, and what `withDelegation` throws
 */
export async function deferAction(
  input: CreateAction,
  caller: Caller,
  options: DeferOptions,
  asked: Asked,
  { idempotency, replayOf }: { idempotency?: Idempotency | undefined; replayOf?: string } = {},
): Promise<ActionView> {
  const { actions, now = Date.now } = options
  const { name, maxLatenessSeconds, priority, windowSeconds, unchecked, applicationCredential } = input
  const id = idempotency ? idOfKey(caller, idempotency.key) : randomUUID()
  const fingerprint = fingerprintOf(input)
  const known = idempotency && (await actions.taken(id, caller.projectId))
  if (known) return sameAgain(known, fingerprint)
  const work = workOf(input)
  const maxLatenessMs = maxLatenessSeconds * 1000
  const { dueMs, notAfterMs } = timesOf(input, maxLatenessMs, options, windowSeconds * 1000)
  const untilMs = notAfterMs + tailMs(work, maxLatenessMs)
  const wish = { work, untilMs, unchecked, applicationCredential }
  return withDelegation(wish, caller, options, asked, async (delegated, { warning }) => {
    const { roles, delegatedBy } = delegated
    const view: ActionView = {
      ...{ id, ...(name !== undefined && { name }), state: 'scheduled' },
      ...{ projectId: caller.projectId, userId: caller.userId, roles, ...work, priority },
      ...{ runAt: iso(dueMs), notAfter: iso(notAfterMs), createdAt: iso(now()) },
      ...(delegatedBy && { delegatedBy }),
      ...(warning && { warning }),
      ...(replayOf !== undefined && { replayOf }),
    }
    if (await actions.start({ view, ...delegationOf(delegated), maxLatenessMs }, fingerprint)) return view
    throw failure('IDEMPOTENCY_KEY_REUSED', 'the same request is being taken in at this moment')
  })
}

function sameAgain({ view, fingerprint: first }: { view: ActionView; fingerprint?: string }, fingerprint: string) {
  if (first === fingerprint) return view
  throw failure('IDEMPOTENCY_KEY_REUSED', `this key made the action ${view.id}, of another request`)
}

/** Of a request. Secrets are in no hash, from which the short ones among them could be guessed. */
function fingerprintOf({ applicationCredential: credential, ...input }: CreateAction): string {
  const told = { ...input, ...(credential && { applicationCredential: { id: credential.id } }) }
  return createHash('sha256').update(JSON.stringify(told)).digest('base64url')
}

/**
 * Changes what an action does, or when, before it is due. Only whose rights it uses may do that. Other rights are got for
 * anything but another name.
 *
 * @throws ACTION_NOT_FOUND, ACTION_CLOSED, DELEGATION_REFUSED, and what `deferAction` throws
 */
export async function changeAction(
  id: string,
  change: ChangeOfAction,
  caller: Caller,
  options: DeferOptions,
  asked: Asked,
): Promise<ActionView> {
  const { actions } = options
  const present = await ownOf(id, caller, actions)
  const { name, maxLatenessSeconds, runAt, runIn, notAfter, applicationCredential } = change
  const told = { does: 'change', by: personOf(caller), ...(name !== undefined && { name }) } as const
  const hasWork = !saysNothing(change)
  const hasTime = [runAt, runIn, notAfter, maxLatenessSeconds].some((given) => given !== undefined)
  if (!hasWork && !hasTime && !applicationCredential) return actions.command(id, caller.projectId, told)
  const work = workOf(hasWork ? change : present)
  const maxLatenessMs =
    maxLatenessSeconds === undefined
      ? Math.max(1000, Date.parse(present.notAfter ?? present.runAt) - Date.parse(present.runAt))
      : maxLatenessSeconds * 1000
  const when = runAt === undefined && runIn === undefined ? { runAt: present.runAt } : { runAt, runIn }
  const { dueMs, notAfterMs } = timesOf({ ...when, notAfter }, maxLatenessMs, options)
  const untilMs = notAfterMs + tailMs(work, maxLatenessMs)
  return withDelegation({ work, untilMs, applicationCredential }, caller, options, asked, (delegated) =>
    actions.command(id, caller.projectId, {
      ...told,
      ...(hasWork && { work }),
      ...{ runAt: iso(dueMs), notAfter: iso(notAfterMs), maxLatenessMs, delegated },
    }),
  )
}

/**
 * Makes the same action once more, for another time, with the caller's own rights.
 *
 * @throws ACTION_NOT_FOUND, and what `deferAction` throws
 */
export async function cloneAction(
  id: string,
  { name, applicationCredential, ...when }: CloneAction,
  caller: Caller,
  options: DeferOptions,
  asked: Asked,
): Promise<ActionView> {
  const { runAt, notAfter, priority = 3, name: itsName, ...rest } = await options.actions.show(id, caller.projectId)
  const latenessMs = notAfter === undefined ? 3_600_000 : Date.parse(notAfter) - Date.parse(runAt)
  const maxLatenessSeconds = Math.min(86_400, Math.max(1, Math.round(latenessMs / 1000)))
  const title = name ?? itsName
  return deferAction(
    {
      ...(title !== undefined && { name: title }),
      ...(applicationCredential && { applicationCredential }),
      ...{ ...workOf(rest), ...when, priority, maxLatenessSeconds, windowSeconds: 0, unchecked: false },
    },
    caller,
    options,
    asked,
    { replayOf: id },
  )
}

/** What a selector finds now, with the caller's own token. Changes nothing. @throws what the client throws */
export async function findTargets(
  select: ServerSelector,
  caller: Caller,
  { ownServers }: Pick<DeferOptions, 'ownServers'>,
  { globalRequestId }: Asked,
): Promise<FoundTargets> {
  const servers: FoundTargets['servers'] = []
  let total = 0
  for await (const server of ownServers(caller, globalRequestId)) {
    if (!isSelected(select, server)) continue
    total++
    const { id, name, status } = server
    if (servers.length < mostShown) servers.push({ id, name, status })
  }
  return { total, servers }
}

/** @throws ACTION_NOT_FOUND, DELEGATION_REFUSED when it is done with the rights of somebody else */
export async function ownOf(id: string, caller: Caller, actions: Actions): Promise<ActionView> {
  const present = await actions.show(id, caller.projectId)
  if (present.userId === caller.userId) return present
  throw failure('DELEGATION_REFUSED', 'it is done with the rights of somebody else, who alone decides on it')
}

/** @throws TIME_PAST, TIME_TOO_FAR, INPUT_INVALID */
function timesOf(
  { runAt, runIn, notAfter }: Pick<CreateAction, 'runAt' | 'runIn' | 'notAfter'>,
  maxLatenessMs: number,
  { maxDays, now = Date.now }: DeferOptions,
  windowMs = 0,
) {
  const nowMs = now()
  const dueMs = dueTime(runAt, runIn, nowMs) + (windowMs > 0 ? randomInt(windowMs) : 0)
  const notAfterMs = notAfter === undefined ? dueMs + maxLatenessMs : Date.parse(notAfter)
  if (notAfterMs < dueMs) throw failure('INPUT_INVALID', `notAfter: ${notAfter} is before it is due, ${iso(dueMs)}`)
  if (notAfterMs - dueMs > dayMs) throw failure('INPUT_INVALID', `notAfter: ${notAfter} is over a day after it is due`)
  if (dueMs > nowMs + maxDays * dayMs) throw failure('TIME_TOO_FAR', `${iso(dueMs)} is more than ${maxDays} days away`)
  return { dueMs, notAfterMs }
}

function dueTime(runAt: string | undefined, runIn: string | undefined, nowMs: number): number {
  if (runAt !== undefined) {
    const dueMs = Date.parse(runAt)
    if (dueMs <= nowMs) throw failure('TIME_PAST', `${runAt} is past: it is ${iso(nowMs)}`)
    return dueMs
  }
  const inMs = durationMs(runIn ?? '')
  if (inMs === undefined)
    throw failure('INPUT_INVALID', `runIn: ${runIn} is not a duration of weeks, days, hours, minutes or seconds`)
  return nowMs + inMs
}

const iso = (epochMs: number) => new Date(epochMs).toISOString()
