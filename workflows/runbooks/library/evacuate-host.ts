import { z } from 'zod'
import { failure } from '../../../core/errors.ts'
import type { Target } from '../../../core/governor.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import { type Stranded, strandedIn, type Triage, triage } from '../../../policies/evacuation.ts'
import { type ComputeService, serverMicroversion } from '../../../policies/nova-facts.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { failedOnes, inNumbers } from '../../sdk/outcomes.ts'
import { assertDead, assertDown, deathNeeds, witnesses } from './death.ts'
import { evacuate } from './evacuation.ts'
import { fence, fenceNeeds } from './fence.ts'
import { findMigrations, lookAtHost, lookCalls } from './looks.ts'

const Input = z.strictObject({
  host: HostName.describe('the host that is lost'),
  proof: z
    .enum(witnesses)
    .describe(
      'who besides Nova says that the host is dead: its BMC reads off, SSH gets no answer, or a person says so',
    ),
  evidence: z.string().trim().min(1).max(200).describe('why it is taken for dead; stands beside the disabled service'),
  storage: z
    .enum(['shared', 'volumes-only'])
    .describe('`shared`: all disks of servers are on storage that other hosts have; `volumes-only`: only volumes are'),
  maxServers: z
    .int()
    .min(1)
    .max(150)
    .describe('more servers than this on the host are refused; one run cannot follow more than 150'),
  atOnce: z.int().min(1).max(20).default(2).describe('servers started at the same time, after the first one went well'),
  unfit: z
    .enum(['refuse', 'leave'])
    .default('refuse')
    .describe('servers that cannot be evacuated: refuse all, or leave them'),
  leaveOff: z
    .boolean()
    .default(false)
    .describe('servers stay off on their new hosts (2.95); else they are as they were'),
  withinSeconds: z.int().min(1).max(86_400).default(1800).describe('longest wait for one server'),
})
type EvacuateHost = z.output<typeof Input>

/** Most entries kept as evidence, whose size is limited; all of them are in the history. */
const mostKept = 300

interface Prepared {
  readonly service: ComputeService
  readonly servers: Triage
}

/** Starts the servers of a dead host elsewhere, once it is certain that they run there no more. */
export const evacuateHost = defineRunbook({
  name: 'evacuate-host',
  title: 'Start the servers of a dead host elsewhere',
  description:
    'For a host that Nova has lost and that a second source calls dead: makes certain that there is room for its servers, cuts its power and proves it, forces its service down and disables it, and then starts its servers on other hosts, the most important first. Refuses while the host or half of all hosts may only be silent, servers whose disks are on the host, and stops when the host comes back or a server finds no place.',
  input: Input,
  risk: 'destructive',
  needs: {
    roles: ['admin'],
    calls: [
      ...lookCalls.server,
      ...lookCalls.migrations,
      ...lookCalls.reason,
      ...fenceNeeds.calls,
      'compute GET /servers/detail',
      'compute POST /servers/{server}/action',
    ],
    actions: [...fenceNeeds.actions, 'server.lock', 'server.unlock'],
    steps: [...new Set([...deathNeeds.steps, ...fenceNeeds.steps, 'findRoom'])],
  },
  async prepare(run, input): Promise<Prepared> {
    const service = await assertDown(run, input.host)
    return { service, servers: await sort(run, input) }
  },
  targets: ({ host }, { servers }) => [`host/${host}` as Target, ...servers.go.map(({ id }): Target => `server/${id}`)],
  expectedMinutes: ({ withinSeconds, atOnce }, { servers }) =>
    10 + Math.ceil((withinSeconds / 60) * (1 + servers.go.length / atOnce)),
  async run(run, input, { service }) {
    const { host, evidence, atOnce, leaveOff, withinSeconds } = input
    const word = await assertDead(run, input, service)
    // what was there when the lease was asked for may be gone, and more may have come
    const servers = await sort(run, input)
    run.evidence('servers', {
      ...{ go: servers.go.slice(0, mostKept).map(({ id }) => id), inAll: servers.go.length },
      ...{ stay: servers.stay.slice(0, 100), interrupted: servers.interrupted.slice(0, 100) },
    })
    if (servers.interrupted.length > 0)
      run.note(`cut off in the middle of something: ${servers.interrupted.join(', ')}`)
    run.safePoint()
    const proof = await fence(run, { runbook: 'evacuate-host', host, reason: evidence })
    const { reportedAt } = await lookAtHost(run, host)
    const order = { host, leaveOff, withinSeconds, assertStillDead: () => assertStillDead(run, host, reportedAt) }
    const outcomes = await run.forEach(servers.go, { atOnce, canary: 1 }, (server) => evacuate(run, order, server))
    const failed = failedOnes(outcomes).map(({ item, ...more }) => ({ server: item.id, name: item.name, ...more }))
    if (run.dryRun)
      return { summary: `${servers.go.length} server(s) of ${host} would be started elsewhere`, left: servers.stay }

    const said = `${inNumbers(outcomes)} servers of ${host} were started elsewhere`
    const first = failed.find(({ reason }) => reason)
    const code = first?.reason?.startsWith('HOST_CAME_BACK') ? 'HOST_CAME_BACK' : 'EVACUATION_FAILED'
    const records = await findMigrations(run, { migration_type: 'evacuation', source_compute: host })
    const kept = records.slice(0, mostKept).map(({ serverId, status, to }) => ({ serverId, status, to }))
    run.evidence('evacuations', { kept, inAll: records.length })
    run.evidence('failed', failed.slice(0, 50))
    if (failed.length > 0) throw failure(code, `${said}; then: ${first?.reason}`, { host, failed: failed.slice(0, 50) })
    return {
      summary: `${said}; it is off, forced down and disabled`,
      ...{ death: word, fence: proof, left: servers.stay, interrupted: servers.interrupted },
      moved: outcomes.map(({ item, result }) => ({ server: item.id, name: item.name, to: result })),
    }
  },
})

/** @throws HOST_UNFIT too many; SERVER_UNFIT; PLAN_IMPOSSIBLE there is no room for them; POWER_NOT_CONFIGURED */
async function sort(run: RunContext, { host, storage, maxServers, unfit }: EvacuateHost): Promise<Triage> {
  const { body } = await run.read({
    service: 'compute',
    path: `/servers/detail?all_tenants=true&host=${encodeURIComponent(host)}`,
    microversion: serverMicroversion,
    list: 'servers',
  })
  const all: Stranded[] = strandedIn(body)
  if (all.length > maxServers)
    throw failure('HOST_UNFIT', `${host} has ${all.length} servers, and ${maxServers} are allowed`, { host })
  const servers = triage(all, storage)
  if (servers.stay.length > 0 && unfit === 'refuse') {
    const listed = servers.stay.slice(0, 5).map(({ name, why }) => `${name}: ${why}`)
    throw failure(
      'SERVER_UNFIT',
      `${servers.stay.length} of ${all.length} servers of ${host} cannot be evacuated; ${listed.join('; ')}`,
      {
        host,
      },
    )
  }
  // before anything is cut off: whether its power can be reached, and whether there is room
  await run.quick(`Look at the power of ${host}`).lookAtPower({ host })
  const serverIds = servers.go.map(({ id }) => id)
  await run.patient(`Find room for ${serverIds.length} server(s) of ${host}`, 300_000).findRoom({ host, serverIds })
  return servers
}

/** Its nova-compute would destroy servers that are being started elsewhere. @throws HOST_CAME_BACK */
async function assertStillDead(run: RunContext, host: string, reportedAt: string): Promise<void> {
  const service = await lookAtHost(run, host)
  if (service.reportedAt > reportedAt)
    throw failure('HOST_CAME_BACK', `nova-compute on ${host} has reported at ${service.reportedAt}`, { host })
  if (run.dryRun) return
  if (service.isForcedDown) return
  throw failure('HOST_CAME_BACK', `somebody has taken back that ${host} is forced down`, { host })
}
