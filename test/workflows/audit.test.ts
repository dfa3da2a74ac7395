import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { WorkflowHandle } from '@temporalio/client'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { type AuditCursor, AuditEvent } from '../../core/audit.ts'
import type { Call } from '../../core/call.ts'
import type { DelegationView } from '../../core/delegation.ts'
import { failure } from '../../core/errors.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import { attributes } from '../../core/search-attributes.ts'
import { type AuditQuestion, createAudit } from '../../temporal/audit.ts'
import { cancelAction } from '../../workflows/action-updates.ts'
import { relieveHost } from '../../workflows/runbooks/relieve-host.ts'
import { scheduledAction } from '../../workflows/scheduled-action.ts'
import { revokeDelegation, standingDelegation } from '../../workflows/standing-delegation.ts'
import { resume, stopped } from '../../workflows/stop.ts'
import { type ActionOptions, actionOf } from './action-bench.ts'
import { until, useWorker } from './engine.ts'
import type { MortalWorkerOptions } from './mortal-worker.ts'
import { person } from './people.ts'
import { never, type Script } from './scripted.ts'

const bench = useWorker()
const beganMs = Date.now()
const canary = `canary-${randomUUID()}`
const workers: ChildProcess[] = []
afterAll(() => {
  for (const worker of workers) worker.kill('SIGKILL')
})

async function eventsOf(question: Partial<AuditQuestion> = {}): Promise<(AuditEvent | AuditCursor)[]> {
  const all: (AuditEvent | AuditCursor)[] = []
  const period = { sinceMs: beganMs - 60_000, untilMs: Date.now() + 60_000, limit: 10_000 }
  for await (const event of createAudit(bench.client).events({ ...period, ...question })) all.push(event)
  return all
}

const told = async (question: Partial<AuditQuestion>): Promise<AuditEvent[]> =>
  (await eventsOf(question)).map((event) => AuditEvent.parse(event))

const inShort = (events: readonly AuditEvent[]) => events.map(({ action, outcome }) => `${action} ${outcome}`)
const contentOf = (event: AuditEvent | undefined) => event?.attachments[0]?.content

/** What the index gives a moment later. */
const listed = (question: Partial<AuditQuestion>, expected: string[]) =>
  until(async () => inShort(await told(question)), expected)

const trustId = `${'f'.repeat(28)}beef`

async function defer(script: Script, options: ActionOptions = {}, taskQueue = bench.taskQueue) {
  const cloud = bench.cloud({ deleteTrust: undefined, ...script })
  const projectId = `project-${randomUUID()}`
  // the scripted world is found by the first part of the trust's id
  const action = actionOf(cloud.trust(trustId), { ...options, more: { projectId } })
  const handle = await bench.client.workflow.start(scheduledAction, {
    workflowId: `action/${action.view.id}`,
    taskQueue,
    args: [action],
    memo: { view: action.view },
    typedSearchAttributes: [
      { key: attributes.kind, value: 'action' },
      { key: attributes.state, value: 'scheduled' },
      { key: attributes.projectId, value: projectId },
    ],
  })
  return { projectId, handle, cloud, trustId: cloud.trust(trustId) }
}

const rebuild = (userData: string): Call => ({
  ...{ service: 'compute', method: 'POST', path: '/servers/6f1c/action?q=1' },
  body: { rebuild: { user_data: userData }, other: null },
})

const begin = (workflow: typeof standingDelegation | typeof stopped, kind: string, input: object) =>
  bench.client.workflow.start(workflow as typeof stopped, {
    workflowId: `${kind}-${randomUUID()}`,
    taskQueue: bench.taskQueue,
    args: [input as never],
    typedSearchAttributes: [{ key: attributes.kind, value: kind }],
  })

const ofRun = async (handle: WorkflowHandle): Promise<AuditEvent[]> => {
  const { runId } = await handle.describe()
  const all = await told({})
  return all.filter((event) => contentOf(event)?.runId === runId)
}

describe.concurrent('the audit of a deferred call', () => {
  it('has intent and outcome of everything done in its name, in order, under one id each', async () => {
    const answer = { status: 202, startedAt: 'x', requestId: 'req-nova', body: { adminPass: canary } }
    const { projectId, handle, trustId: given } = await defer({ performCall: answer }, { call: rebuild(canary) })
    await handle.result()
    await listed({ projectId }, [
      'create/action pending',
      'create/action success',
      'update/rebuild+other pending',
      'update/rebuild+other success',
      'delete/trust pending',
      'delete/trust success',
    ])
    const events = await told({ projectId })
    const { runId } = await handle.describe()
    const [, , intent, outcome] = events
    expect(intent).toMatchObject({
      initiator: {
        id: 'user-1',
        project_id: projectId,
        credential: { type: 'trust', token: '****beef' },
        onBehalfOf: { id: 'user-1' },
      },
      target: { id: 'compute/servers/6f1c/action', typeURI: 'service/compute' },
      observer: { id: 'steward' },
    })
    expect(contentOf(intent)).toEqual({
      ...{ workflowId: handle.workflowId, runId, globalRequestId: `req-${runId}` },
      bodyKeys: ['rebuild', 'other'],
    })
    expect(contentOf(outcome)).toMatchObject({ status: 202, requestId: 'req-nova' })
    expect(outcome?.id).toBe(intent?.id)
    expect(new Set(events.map(({ id }) => id)).size).toBe(3)
    const times = events.map(({ eventTime }) => eventTime)
    expect(times).toEqual(times.toSorted((a, b) => a.localeCompare(b)))
    for (const secret of [canary, given, 'q=1']) expect(JSON.stringify(events)).not.toContain(secret)
  })

  it('says with which code it was refused, and nothing of what OpenStack quoted', async () => {
    const refusal = failure('CLOUD_REFUSED', `Invalid user_data: ${canary}`, { body: canary })
    const { projectId, handle } = await defer({ performCall: refusal }, { call: rebuild(canary) })
    await handle.result()
    await until(async () => (await told({ projectId })).length, 6)
    const events = await told({ projectId })
    expect(events[3]).toMatchObject({
      outcome: 'failure',
      reason: { reasonCode: 'CLOUD_REFUSED', reasonType: 'urn:steward:error' },
    })
    expect(JSON.stringify(events)).not.toContain(canary)
  })

  it('is not told to another project, whatever the index says', async () => {
    const stolen = `project-${randomUUID()}`
    const { handle } = await defer({ performCall: failure('CLOUD_REFUSED', 'x') })
    const forged = await bench.client.workflow.start(scheduledAction, {
      workflowId: `forged-${randomUUID()}`,
      taskQueue: `nobody-${randomUUID()}`,
      args: [actionOf(trustId, { dueInMs: 60_000 })],
      typedSearchAttributes: [
        { key: attributes.kind, value: 'action' },
        { key: attributes.state, value: 'scheduled' },
        { key: attributes.projectId, value: stolen },
      ],
    })
    await handle.result()
    const listedForged = async () => {
      const { count } = await bench.client.workflow.count(`StewardProjectId = '${stolen}'`)
      return count
    }
    await until(listedForged, 1)
    expect(await told({ projectId: stolen })).toEqual([])
    await forged.terminate()
  })

  it('has who cancelled it, and what was under way when it was terminated', async () => {
    const early = await defer({}, { dueInMs: 60_000 })
    await early.handle.executeUpdate(cancelAction, { args: [{ by: person('olga') }] })
    await early.handle.result()
    await until(
      async () => inShort(await told({ projectId: early.projectId })).includes('disable/action success'),
      true,
    )
    const cancelled = (await told({ projectId: early.projectId })).find(({ action }) => action === 'disable/action')
    expect(cancelled?.initiator).toMatchObject({ id: 'id-of-olga', name: 'olga', project_id: early.projectId })

    const { projectId, handle, cloud } = await defer({ performCall: never })
    await until(() => cloud.names().includes('performCall'), true)
    expect(inShort(await told({ projectId })).at(-1)).toBe('update/os-stop pending')
    await handle.terminate()
    await listed({ projectId }, [
      'create/action pending',
      'create/action success',
      'update/os-stop pending',
      'update/os-stop unknown',
      'stop/terminate pending',
      'stop/terminate success',
    ])
    expect((await told({ projectId })).at(-1)?.initiator.id).toBe('unknown')
  })

  it('says that nobody knows, when the worker was killed in the middle of the call', async () => {
    const { address, dataDir, keysFile, bundle } = inject('engine')
    const taskQueue = `audit-${randomUUID()}`
    const journal = join(dataDir, `journal-${randomUUID()}`)
    await writeFile(journal, '')
    const options: MortalWorkerOptions = { address, keysFile, bundle, taskQueue, journal }
    const script = fileURLToPath(new URL('mortal-worker.ts', import.meta.url))
    const start = () => {
      const worker = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], { stdio: 'ignore' })
      workers.push(worker)
      return worker
    }
    const killed = start()
    const call = { service: 'compute', method: 'POST', path: '/killed-during', body: {} } as const
    const { projectId, handle } = await defer({}, { call }, taskQueue)
    const pending = ['create/action pending', 'create/action success', 'create pending']
    await until(async () => inShort(await told({ projectId })), pending)
    await until(async () => (await readFile(journal, 'utf8')).includes('POST /killed-during'), true)
    killed.kill('SIGKILL')
    start()
    expect(await handle.result()).toMatchObject({ state: 'done' })
    await listed({ projectId }, [...pending, 'create unknown', 'delete/trust pending', 'delete/trust success'])
  }, 180_000)
})

describe.concurrent('the audit', () => {
  it('names the policy, the approval and the delegation behind each move of a run', async () => {
    const move = (serverId: string, from: string) => ({
      ...{ serverId, serverName: serverId, from, to: 'cmp-cool', memoryMiB: 512, reason: 'relieves it' },
    })
    const delegation = { trustId, userId: 'user-olga' }
    const cloud = bench.cloud({
      liveMigrate: [
        { host: 'cmp-other', migrationUuid: 'm', durationMs: 1, requestId: 'req-nova', delegation },
        failure('MIGRATION_FAILED', `quoted ${canary}`, { delegation }),
      ],
    })
    const grounds: LeaseGrounds = {
      ...{ requester: 'alert', by: 'host-hot', policy: 'host-hot', why: 'hot', waitSeconds: 60 },
      approval: { by: 'bob', at: 'x', planId: 'p-1' },
    }
    const incidentId = randomUUID()
    const plan = { moves: [move('a', cloud.host), move('b', cloud.host)], skipped: [], before: 0.9, after: 0.7 }
    const handle = await bench.client.workflow.start(relieveHost, {
      workflowId: `run/relieve-host/${cloud.host}`,
      taskQueue: bench.taskQueue,
      args: [{ host: cloud.host, resource: 'vcpu', limit: 0.8, maxMoves: 10, plan, grounds }],
      typedSearchAttributes: [
        { key: attributes.kind, value: 'run' },
        { key: attributes.runbook, value: 'relieve-host' },
        { key: attributes.policy, value: 'host-hot' },
        { key: attributes.target, value: cloud.host },
        { key: attributes.incidentRunId, value: incidentId },
      ],
    })
    await handle.result().catch(() => undefined)
    const migrate = 'update/live-migrate'
    await listed({ host: cloud.host }, [
      ...[`${migrate} pending`, `${migrate} success`, `${migrate} pending`, `${migrate} failure`],
    ])
    const [intent, moved, , failed] = await told({ host: cloud.host })
    const known = {
      incidentId,
      policy: 'host-hot',
      runbook: 'relieve-host',
      planId: 'p-1',
      approvedBy: 'bob',
      why: 'hot',
    }
    expect(contentOf(intent)).toMatchObject({ ...known, from: cloud.host, to: 'cmp-cool' })
    expect(contentOf(moved)).toMatchObject({ ...known, from: cloud.host, to: 'cmp-other', requestId: 'req-nova' })
    expect(intent?.initiator).toEqual({ id: 'policy/host-hot', typeURI: 'service/oss/policy', name: 'host-hot' })
    expect(moved?.initiator).toMatchObject({ credential: { token: '****beef' }, onBehalfOf: { id: 'user-olga' } })
    expect(failed?.initiator).toMatchObject({ credential: { token: '****beef' }, onBehalfOf: { id: 'user-olga' } })
    expect(failed?.reason).toMatchObject({ reasonCode: 'MIGRATION_FAILED', policy: 'host-hot' })
    expect(JSON.stringify(await told({ host: cloud.host }))).not.toContain(canary)
    expect(await told({ host: 'cmp-nobody-knows' })).toEqual([])
  })

  it('has who gave rights and who took them back, and who pressed and released the stop button', async () => {
    const cloud = bench.cloud({ deleteTrust: undefined })
    const view: DelegationView = {
      ...{ state: 'active', trustId: cloud.trust(trustId), trustorUserId: 'user-olga', trustorName: 'olga' },
      ...{ projectId: 'p', roles: ['admin'], createdAt: 'x', expiresAt: '2099-01-01T00:00:00.000Z' },
    }
    const delegation = (await begin(standingDelegation, 'delegation', view)) as WorkflowHandle
    await delegation.executeUpdate(revokeDelegation, { args: [{ by: person('paul') }] })
    const stop = await begin(stopped, 'stop', { by: 'bob', userId: 'user-bob', at: 'x', why: 'storage', source: 'api' })
    await stop.signal(resume, { by: 'olga', userId: 'user-olga', why: 'done' })
    await stop.result()
    await until(
      async () => inShort(await ofRun(stop)),
      [...['disable pending', 'disable success', 'enable pending', 'enable success']],
    )
    const [pressed, , released] = await ofRun(stop)
    expect(pressed?.initiator).toEqual({ id: 'user-bob', typeURI: 'service/security/account/user', name: 'bob' })
    expect([contentOf(pressed)?.why, contentOf(released)?.why]).toEqual(['storage', 'done'])
    expect(released?.initiator).toMatchObject({ id: 'user-olga' })
    await until(
      async () => inShort(await ofRun(delegation)).slice(0, 4),
      [
        ...[
          'create/delegation pending',
          'create/delegation success',
          'revoke/delegation pending',
          'delete/trust pending',
        ],
      ],
    )
    expect((await ofRun(delegation))[2]?.initiator).toMatchObject({ id: 'id-of-paul', name: 'paul' })
  })

  it('leaves out what was forgotten between the list and the look at its history', async () => {
    const { projectId, handle } = await defer({ performCall: { status: 200, startedAt: 'x' } })
    await handle.result()
    await until(async () => (await told({ projectId })).length, 6)
    const { workflow } = bench.client
    const index = Object.create(workflow, {
      list: {
        async *value(options: object) {
          for await (const info of workflow.list(options)) yield* [{ ...info, workflowId: 'action/forgotten' }, info]
        },
      },
    })
    const behind = Object.create(bench.client, { workflow: { value: index } })
    const whole = { projectId, sinceMs: beganMs - 60_000, untilMs: Date.now() + 60_000, limit: 100 }
    const events: unknown[] = []
    for await (const event of createAudit(behind).events(whole)) events.push(event)
    expect(events).toHaveLength(6)
  })

  it('is told in parts that together are the whole, each event once', async () => {
    const { projectId, handle } = await defer({ performCall: { status: 200, startedAt: 'x' } })
    await handle.result()
    await until(async () => (await told({ projectId })).length, 6)
    const whole = await told({ projectId })
    const parts: AuditEvent[] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const part = await eventsOf({ projectId, limit: 2, ...(after && { after }) })
      expect(part.length).toBeLessThanOrEqual(3)
      const last = part.at(-1)
      after = last && 'next' in last ? last.next : undefined
      parts.push(...part.filter((event) => !('next' in event)).map((event) => AuditEvent.parse(event)))
    }
    expect(parts).toEqual(whole)
    const middle = Date.parse(whole[3]?.eventTime ?? '')
    const before = await told({ projectId, untilMs: middle - 1 })
    const since = await told({ projectId, sinceMs: middle })
    expect([...before, ...since]).toEqual(whole)
  })
})
