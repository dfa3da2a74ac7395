import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import { createAheadActivities } from '../../activities/ahead.ts'
import { createCloudReadActivities } from '../../activities/cloud-reads.ts'
import { createComputeHosts } from '../../activities/compute-hosts.ts'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import { createDrainActivities } from '../../activities/drain.ts'
import { createEffectActivities } from '../../activities/effect.ts'
import { createEvacuationActivities } from '../../activities/evacuation.ts'
import { createEvidenceActivities } from '../../activities/evidence.ts'
import { createGovernorActivities } from '../../activities/governor.ts'
import { createGroupActivities } from '../../activities/group.ts'
import { createMigrationActivities } from '../../activities/migration.ts'
import { createPlanMaking } from '../../activities/plan-making.ts'
import { createPlanWaves } from '../../activities/plan-waves.ts'
import { planInThread } from '../../activities/planning.ts'
import { createPowerActivities } from '../../activities/power/power.ts'
import { createReserve } from '../../activities/reserve.ts'
import { createServiceActivities } from '../../activities/services.ts'
import { createTrustActivities } from '../../activities/trusts.ts'
import { createEvacuationChecks } from '../../activities/unfinished-evacuations.ts'
import type { Activities } from '../../core/activities.ts'
import type { Call } from '../../core/call.ts'
import { type Delegation, trustsIn } from '../../core/delegation.ts'
import { codeOf } from '../../core/errors.ts'
import type { Move } from '../../core/plan.ts'
import type { FakeCloud } from '../../simulator/cloud.ts'
import type { Answer, Request } from '../../simulator/openstack/listener.ts'
import { drainDocument } from '../api/plans.ts'
import { passing, released, setUp, stopTheClock } from './rig.ts'

type Act = (activities: Tried, cloud: FakeCloud, delegation: Delegation) => Promise<unknown>

/** What has to do with the engine, with SSH, with receivers or with HTTP alone never sees a token. */
type Tried = Omit<
  Activities,
  | 'watchServices'
  | 'readSignal'
  | 'describeService'
  | 'lookAtProcess'
  | 'awaitProcessUp'
  | 'checkCluster'
  | 'awaitCluster'
  | 'runCommand'
  | 'lookOnHost'
  | 'restartService'
  | 'consultGovernor'
  | 'requestLease'
  | 'giveBackLease'
  | 'reportOutcome'
  | 'findEnded'
  | 'findHeld'
  | 'recallFirings'
  | 'readWave'
  | 'beginPlan'
  | 'announce'
  | 'moveRun'
  | 'checkHttpCall'
  | 'callHttp'
  | 'deliver'
>

const unused = undefined as never

const service = { host: 'compute1', binary: 'nova-compute' }
const power = { host: 'compute1' }
const callTo = (cloud: FakeCloud): Call => ({
  service: 'compute',
  method: 'POST',
  path: `/servers/${cloud.world.servers[0]?.id}/action`,
  body: { 'os-stop': null },
})

/** Those that tell of failures in what they return. */
const tellers = new Set(['awaitEffect', 'awaitMany', 'performMany', 'reconcileMany'])
const manyOf = ({ world }: FakeCloud, delegation: Delegation) => ({
  ...{ action: 'server.stop', input: {}, key: 'serverId', ids: [world.servers[0]?.id ?? ''], ...delegation },
})

const moveOf = ({ world }: FakeCloud): Move => ({
  ...{ serverId: world.servers[0]?.id ?? '', serverName: 'server-1', from: 'compute1', to: 'compute2' },
  ...{ memoryMiB: 1024, reason: 'the test wants it' },
})

const acts: Record<string, Act> = {
  lookAtService: ({ lookAtService }) => lookAtService(service),
  awaitServiceUp: ({ awaitServiceUp }) =>
    awaitServiceUp({ ...service, stableSeconds: 0, withinSeconds: 1, reportedAfter: null }),
  surveyHosts: ({ surveyHosts }) => surveyHosts(service),
  readCloud: ({ readCloud }) => readCloud({ service: 'compute', path: '/servers/detail', list: 'servers' }),
  checkEvacuations: ({ checkEvacuations }) => checkEvacuations({ host: 'compute1' }),
  collectEvidence: ({ collectEvidence }) => collectEvidence({ host: 'compute1', lines: [] }),
  lookAtPower: ({ lookAtPower }) => lookAtPower(power),
  powerOff: ({ powerOff }) => powerOff({ ...power, how: 'hard', withinSeconds: 10 }),
  powerOn: ({ powerOn }) => powerOn({ ...power, withinSeconds: 10 }),
  planRelief: ({ planRelief }) => planRelief({ host: 'compute1', resource: 'vcpu', limit: 0.1, maxMoves: 1 }),
  liveMigrate: ({ liveMigrate }, cloud) => liveMigrate(moveOf(cloud)),
  makePlan: ({ makePlan }) => makePlan({ goal: 'consolidate', options: {}, stay: [], ownReason: 'x' }),
  checkWave: ({ checkWave }) =>
    checkWave({ workflowId: 'plan/1', pack: 'p', wave: 1, moved: [], ownReason: 'steward plan/1' }),
  verifyMoves: ({ verifyMoves }, cloud) => verifyMoves({ moves: [moveOf(cloud)] }),
  disableHost: ({ disableHost }) => disableHost({ host: 'compute1', reason: 'steward plan/1' }),
  enableHost: ({ enableHost }, cloud) => {
    const mine = { status: 'disabled', disabledReason: 'steward plan/1' } as const
    Object.assign(cloud.service('nova-compute', 'compute1'), mine)
    return enableHost({ host: 'compute1', reason: mine.disabledReason })
  },
  findHostsToWake: ({ findHostsToWake }, cloud) => {
    const asleep = { status: 'disabled', disabledReason: 'steward plan/1' } as const
    Object.assign(cloud.service('nova-compute', 'compute2'), asleep)
    cloud.kill('compute2')
    return findHostsToWake({ freeShare: 0.1 })
  },
  findDisabled: ({ findDisabled }) => findDisabled({ reason: 'steward plan/1' }),
  planDrain: ({ planDrain }) => planDrain({ host: 'compute1', atOnce: 1 }),
  findRoom: ({ findRoom }, cloud) => findRoom({ host: 'compute1', serverIds: cloud.world.servers.map(({ id }) => id) }),
  performCall: ({ performCall }, cloud, delegation) => performCall({ call: callTo(cloud), ...delegation }),
  reconcileCall: ({ reconcileCall }, cloud, delegation) =>
    reconcileCall({ call: callTo(cloud), ...delegation, sentAfter: new Date().toISOString() }),
  awaitEffect: ({ awaitEffect }, cloud, delegation) =>
    awaitEffect({
      ...{ action: 'server.stop', input: { serverId: cloud.world.servers[0]?.id }, ...delegation },
      since: new Date(0).toISOString(),
    }),
  findTargets: ({ findTargets }, _cloud, delegation) => findTargets({ select: { nameBegins: 'x' }, ...delegation }),
  performMany: ({ performMany }, cloud, delegation) => performMany(manyOf(cloud, delegation)),
  reconcileMany: ({ reconcileMany }, cloud, delegation) =>
    reconcileMany({ ...manyOf(cloud, delegation), sentAfter: new Date().toISOString() }),
  awaitMany: ({ awaitMany }, cloud, delegation) => {
    const pending = [{ id: cloud.world.servers[0]?.id ?? '', outcome: 'done', goesOnSince: new Date(0).toISOString() }]
    return awaitMany({ ...manyOf(cloud, delegation), pending: pending as never })
  },
  checkAhead: ({ checkAhead }, cloud, delegation) => checkAhead({ work: { call: callTo(cloud) }, ...delegation }),
  deleteTrust: ({ deleteTrust }, _cloud, delegation) => deleteTrust({ trustId: trustsIn(delegation)[0] ?? '' }),
  checkTrust: ({ checkTrust }, _cloud, delegation) => checkTrust({ trustId: trustsIn(delegation)[0] ?? '' }),
  findOrphans: ({ findOrphans }) => findOrphans({ most: 10 }),
}

/** Those that act with whatever rights they are given. */
const delegated = ['performCall', 'reconcileCall', 'awaitEffect', 'findTargets', 'performMany', 'reconcileMany']
delegated.push('awaitMany', 'checkAhead')

/** Steward's activities as a worker has them, at a cloud that knows its tokens already. */
async function working(kind: 'trust' | 'credential') {
  const rig = await setUp()
  const { cloud, sessions, trustId } = rig
  const pause = passing()
  cloud.addServer({ host: 'compute1' })
  cloud.addNode('node1')
  const means = { sessions, pause, brake: released }
  const powerLimits = { confirmSeconds: 1, timeoutSeconds: 1 }
  const activities = {
    ...createServiceActivities({ sessions, pause }),
    ...createPowerActivities({
      power: { hosts: { compute1: { ironic: { node: 'node1' } } }, ...powerLimits },
      ...means,
    }),
    ...createMigrationActivities({ sessions, pause, brake: released }),
    ...createComputeHosts(sessions, released),
    ...createReserve(sessions),
    ...createPlanWaves({ sessions, documents: { read: async () => drainDocument(Date.now()) } }),
    ...createPlanMaking({
      sessions,
      plans: { made: unused },
      documents: { keep: async () => 'pack-1' },
      planning: planInThread,
    }),
    ...createDrainActivities(sessions),
    ...createEvacuationChecks(sessions),
    ...createGovernorActivities({ sessions, brake: released, governor: unused, client: unused }),
    ...createCloudReadActivities(sessions),
    ...createEvacuationActivities(sessions),
    ...createEvidenceActivities(sessions),
    ...createDeferredCallActivities(sessions, pause, released),
    ...createEffectActivities(sessions, pause),
    ...createAheadActivities(sessions),
    ...createGroupActivities(sessions, pause, released),
    ...createTrustActivities(rig),
  }
  const { id, secret } = cloud.addCredential('olga', 'admin', { roles: ['admin'] })
  const delegation = kind === 'trust' ? { trustId } : { applicationCredential: { id, secret } }
  await sessions.throughTrust(trustId).token()
  if (kind === 'credential') await sessions.through(delegation).token()
  await sessions.own.token()
  rig.limits.timeoutMs = 80
  return { ...rig, activities, delegation, secret }
}

/** A service that sends back all that it was told. */
const echo =
  (status: number) =>
  ({ headers, body }: Request): Answer => {
    const all = `${headers['x-auth-token']} ${JSON.stringify(body)}`
    return {
      status,
      headers: {
        'x-openstack-request-id': all,
        'retry-after': all,
        location: `http://evil/${headers['x-auth-token']}`,
      },
      body: { error: { message: all, code: status }, [all]: all },
    }
  }

const everythingSeenOf = (value: unknown) =>
  [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }),
    JSON.stringify(value),
    value instanceof Error ? `${value.message}\n${value.stack}\n${inspect(value.cause)}` : '',
  ].join('\n')

/** Those that an activity may ask. */
const servicesOf = (name: string) =>
  ['lookAtPower', 'powerOff', 'powerOn'].includes(name)
    ? ['identity', 'baremetal']
    : ['identity', 'compute', 'placement']

const statuses = [302, 400, 401, 403, 409, 500, 503]

beforeEach(stopTheClock)

describe('no token and no password is seen in what comes of', () => {
  const all = Object.entries(acts)
  const cases = [
    ...all.map(([name, act]) => [name, 'trust', act] as const),
    ...all.filter(([name]) => delegated.includes(name)).map(([name, act]) => [name, 'credential', act] as const),
  ]
  it.each(cases)('%s with a %s when a service', async (name, kind, act) => {
    let failures = 0
    for (const at of servicesOf(name))
      for (const wrong of [...statuses, 'hang', 'reset', 'a page'] as const) {
        const { cloud, run, activities, heartbeats, logs, delegation, secret } = await working(kind)
        // a token of before, so that the login itself is tried, too
        if (at === 'identity') for (const name of ['steward', 'olga']) cloud.killTokens(name)
        const answer =
          typeof wrong === 'number'
            ? echo(wrong)
            : wrong === 'a page'
              ? ({ headers }: Request) => ({ status: 200, text: `<title>${headers['x-auth-token']}</title>` })
              : wrong
        cloud.fail({ service: at, times: Number.POSITIVE_INFINITY }, answer)
        let told: unknown
        const error: unknown = await run(() => act(activities, cloud, delegation)).then(
          (outcome) => {
            told = outcome
          },
          (reason: unknown) => reason,
        )
        if (error !== undefined) {
          failures += 1
          expect(codeOf(error), `${at} ${wrong}: ${inspect(error)}`).toBeDefined()
        }
        const seen =
          everythingSeenOf(error) + everythingSeenOf(told) + everythingSeenOf(heartbeats) + everythingSeenOf(logs)
        expect(seen).not.toContain(cloud.password)
        expect(seen).not.toContain(secret)
        for (const token of cloud.world.tokens.keys()) expect(seen).not.toContain(token)
        expect(seen).not.toMatch(/gAAAAA[\w-]{20}/)
      }
    if (!tellers.has(name)) expect(failures).toBeGreaterThan(statuses.length)
  })
})
