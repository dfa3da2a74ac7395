import { z } from 'zod'
import { failure } from '../../../core/errors.ts'
import type { Target } from '../../../core/governor.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import type { ServerFacts } from '../../../policies/nova-facts.ts'
import {
  hasEnded,
  limitSecondsOf,
  type MigrationKind,
  whyNotMoved,
  whyNotTaken,
} from '../../../policies/server-migration.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { migrateCold } from './cold-migration.ts'
import { migrateLive } from './live-migration.ts'
import { changed, findMigrations, lookAtHost, lookAtServer, lookCalls } from './looks.ts'

const Input = z.strictObject({
  serverId: z.uuid().describe('the server'),
  to: HostName.optional().describe('host to move to; the scheduler chooses one when left out'),
  kind: z.enum(['live', 'cold']).default('live').describe('`cold` shuts the server down meanwhile'),
  tooSlow: z
    .enum(['abort', 'force-complete'])
    .default('abort')
    .describe(
      'a live migration over its time: abort it, or bring it to its end, by a pause or, where Nova is configured so, by post-copy',
    ),
  confirm: z
    .enum(['yes', 'ask', 'no'])
    .default('yes')
    .describe('a cold migration that went well: confirm it, ask a person first, or leave it to its owner'),
  limitSeconds: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe('default: live, 800 for each GiB of memory, at least 2 GiB; cold, 14400'),
  queueSeconds: z.int().min(1).max(86_400).default(3600).describe('longest wait for other migrations of its host'),
  settleSeconds: z.int().min(1).max(3600).default(60).describe('longest wait for Placement and Neutron to follow'),
})
export type MigrateServer = z.output<typeof Input>

/** Moves one server to another host and proves that it has arrived. */
export const migrateServer = defineRunbook({
  name: 'migrate-server',
  title: 'Move a server to another host',
  description:
    'Moves one server, live or cold, follows its migration by its own id, and then checks host, status, room and ports. Refuses servers that are busy, locked or cannot move, and hosts that cannot take them. A live migration over its time is aborted or brought to its end; a cold one that does not come out well is reverted.',
  input: Input,
  risk: 'move',
  needs: {
    roles: ['admin'],
    calls: [
      ...lookCalls.server,
      ...lookCalls.migrations,
      ...lookCalls.services,
      ...lookCalls.reason,
      ...lookCalls.place,
      'compute POST /servers/{server}/action',
    ],
    actions: [
      'server.abort-live-migration',
      'server.force-live-migration',
      'server.migrate',
      'server.migrate-to',
      'server.confirm-resize',
      'server.revert-resize',
    ],
  },
  prepare: (run, { serverId, to, kind }) => lookBefore(run, { serverId, to, kind }),
  targets: ({ serverId }) => [`server/${serverId}`],
  within: ({ to }, { host }) => [host, ...(to === undefined ? [] : [to])].map((name): Target => `host/${name}`),
  expectedMinutes: ({ limitSeconds, queueSeconds }, { memoryMiB }) =>
    Math.ceil((queueSeconds + 2 * (limitSeconds ?? limitSecondsOf(memoryMiB))) / 60),
  async run(run, input, prepared) {
    // it may have changed while the lease was waited for
    const server = await lookBefore(run, input)
    if (server.host !== prepared.host) throw changed(server, `was moved from ${prepared.host} to ${server.host}`)
    if (server.host === input.to) return { summary: `${server.name} is on ${input.to} already`, host: server.host }
    return input.kind === 'live' ? migrateLive(run, input, server) : migrateCold(run, input, server)
  },
})

interface Wanted {
  readonly serverId: string
  readonly to?: string | undefined
  readonly kind: MigrationKind
}

/** Refuses before anything is touched. @throws TARGET_MISSING, SERVER_UNFIT, HOST_UNKNOWN, HOST_UNFIT */
async function lookBefore(run: RunContext, { serverId, to, kind }: Wanted): Promise<ServerFacts> {
  const server = await lookAtServer(run, serverId)
  if (to !== undefined && server.host === to) return server
  const why = whyNotMoved(server, kind)
  if (why) throw failure('SERVER_UNFIT', `${server.name} is not moved: ${why}`, { serverId })
  const underWay = (await findMigrations(run, { instance_uuid: serverId })).find((one) => !hasEnded(one))
  if (underWay)
    throw failure('SERVER_UNFIT', `${server.name} is not moved: its migration ${underWay.uuid} is ${underWay.status}`, {
      serverId,
    })
  if (to === undefined) return server
  const unfit = whyNotTaken(await lookAtHost(run, to))
  if (unfit) throw failure('HOST_UNFIT', `${to} takes no servers: ${unfit}`, { host: to })
  return server
}
