import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, isGone, isOneOf, type Known, type Seen } from './entry.ts'
import { HostName } from './inputs.ts'
import {
  actOnServer,
  apiRef,
  isIdle,
  isIdleIn,
  restsIn,
  ServerInput,
  serverTarget,
  showServer,
  simple,
  statusOf,
} from './servers.ts'

const To = ServerInput.extend({ host: HostName.describe('host to move to') })
const Moving = ServerInput.extend({ migrationId: z.int().min(1).describe('number of the migration under way') })
const compute = { service: 'compute', targets: serverTarget } as const
const hostOf = (body: unknown) => at(body, 'server', 'OS-EXT-SRV-ATTR:host')

/** Where a server is: its host for administrators, a hash of it and the project for others. */
const placeOf = (body: unknown) => hostOf(body) ?? at(body, 'server', 'hostId')

function hasMoved(body: unknown, { before }: Known): boolean | undefined {
  const [from, to] = [placeOf(before), placeOf(body)]
  return typeof from === 'string' && typeof to === 'string' ? from !== to : undefined
}

const liveMigrationNotes = [
  'From 2.34 on a 202 only means that Nova will look whether it can: a refusal shows in the instance actions, and the server goes on where it was.',
  'Only ACTIVE and PAUSED servers; one migration at a time leaves a host by default, others wait in the queue.',
  'Nova aborts by itself after 800 s for each GiB to copy, unless configured otherwise.',
]

/** The end of a live migration shows in where the server is: its status is the same before and after. */
const movesLive = {
  read: (input: ServerInput) => showServer(input),
  done: ({ body }: Seen, _input: unknown, known: Known) =>
    isIdleIn(['ACTIVE', 'PAUSED'], body) && hasMoved(body, known) === true,
  failed: (seen: Seen, _input: unknown, known: Known) =>
    isGone(seen) || (isIdle(seen.body) && (statusOf(seen.body) === 'ERROR' || hasMoved(seen.body, known) === false)),
  typicalSeconds: 120,
  limitSeconds: 14_400,
}

/** Nova lists the live migrations under way: what is not among them any more can be neither aborted nor hurried. */
const isNotUnderWay = {
  read: ({ serverId }: z.infer<typeof Moving>): Call => ({
    ...{ service: 'compute', method: 'GET', path: `/servers/${serverId}/migrations`, microversion: '2.23' },
  }),
  when({ body }: Seen, { migrationId }: z.infer<typeof Moving>): boolean {
    const listed = at(body, 'migrations')
    return Array.isArray(listed) && !listed.some((one) => at(one, 'id') === migrationId)
  },
}

const onMigration = (
  { serverId, migrationId }: z.infer<typeof Moving>,
  call: Pick<Call, 'method' | 'body'>,
  below = '',
) => ({
  service: 'compute',
  path: `/servers/${serverId}/migrations/${migrationId}${below}`,
  ...call,
})

/** What moves servers from host to host, and holds them where they are. */
export const serverMoves: readonly ActionSpec[] = [
  define({
    ...compute,
    name: 'server.live-migrate',
    title: 'Move a running server to a host Nova chooses',
    see: `${apiRef}live-migrate-server-os-migratelive-action`,
    input: ServerInput,
    needsRole: 'manager',
    repeatable: false,
    notes: [...liveMigrationNotes, 'Administrators only in releases of Nova without the manager role.'],
    calls: (input) => actOnServer(input, { 'os-migrateLive': { host: null, block_migration: 'auto' } }, '2.34'),
    alreadyDone: { read: (input) => showServer(input), when: () => false },
    waitFor: movesLive,
  }),
  define({
    ...compute,
    name: 'server.live-migrate-to',
    title: 'Move a running server to a host of your choice',
    see: `${apiRef}live-migrate-server-os-migratelive-action`,
    input: To,
    needsRole: 'admin',
    repeatable: false,
    notes: [...liveMigrationNotes, 'From 2.30 on the scheduler checks the host; it is not forced.'],
    calls: (input) => actOnServer(input, { 'os-migrateLive': { host: input.host, block_migration: 'auto' } }, '2.34'),
    alreadyDone: {
      read: (input) => showServer(input),
      when: ({ body }, { host }) => isIdleIn(['ACTIVE', 'PAUSED'], body) && hostOf(body) === host,
    },
    waitFor: {
      ...movesLive,
      done: ({ body }, { host }) => isIdleIn(['ACTIVE', 'PAUSED'], body) && hostOf(body) === host,
    },
    undo: ({ serverId }, { before }) => {
      const host = HostName.safeParse(hostOf(before)).data
      return host === undefined ? undefined : { action: 'server.live-migrate-to', input: { serverId, host } }
    },
  }),
  define({
    ...compute,
    name: 'server.abort-live-migration',
    title: 'Abort a live migration',
    see: `${apiRef}delete-abort-migration`,
    input: Moving,
    needsRole: 'manager',
    notes: ['Also while it is queued or being prepared (2.65).', 'Too late once the server runs on its new host.'],
    calls: (input) => ({ ...onMigration(input, { method: 'DELETE' }), microversion: '2.65' }),
    alreadyDone: isNotUnderWay,
    waitFor: { ...restsIn(['ACTIVE', 'PAUSED'], 15, 600) },
  }),
  define({
    ...compute,
    name: 'server.force-live-migration',
    title: 'Bring a live migration to its end, at the cost of a pause',
    see: `${apiRef}force-migration-complete-action-force-complete-action`,
    input: Moving,
    needsRole: 'manager',
    notes: ['Only while the migration is `running`.', 'The server is paused, or runs on while its memory follows.'],
    calls: (input) => ({
      ...onMigration(input, { method: 'POST', body: { force_complete: null } }, '/action'),
      microversion: '2.22',
    }),
    alreadyDone: isNotUnderWay,
    waitFor: { ...restsIn(['ACTIVE', 'PAUSED'], 60, 3600) },
  }),
  simple({
    name: 'server.migrate',
    title: 'Move a server to a host Nova chooses, shutting it down meanwhile',
    anchor: 'migrate-server-migrate-action',
    action: 'migrate',
    to: ['VERIFY_RESIZE'],
    settles: false,
    needsRole: 'manager',
    repeatable: false,
    typicalSeconds: 120,
    limitSeconds: 14_400,
    undo: ({ serverId }) => ({ action: 'server.revert-resize', input: { serverId } }),
    notes: [
      'Ends in VERIFY_RESIZE like a resize, and must be confirmed.',
      'Where `resize_confirm_window` confirms by itself, the wait may miss VERIFY_RESIZE and report a failure.',
      'Administrators only in releases of Nova without the manager role.',
    ],
  }),
  define({
    ...compute,
    name: 'server.migrate-to',
    title: 'Move a server to a host of your choice, shutting it down meanwhile',
    see: `${apiRef}migrate-server-migrate-action`,
    input: To,
    needsRole: 'admin',
    repeatable: false,
    notes: ['Ends in VERIFY_RESIZE like a resize, and must be confirmed.'],
    calls: (input) => actOnServer(input, { migrate: { host: input.host } }, '2.56'),
    alreadyDone: {
      read: (input) => showServer(input),
      when: ({ body }, { host }) => isIdle(body) && hostOf(body) === host,
    },
    waitFor: {
      ...restsIn(['VERIFY_RESIZE'], 120, 14_400),
      done: ({ body }, { host }) => isIdleIn(['VERIFY_RESIZE', 'ACTIVE', 'SHUTOFF'], body) && hostOf(body) === host,
      failed: (seen, { host }) =>
        isGone(seen) ||
        (isIdle(seen.body) && (statusOf(seen.body) === 'ERROR' || isElsewhere(hostOf(seen.body), host))),
    },
    undo: ({ serverId }) => ({ action: 'server.revert-resize', input: { serverId } }),
  }),
  define({
    ...compute,
    name: 'server.lock',
    title: 'Lock a server against changes by its own project',
    see: `${apiRef}lock-server-lock-action`,
    input: ServerInput.extend({ reason: z.string().min(1).max(255).optional().describe('for people') }),
    needsRole: 'member',
    notes: [
      'Administrators, and an evacuation, are not held up by a lock.',
      'Scheduled actions on it will answer 409.',
    ],
    calls: (input) =>
      input.reason === undefined
        ? actOnServer(input, { lock: null })
        : actOnServer(input, { lock: { locked_reason: input.reason } }, '2.73'),
    alreadyDone: {
      read: (input) => showServer(input, '2.9'),
      when: ({ body }) => at(body, 'server', 'locked') === true,
    },
    undo: ({ serverId }, { before }) =>
      at(before, 'server', 'locked') === false ? { action: 'server.unlock', input: { serverId } } : undefined,
  }),
  define({
    ...compute,
    name: 'server.unlock',
    title: 'Unlock a server',
    see: `${apiRef}unlock-server-unlock-action`,
    input: ServerInput,
    needsRole: 'member',
    notes: ['A lock that an administrator put on is refused to others.'],
    calls: (input) => actOnServer(input, { unlock: null }),
    alreadyDone: {
      read: (input) => showServer(input, '2.9'),
      when: ({ body }) => at(body, 'server', 'locked') === false,
    },
    undo: ({ serverId }, { before }) =>
      at(before, 'server', 'locked') === true ? { action: 'server.lock', input: { serverId } } : undefined,
  }),
]

const isElsewhere = (host: unknown, wanted: string) => typeof host === 'string' && !isOneOf([wanted], host)
