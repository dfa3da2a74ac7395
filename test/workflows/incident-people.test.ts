import type { Client } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import type { MigrationOutcome } from '../../core/activities.ts'
import { codeOf, failure } from '../../core/errors.ts'
import type { Incident } from '../../core/incident.ts'
import type { Plan } from '../../core/plan.ts'
import { createIncidentDesk } from '../../temporal/incident-desk.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { until, useWorker, viewOf } from './engine.ts'
import {
  alertOf,
  type BenchOptions,
  followTo,
  gaugePolicy,
  type IncidentHandle,
  openIncident,
  order,
  texts,
} from './incident-bench.ts'
import { person } from './people.ts'
import { gate, type Script } from './scripted.ts'

const bench = useWorker()
const planOf =
  (...servers: string[]) =>
  ({ host }: { host: string }): Plan => ({
    moves: servers.map((serverId) => ({
      ...{ serverId, serverName: serverId, from: host, to: 'cmp-cool', memoryMiB: 512, reason: 'relieves it' },
    })),
    ...{ skipped: [], before: 0.9, after: 0.7 },
  })
const moved: MigrationOutcome = { host: 'cmp-cool', migrationUuid: 'm-1', durationMs: 1500 }
const impossible = failure('PLAN_IMPOSSIBLE', 'no host has room')

async function incidentOf(script: Script, options: BenchOptions = {}) {
  const cloud = bench.cloud(script)
  const policy = gaugePolicy()
  const handle = await openIncident(bench, cloud, policy, {}, options)
  const say = (status: 'firing' | 'resolved') => handle.signal(observe, alertOf(policy, cloud, { status }))
  return { cloud, policy, handle, say }
}

const refusal = async (command: Promise<unknown>) => codeOf((await command.catch((error: Error) => error)) as Error)
const take = (handle: IncidentHandle, name: string) => order(handle, 'take-over', name, { why: 'I look at it' })

describe.concurrent('an incident that needs people', () => {
  it('stays open, takes in further alerts, and closes when the signal clears', async () => {
    const { handle, say } = await incidentOf({ planRelief: impossible })
    await followTo(handle, 'escalated')
    await say('firing')
    await say('resolved')
    expect(await handle.result()).toMatchObject({
      state: 'closed',
      signals: 3,
      recoveredAt: expect.any(String),
      reason: { detail: 'cleared after people were asked: no host has room' },
    })
  })

  it('ends by itself when nobody ever comes', async () => {
    const { handle } = await incidentOf({ planRelief: impossible }, { endsAfterMs: 1000 })
    expect(await handle.result()).toMatchObject({
      state: 'closed',
      reason: { code: 'PLAN_IMPOSSIBLE', detail: 'no host has room; nobody took it over' },
    })
  })

  it('shows who has seen it and what was said, once', async () => {
    const { handle } = await incidentOf({ planRelief: impossible })
    await followTo(handle, 'escalated')
    for (let twice = 0; twice < 2; twice++) {
      await order(handle, 'acknowledge', 'olga', {})
      await order(handle, 'comment', 'olga', { text: 'a new host arrives at noon' })
    }
    const view = await order(handle, 'acknowledge', 'paul', {})
    expect(view).toMatchObject({ state: 'escalated', acknowledgedBy: 'paul' })
    expect(texts(view).filter((text) => /olga|paul/.test(text))).toEqual([
      ...['olga has seen it', 'olga: a new host arrives at noon'],
      // the second acknowledgement was known already; a word of somebody else came between
      'paul has seen it',
    ])
  })

  it('is looked at anew, from the first step, when a person hands it back', async () => {
    const { cloud, handle } = await incidentOf({ planRelief: [impossible, planOf('a')], liveMigrate: moved })
    await followTo(handle, 'escalated')
    const view = await order(handle, 'hand-back', 'olga', { why: 'there is a new host' })
    expect(view).not.toHaveProperty('reason')
    await followTo(handle, 'verifying')
    expect(cloud.inputs('liveMigrate')).toHaveLength(1)
  })

  it('is closed by a person, with the reason', async () => {
    const { handle } = await incidentOf({ planRelief: impossible })
    await followTo(handle, 'escalated')
    const view = await order(handle, 'close', 'olga', { why: 'the host is being replaced' })
    expect(view).toMatchObject({ state: 'closed', reason: { detail: 'closed by olga: the host is being replaced' } })
    expect(await handle.result()).toEqual(view)
    await expect(take(handle, 'paul')).rejects.toThrow()
  })
})

describe.concurrent('an incident that a person takes over', () => {
  it('in the middle of a run lets the move under way end, begins no other one, and is theirs', async () => {
    const migration = gate<MigrationOutcome>()
    const { cloud, handle } = await incidentOf({
      planRelief: [planOf('a', 'b'), planOf('b')],
      liveMigrate: [() => migration.opened, moved],
    })
    await until(() => cloud.inputs('liveMigrate').length, 1)
    expect(await refusal(order(handle, 'close', 'olga', { why: 'done' }))).toBe('INCIDENT_CLOSED')
    expect(await take(handle, 'olga')).toMatchObject({ state: 'acting', takenOverBy: 'olga' })
    const runId = `run/relieve-host/${cloud.host}`
    await until(async () => {
      const { events } = await bench.client.workflow.getHandle(runId).fetchHistory()
      return events?.some((e) => e.workflowExecutionSignaledEventAttributes?.signalName === 'comeToAnEnd')
    }, true)
    migration.open(moved)
    const view = await followTo(handle, 'taken-over')
    expect(view).toMatchObject({ takenOverBy: 'olga', runs: [{ outcome: 'stopped' }] })
    expect(view.runs[0]?.detail).toContain('olga takes the incident over')
    expect(cloud.inputs('liveMigrate')).toHaveLength(1)
    expect(cloud.inputs('giveBackLease')).toHaveLength(1)
    // and handed back it goes on with what is left
    const back = await order(handle, 'hand-back', 'olga', {})
    expect(back).not.toHaveProperty('takenOverBy')
    await followTo(handle, 'verifying')
    expect(cloud.inputs('liveMigrate').map(({ serverId }) => serverId)).toEqual(['a', 'b'])
  })

  it('while its plan is made begins no run', async () => {
    const plan = gate<Plan>()
    const { cloud, handle } = await incidentOf({ planRelief: () => plan.opened })
    await until(() => cloud.names(), ['planRelief'])
    expect(await take(handle, 'olga')).toMatchObject({ state: 'taken-over', takenOverBy: 'olga' })
    plan.open(planOf('a')(cloud))
    expect(await take(handle, 'olga')).toMatchObject({ state: 'taken-over', runs: [] })
    const view = await take(handle, 'paul')
    expect(view.takenOverBy).toBe('paul')
    expect(texts(view).filter((text) => text.includes('has taken it over'))).toHaveLength(2)
    expect(cloud.inputs('requestLease')).toEqual([])
  })

  it('while it looks whether it is over is theirs, and does not close when the signal clears', async () => {
    const { handle, say } = await incidentOf({ planRelief: planOf() })
    await followTo(handle, 'verifying')
    await take(handle, 'olga')
    await say('resolved')
    await until(async () => texts(await viewOf(handle)).at(-1), 'the signal cleared')
    await say('firing')
    await until(async () => texts(await viewOf(handle)).at(-1), 'it fires again')
    expect((await handle.describe()).status.name).toBe('RUNNING')
    await say('resolved')
    await order(handle, 'close', 'olga', { why: 'moved by hand' })
    expect(await handle.result()).toMatchObject({
      state: 'closed',
      reason: { detail: 'closed by olga: moved by hand' },
    })
  })

  it('and hands back is closed when the alert had resolved meanwhile', async () => {
    const { handle, say } = await incidentOf({ planRelief: impossible })
    await followTo(handle, 'escalated')
    await take(handle, 'olga')
    await say('resolved')
    await order(handle, 'hand-back', 'olga', {})
    expect(await handle.result()).toMatchObject({ reason: { detail: 'resolved before anything was done' } })
  })
})

describe.concurrent('the desk', () => {
  const desk = () => createIncidentDesk(bench.client)
  const by = person('olga')
  const command = (id: string) => desk().command(id, { does: 'take-over', by })

  it('finds the incident by its id, and has the command carried out', async () => {
    const { cloud, handle } = await incidentOf({ planRelief: impossible })
    await followTo(handle, 'escalated')
    const { runId: id } = await handle.describe()
    // the list of the engine comes a moment later than the incident
    let taken: Incident | undefined
    await until(async () => {
      taken = await command(id).catch(() => undefined)
      return taken?.state
    }, 'taken-over')
    expect(taken).toMatchObject({ id, workflowId: handle.workflowId, host: cloud.host, takenOverBy: 'olga' })
    expect(await refusal(desk().command(id, { does: 'answer', by, planId: id, says: 'approved' }))).toBe(
      'APPROVAL_STALE',
    )
    const again = desk().command(id, { does: 'hand-back', by })
    expect(['confirming', 'planning', 'escalated']).toContain((await again).state)
    await followTo(handle, 'escalated')
    await desk().command(id, { does: 'close', by, why: 'done' })
    expect(await refusal(command(id))).toBe('INCIDENT_CLOSED')
  })

  it('says that there is no such incident', async () => {
    expect(await refusal(command('00000000-0000-4000-8000-000000000000'))).toBe('INCIDENT_NOT_FOUND')
  })

  it('does not give a command to the next incident of the same alert', async () => {
    const { cloud, handle, policy } = await incidentOf({ planRelief: impossible })
    const { runId: id } = await handle.describe()
    await followTo(handle, 'escalated')
    // as a list shows it that is a moment behind
    const listed: unknown[] = []
    await until(async () => {
      for await (const each of bench.client.workflow.list({ query: `StewardIncidentRunId = '${id}'` }))
        listed.push(each)
      return listed.length > 0
    }, true)
    const { connection, workflow } = bench.client
    const behind = { list: () => listed, getHandle: workflow.getHandle.bind(workflow) }
    const late = createIncidentDesk({ connection, workflow: behind } as unknown as Client)
    await order(handle, 'close', 'paul', { why: 'done' })
    const next = await openIncident(bench, cloud, policy, { key: 'it began anew' })
    await followTo(next, 'escalated')
    await until(() => refusal(command(id)), 'INCIDENT_CLOSED')
    expect(await refusal(late.command(id, { does: 'take-over', by }))).toBe('INCIDENT_CLOSED')
    expect(await viewOf(next)).toMatchObject({ state: 'escalated' })
  })
})
