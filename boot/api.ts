import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { buildApp } from '../api/app.ts'
import { cacheCallers } from '../api/callers.ts'
import { buildCodecServer } from '../api/codec-server.ts'
import { createGivenDelegations } from '../api/given-delegations.ts'
import { createIntake } from '../api/ingest/intake.ts'
import { createLogWatch } from '../api/ingest/log-watch.ts'
import { createLogWindows } from '../api/ingest/log-windows.ts'
import type { Delegation } from '../core/delegation.ts'
import { failure, messageOf } from '../core/errors.ts'
import type { Work } from '../core/work.ts'
import { lookAhead } from '../openstack/ahead.ts'
import { ownServers } from '../openstack/servers.ts'
import { sessionWith } from '../openstack/session.ts'
import { looksAhead } from '../policies/ahead.ts'
import { quotaLooks } from '../policies/quota.ts'
import { createActions } from '../temporal/actions.ts'
import { createAudit } from '../temporal/audit.ts'
import { createDelegationSweep } from '../temporal/delegation-sweep.ts'
import { createIncidentDesk } from '../temporal/incident-desk.ts'
import { createIncidentList } from '../temporal/incident-list.ts'
import { createPlans } from '../temporal/plans.ts'
import { throughEngine } from '../temporal/reach.ts'
import { createRecurringActions } from '../temporal/recurring-actions.ts'
import { createRecurringPlans } from '../temporal/recurring-plans.ts'
import { createIncidentHistory } from '../temporal/report.ts'
import { createRunbookList } from '../temporal/runbook-list.ts'
import { createRuns } from '../temporal/runs.ts'
import { createTrustHolders } from '../temporal/trust-holders.ts'
import { createWhyDesk } from '../temporal/why.ts'
import { readAccess } from './access-file.ts'
import { readSources } from './config-file.ts'
import type { Foundation } from './foundation.ts'
import { version } from './version.ts'

export interface RunningApi {
  readonly url: string
  readonly codecUrl: string
  /** Answers what has come in, takes nothing more. */
  stop(): Promise<void>
}

const tickMs = 1000

/** Starts the REST API and the codec endpoint. `uiOrigins` are Temporal UIs that may decode besides the configured. */
export async function startApi(foundation: Foundation, log: Logger, uiOrigins: string[] = []): Promise<RunningApi> {
  const { config, client, keystone, sessions, delegations, cloud, http, incidents, governor, stop } = foundation
  const intake = createIntake(incidents)
  const logWindows = createLogWindows(
    config.policies.filter((policy) => policy.kind === 'tailable'),
    config.logs,
  )
  const logWatch = createLogWatch(logWindows, intake)
  const actions = createActions(client)
  const recurring = createRecurringActions(client)
  const runbooks = createRunbookList(client)
  const trusteeUserId = async () => (await sessions.own.token()).userId
  const { maxDays } = config.delegation
  const delegating = {
    ...{ keystone, trusteeUserId, maxDays, interface: cloud.interface, region: cloud.region },
    lookAhead: (delegation: Delegation, work: Work, requestId: string) =>
      lookAhead(sessions.through(delegation), looksAhead(work), quotaLooks(work), { requestId }),
  }
  const runs = createRuns(client)
  const app = await buildApp({
    version,
    logger: log,
    access: {
      checkToken: cacheCallers((token, asked) => keystone.validate(token, asked)),
      sources: await readSources(config),
      policy: await readAccess(config),
    },
    actions: {
      actions,
      defer: {
        ...{ actions, ...delegating },
        ownServers: (caller, requestId) =>
          ownServers(sessionWith(caller, { http, region: cloud.region, interface: cloud.interface }), requestId),
      },
    },
    recurring: { recurring, ...delegating },
    delegations: { delegations, keystone, trusteeUserId, maxDays },
    given: createGivenDelegations({
      ...{ keystone, actions, recurring, delegations },
      ownToken: () => sessions.own.token(),
      holders: createTrustHolders(client),
      sweep: createDelegationSweep(client),
    }),
    incidents: { incidents: createIncidentList(client), desk: createIncidentDesk(client) },
    approvals: { keys: foundation.keys, publicUrl: config.publicUrl },
    governor: {
      ...{ governor, stop, config: config.governor, policies: config.policies },
      runbookNames: async () => (await runbooks.list().catch(() => [])).map(({ name }) => name),
    },
    plans: { plans: createPlans(client), config: config.governor },
    recurringPlans: { recurring: createRecurringPlans(client) },
    audit: { audit: createAudit(client) },
    reports: { history: createIncidentHistory(client), governor, config },
    why: { desk: createWhyDesk({ client, governor, stop, runs, config: config.governor }) },
    runbooks: {
      ...{ runs, runbooks, delegations },
      waitSeconds: config.governor.waitSeconds,
    },
    notifications: {
      ...{ receivers: foundation.receivers, notifications: foundation.notifications },
      publicUrl: config.publicUrl,
    },
    signals: { policies: config.policies, intake, logWatch },
    dependencies: [
      {
        name: 'temporal',
        check: () => throughEngine(client, () => client.workflowService.getSystemInfo({})),
      },
      { name: 'keystone', check: () => sessions.own.token() },
    ],
  })
  const codec = buildCodecServer(foundation.keys, [...config.codec.origins, ...uiOrigins])
  const url = await listen(app, config.listen, 'listen.port')
  const codecUrl = await listen(codec, config.codec, 'codec.port')

  const ticking = setInterval(() => {
    logWatch.tick().catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'log alerts wait'))
  }, tickMs)
  return {
    url,
    codecUrl,
    async stop() {
      clearInterval(ticking)
      await Promise.all([app.close(), codec.close()])
    },
  }
}

async function listen(
  app: FastifyInstance,
  { host, port }: { host: string; port: number },
  setting: string,
): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw failure('CONFIG_INVALID', `port ${port} (${setting}) is taken: stop what listens there, or choose another`)
  }
  return `http://${host}:${(app.server.address() as AddressInfo).port}`
}
