import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import type { Role } from '../least-role.ts'
import { type ActionSpec, at, define, isGone, isOneOf, type Known, type Seen } from './entry.ts'
import { Uuid } from './inputs.ts'

/** What most actions on a server are given. */
export const ServerInput = z.strictObject({ serverId: Uuid.describe('the server') })
export type ServerInput = z.infer<typeof ServerInput>

export const apiRef = 'https://docs.openstack.org/api-ref/compute/#'

export const showServer = ({ serverId }: ServerInput, microversion?: string): Call => ({
  service: 'compute',
  method: 'GET',
  path: `/servers/${serverId}`,
  ...(microversion && { microversion }),
})

export const actOnServer = ({ serverId }: ServerInput, body: Call['body'] & {}, microversion?: string): Call => ({
  service: 'compute',
  method: 'POST',
  path: `/servers/${serverId}/action`,
  body,
  ...(microversion && { microversion }),
})

export const statusOf = (body: unknown) => at(body, 'server', 'status')

/** Nothing is under way on the server. A task that is not shown is not taken for none. */
export const isIdle = (body: unknown) => at(body, 'server', 'OS-EXT-STS:task_state') === null

export const isIdleIn = (statuses: readonly string[], body: unknown) =>
  isIdle(body) && isOneOf(statuses, statusOf(body))

/**
 * Waits for a server to come to rest in one of `statuses`.
 *
 * Nova writes the task of a server before it answers 202, so a server at rest elsewhere has not done what was asked.
 */
export const restsIn = (statuses: readonly string[], typicalSeconds: number, limitSeconds: number) => ({
  read: (input: ServerInput) => showServer(input),
  done: ({ body }: Seen) => isIdleIn(statuses, body),
  failed: (seen: Seen) => isGone(seen) || (isIdle(seen.body) && !isOneOf(statuses, statusOf(seen.body))),
  typicalSeconds,
  limitSeconds,
})

export const serverTarget = ({ serverId }: ServerInput) => [`server/${serverId}`]

/** Takes a change back by another action on the server, if the server was in one of `statuses` before. */
export const backBy =
  (action: string, statuses: readonly string[]) =>
  (input: ServerInput, { before }: Known) =>
    isOneOf(statuses, statusOf(before)) ? { action, input: { serverId: input.serverId } } : undefined

interface Simple {
  readonly name: string
  readonly title: string
  readonly anchor: string
  readonly action: string
  readonly to: readonly string[]
  readonly typicalSeconds: number
  readonly limitSeconds: number
  readonly needsRole?: Role
  readonly repeatable?: boolean
  /** Whether a server at rest in `to` needs it no more. @default true */
  readonly settles?: boolean
  readonly destructive?: boolean
  readonly undo?: ReturnType<typeof backBy>
  readonly notes?: readonly string[]
  readonly body?: Call['body'] & {}
}

/** An action on a server that needs its id and nothing else, and leads to a status. */
export function simple({
  anchor,
  action,
  to,
  typicalSeconds,
  limitSeconds,
  settles = true,
  ...given
}: Simple): ActionSpec {
  const { body = { [action]: null }, needsRole = 'member', ...rest } = given
  return define({
    ...rest,
    service: 'compute',
    see: apiRef + anchor,
    input: ServerInput,
    needsRole,
    calls: (input) => actOnServer(input, body),
    alreadyDone: { read: (input) => showServer(input), when: ({ body: seen }) => settles && isIdleIn(to, seen) },
    waitFor: restsIn(to, typicalSeconds, limitSeconds),
    targets: serverTarget,
  })
}
