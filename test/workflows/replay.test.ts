import { type ReplayWorkerOptions, Worker } from '@temporalio/worker'
import { expect, inject, it } from 'vitest'
import type { MigrationOutcome } from '../../core/activities.ts'
import type { DelegationView } from '../../core/delegation.ts'
import { failure } from '../../core/errors.ts'
import type { IncidentView } from '../../core/incident.ts'
import type { Plan } from '../../core/plan.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { cancelAction } from '../../workflows/action-updates.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { restartService } from '../../workflows/runbooks/restart-service.ts'
import { replaceDelegation, revokeDelegation, standingDelegation } from '../../workflows/standing-delegation.ts'
import { actionOf, startAction } from './action-bench.ts'
import { type Bench, until, untilState, useWorker, viewOf } from './engine.ts'
import {
  alertOf,
  asks,
  binaryPolicy,
  followTo,
  gaugePolicy,
  openIncident,
  order,
  service,
  tailablePolicy,
} from './incident-bench.ts'
import { person } from './people.ts'
import { gate } from './scripted.ts'

const bench = useWorker()
const accepted = { status: 202, startedAt: '2026-11-21T00:00:00.000Z' }

const replayOptions = ({ keys }: Bench): ReplayWorkerOptions => ({
  workflowBundle: { codePath: inject('engine').bundle },
  dataConverter: createDataConverter(keys),
})

const historyOf = async (workflowId: string) => ({
  workflowId,
  history: await bench.client.workflow.getHandle(workflowId).fetchHistory(),
})

it.concurrent('a worker that takes over in the middle comes to the same steps, whatever had happened', async () => {
  const ids = (await Promise.all([actions(), broken(), crashing(), hot(), logs(), people(), delegation()])).flat()
  const histories = await Promise.all(ids.map(historyOf))
  expect(histories.every(({ history }) => (history.events?.length ?? 0) > 5)).toBe(true)
  const replayed = new Set<string>()
  for await (const { workflowId, error } of Worker.runReplayHistories(replayOptions(bench), histories)) {
    expect(error, workflowId).toBeUndefined()
    replayed.add(workflowId)
  }
  expect(replayed).toEqual(new Set(ids))
})

it.concurrent('a history of other steps is noticed', async () => {
  const cloud = bench.cloud({ performCall: accepted, deleteTrust: undefined })
  const handle = await startAction(bench, actionOf(cloud.trust('a')))
  await handle.result()
  const history = await handle.fetchHistory()
  for (const { activityTaskScheduledEventAttributes: step } of history.events ?? [])
    if (step?.activityType?.name === 'performCall') step.activityType.name = 'checkTrust'
  await expect(Worker.runReplayHistory(replayOptions(bench), history)).rejects.toThrow(/performCall/)
})

/** Repeated, reconciled, cancelled. */
async function actions(): Promise<string[]> {
  const lost = failure('OUTCOME_UNKNOWN', 'no answer')
  const cloud = bench.cloud({
    performCall: [failure('KEYSTONE_UNREACHABLE', 'away'), lost, accepted],
    reconcileCall: { verdict: 'not done' },
    deleteTrust: undefined,
  })
  const made = await startAction(bench, actionOf(cloud.trust('a')))
  const quiet = bench.cloud({ deleteTrust: undefined })
  const cancelled = await startAction(bench, actionOf(quiet.trust('a'), { dueInMs: 60_000 }))
  await cancelled.executeUpdate(cancelAction, { args: [{ by: person('olga') }] })
  await Promise.all([made.result(), cancelled.result()])
  return [made.workflowId, cancelled.workflowId]
}

/** Two runs, the second one of which helps. */
async function broken(): Promise<string[]> {
  const cloud = bench.cloud({
    lookAtService: [service('down'), service('down'), service('down'), service('down'), service('up')],
    lookAtProcess: null,
    restartService: { outcome: 'restarted' },
    awaitServiceUp: [
      { outcome: 'down again', upAfterMs: 10 },
      failure('SERVICE_STILL_DOWN', 'still down'),
      { outcome: 'stable', upAfterMs: 10 },
    ],
  })
  const handle = await openIncident(bench, cloud, binaryPolicy({ attempts: 2 }))
  const { runs } = await handle.result()
  expect(runs).toHaveLength(2)
  return [handle.workflowId, ...runs.map(({ workflowId }) => workflowId).slice(1)]
}

/** Crashes once after its restart, unnoticed by Nova; then a service that Nova does not list. */
async function crashing(): Promise<string[]> {
  const of = (instance: string) => ({ pid: 1, state: 'running', instance }) as const
  const watched = bench.cloud({
    describeService: { seenBy: 'nova', isSupervised: true },
    lookAtService: [service('down'), service('up')],
    lookAtProcess: [of('a'), of('b'), of('c'), of('c'), of('c')],
    restartService: { outcome: 'restarted' },
    awaitServiceUp: { outcome: 'stable', upAfterMs: 10 },
  })
  const alone = bench.cloud({
    describeService: { seenBy: 'process', isSupervised: true },
    lookAtProcess: { pid: 0, state: 'failed', instance: 'a' },
    restartService: { outcome: 'restarted' },
    awaitProcessUp: { outcome: 'stable', upAfterMs: 10 },
  })
  const ids = [watched, alone].map(async ({ host }) => {
    const handle = await bench.client.workflow.start(restartService, {
      workflowId: `restart-${host}`,
      taskQueue: bench.taskQueue,
      args: [{ host, binary: 'nova-compute', stableSeconds: 60, withinSeconds: 300, maxRestarts: 2 }],
    })
    await handle.result()
    return handle.workflowId
  })
  return Promise.all(ids)
}

/** Comes back once. */
async function hot(): Promise<string[]> {
  const cloud = bench.cloud({
    planRelief: planOf('a'),
    liveMigrate: { host: 'b', migrationUuid: 'm', durationMs: 1 },
  })
  const policy = gaugePolicy({ stableSeconds: 1, clearWithinSeconds: 20 })
  const handle = await openIncident(bench, cloud, policy)
  await untilState(handle, 'verifying')
  for (const status of ['resolved', 'firing', 'resolved'] as const)
    await handle.signal(observe, alertOf(policy, cloud, { status, key: `key ${status}` }))
  await handle.result()
  return [handle.workflowId, `run/relieve-host/${cloud.host}`]
}

async function logs(): Promise<string[]> {
  const evidence = { collectedAt: '2026-11-21T00:00:10.000Z', services: [], lines: [] }
  const cloud = bench.cloud({ collectEvidence: evidence })
  const handle = await openIncident(bench, cloud, tailablePolicy({ silentAfterSeconds: 1 }))
  await followTo(handle, 'escalated')
  await order(handle, 'close', 'olga', { why: 'the host is gone' })
  await handle.result()
  return [handle.workflowId, `run/collect-evidence/${cloud.host}`]
}

/** Asked about twice, taken over in the middle of the run, handed back, flapping, begun anew, closed. */
async function people(): Promise<string[]> {
  const migration = gate<MigrationOutcome>()
  const cloud = bench.cloud({
    planRelief: [planOf('a'), planOf('b')],
    liveMigrate: () => migration.opened,
    consultGovernor: asks,
    recallFirings: [{ firings: 1 }, { firings: 9 }],
  })
  const handle = await openIncident(bench, cloud, gaugePolicy(), {}, { mostEvents: 200 })
  let planId: string | undefined
  for (const name of ['olga', 'paul']) {
    const asked = async () => (await viewOf<IncidentView | undefined>(handle))?.proposal?.planId
    await until(async () => (await asked()) !== planId, true)
    planId = (await followTo(handle, 'asking')).proposal?.planId ?? ''
    await order(handle, 'answer', name, { planId, says: 'approved' })
  }
  await until(() => cloud.inputs('liveMigrate').length, 1)
  await order(handle, 'take-over', 'olga', {})
  migration.open({ host: 'b', migrationUuid: 'm', durationMs: 1 })
  await followTo(handle, 'taken-over')
  await order(handle, 'hand-back', 'olga', {})
  await followTo(handle, 'flapping')
  const { runId } = await handle.describe()
  const newest = bench.client.workflow.getHandle(handle.workflowId)
  for (let n = 0; (await newest.describe()).runId === runId; n++)
    await order(newest, 'comment', 'olga', { text: `still ${n}` }).catch(() => undefined)
  await order(newest, 'close', 'olga', { why: 'enough' })
  await handle.result()
  return [handle.workflowId, `run/relieve-host/${cloud.host}`]
}

const planOf =
  (serverId: string) =>
  ({ host }: { host: string }): Plan => ({
    moves: [{ serverId, serverName: serverId, from: host, to: 'b', memoryMiB: 1, reason: 'r' }],
    ...{ skipped: [], before: 0.9, after: 0.7 },
  })

/** Replaced while it is being revoked. */
async function delegation(): Promise<string[]> {
  const deleted = gate()
  const cloud = bench.cloud({ deleteTrust: [() => deleted.opened, undefined], checkTrust: undefined })
  const view: DelegationView = {
    ...{ state: 'active', trustId: cloud.trust('a'), trustorUserId: 'u', trustorName: 'ana', projectId: 'p' },
    ...{ roles: ['admin'], createdAt: '2026-11-21T00:00:00Z', expiresAt: '2099-01-01T00:00:00Z' },
  }
  const handle = await bench.client.workflow.start(standingDelegation, {
    workflowId: `delegation-${cloud.host}`,
    taskQueue: bench.taskQueue,
    args: [view],
  })
  const revoked = handle.executeUpdate(revokeDelegation, { args: [{ by: person('olga') }] })
  await untilState(handle, 'revoked')
  const next = { ...view, trustId: cloud.trust('b') }
  const replaced = handle.executeUpdate(replaceDelegation, { args: [next] })
  await untilState(handle, 'active')
  deleted.open()
  await Promise.all([revoked, replaced])
  await handle.executeUpdate(revokeDelegation, { args: [{ by: person('olga') }] })
  await handle.result()
  return [handle.workflowId]
}
