import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { IncidentView } from '../../core/incident.ts'
import { attributes } from '../../core/search-attributes.ts'
import { createIncidentDesk, recentFirings } from '../../temporal/incident-desk.ts'
import { createIncidentList } from '../../temporal/incident-list.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { until, useWorker, viewOf } from './engine.ts'
import { alertOf, asks, followTo, gaugePolicy, openIncident, order, texts } from './incident-bench.ts'
import { person } from './people.ts'
import type { Script } from './scripted.ts'

const bench = useWorker()
const noMove = { moves: [], skipped: [], before: 0.5, after: 0.5 }
const impossible: Script = { planRelief: failure('PLAN_IMPOSSIBLE', 'no host has room') }

async function incidentOf(script: Script, mostEvents: number) {
  const cloud = bench.cloud(script)
  const policy = gaugePolicy()
  const handle = await openIncident(bench, cloud, policy, {}, { mostEvents })
  const { runId: id } = await handle.describe()
  const say = (status: 'firing' | 'resolved', more = {}) =>
    handle.signal(observe, alertOf(policy, cloud, { status, ...more }))
  const newest = bench.client.workflow.getHandle(handle.workflowId)
  const renewed = (from: string) => until(async () => (await newest.describe()).runId !== from, true)
  return { cloud, policy, handle, id, say, newest, renewed }
}

describe.concurrent('an incident that waits for so long that its history begins anew', () => {
  it('keeps its id, its time line and all that it was told, and closes properly', async () => {
    const { cloud, handle, id, say, newest, renewed, policy } = await incidentOf(impossible, 60)
    const before = await followTo(handle, 'escalated')
    await order(handle, 'comment', 'olga', { text: 'a new host arrives at noon' })
    // each is a few events of its history
    for (let turn = 0; turn < 30; turn++) await say('firing', { key: `start ${turn}` })
    await renewed(id)
    const attributesOf = async () => (await newest.describe()).typedSearchAttributes
    await until(async () => (await attributesOf()).get(attributes.alertKeys)?.includes('start 29'), true)
    await say('firing', { key: 'after it' })
    await until(async () => (await attributesOf()).get(attributes.alertKeys)?.includes('after it'), true)
    const typedSearchAttributes = await attributesOf()
    expect(typedSearchAttributes.get(attributes.alertKeys)).toContain('start 29')
    expect(typedSearchAttributes.get(attributes.incidentRunId)).toBe(id)
    expect(typedSearchAttributes.get(attributes.kind)).toBe('incident')
    expect(typedSearchAttributes.get(attributes.state)).toBe('escalated')
    const view = await viewOf<IncidentView>(newest)
    expect(view).toMatchObject({ openedAt: before.openedAt, state: 'escalated', reason: { code: 'PLAN_IMPOSSIBLE' } })
    expect(texts(view)).toEqual([...texts(before), 'olga: a new host arrives at noon'])

    // it is one incident, by the id it has always had
    const list = createIncidentList(bench.client)
    const own = async () => (await list.list(100, { host: cloud.host })).map((incident) => incident.id)
    await until(own, [id])
    await until(async () => (await list.show(id)).state, 'escalated')
    const sameAlert = { policy: policy.name, entity: { host: cloud.host }, withinSeconds: 3600 }
    expect(await recentFirings(bench.client, sameAlert)).toEqual({ firings: 1 })
    const desk = createIncidentDesk(bench.client)
    const taken = await desk.command(id, { does: 'take-over', by: person('olga') })
    expect(taken).toMatchObject({ id, state: 'taken-over' })
    await desk.command(id, { does: 'close', by: person('olga'), why: 'done by hand' })
    expect(await handle.result()).toMatchObject({ state: 'closed', signals: 32, openedAt: before.openedAt })
    expect(await list.show(id)).toMatchObject({ id, state: 'closed' })
  })

  it('goes on where it was: what clears afterwards closes it', async () => {
    const { handle, id, say, renewed } = await incidentOf(impossible, 10)
    await renewed(id)
    await say('resolved')
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'closed', reason: { detail: expect.stringContaining('cleared after people') } })
    expect(texts(view).filter((text) => text.startsWith('people are needed'))).toHaveLength(1)
  })

  it('still waits for the answer to the same plan, until the same time', async () => {
    const { cloud, id, newest, renewed } = await incidentOf({ planRelief: noMove, consultGovernor: asks }, 10)
    await renewed(id)
    const { proposal } = await followTo(newest, 'asking')
    expect(cloud.inputs('planRelief')).toHaveLength(1)
    await order(newest, 'answer', 'olga', { planId: proposal?.planId ?? '', says: 'approved' })
    await until(() => cloud.inputs('requestLease')[0]?.request.approval?.planId, proposal?.planId)
    expect(cloud.inputs('requestLease')[0]?.request.incidentRunId).toBe(id)
  })
})
