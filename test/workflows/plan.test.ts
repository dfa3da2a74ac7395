import { randomBytes, randomUUID } from 'node:crypto'
import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import { newPlan, type PlanDigest, type PlanView } from '../../core/cloud-plan.ts'
import { codeOf, failure } from '../../core/errors.ts'
import { createPlanDocuments } from '../../temporal/plan-documents.ts'
import { createPlans } from '../../temporal/plans.ts'
import { listedState, until, untilState, useWorker, viewOf } from './engine.ts'
import { person } from './people.ts'
import { askFor, brakesOf, documentOf, modelOf, planIn, plans, tell } from './plan-bench.ts'
import { never } from './scripted.ts'

const bench = useWorker()
const texts = ({ timeline }: PlanView) => timeline.map(({ text }) => text)
const refusal = (attempt: Promise<unknown>) => attempt.then(() => 'accepted', codeOf)

/** One that is proposed: the document is that of emptying the host of the test. */
async function proposed(governor = brakesOf()) {
  const cloud = bench.cloud(plans(bench, () => document))
  const document = documentOf(modelOf(cloud), 'drain', { drain: [cloud.host] })
  const handle = await askFor(bench, cloud, {}, governor)
  return { cloud, document, handle, view: await planIn(handle, 'proposed') }
}

describe.concurrent('a plan', () => {
  it('is made once, shown with its figures, and moves nothing', async () => {
    const { cloud, document, handle, view } = await proposed()
    expect(view.digest).toMatchObject({ id: document.id, moves: 2, waves: [{ wave: 1 }, { wave: 2 }] })
    expect(texts(view)).toEqual([expect.stringMatching(/^proposes 2 move\(s\) in 2 wave\(s\), between \d hosts$/)])
    expect(cloud.inputs('makePlan')).toEqual([
      { goal: 'drain', options: { drain: [cloud.host] }, stay: [], ownReason: `steward plan/${cloud.host}` },
    ])
    expect(cloud.names()).toEqual(['makePlan'])
    expect(await listedState(handle)).toBe('proposed')
    await tell(handle, 'discard', 'paul', { why: 'not today' })
  })

  it('that is discarded ends, and says by whom and why; the same word again changes nothing', async () => {
    const { cloud, handle } = await proposed()
    const desk = createPlans(bench.client)
    const discard = () => desk.command(cloud.host, { does: 'discard', by: person('paul'), why: 'not today' })
    const [first, again] = await Promise.all([discard(), discard()])
    expect([first.state, again.state]).toEqual(['discarded', 'discarded'])
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'discarded', reason: { detail: 'discarded by paul: not today' } })
    expect(texts(view)).toHaveLength(2)
    expect(view.endedAt).toBeDefined()
  })

  it('is discarded while it is being made, too', async () => {
    const cloud = bench.cloud({ makePlan: never })
    const handle = await askFor(bench, cloud)
    await until(() => cloud.inputs('makePlan').length, 1)
    await tell(handle, 'discard', 'paul', {})
    expect(await handle.result()).toMatchObject({ state: 'discarded' })
  })

  it('that nobody answers expires, with the picture it was made on or when people have had their time', async () => {
    const { handle } = await proposed(brakesOf({ timeoutSeconds: 1 }))
    expect(await handle.result()).toMatchObject({ state: 'expired' })
    const cloud = bench.cloud({ makePlan: () => ({ ...digest, expiresAt: new Date(Date.now() + 500).toISOString() }) })
    const digest = (await viewOf<PlanView>(handle)).digest as PlanDigest
    expect(await (await askFor(bench, cloud)).result()).toMatchObject({ state: 'expired' })
    expect(await refusal(tell(handle, 'discard', 'paul', {}))).not.toBe('accepted')
  })

  it('that cannot be made says why', async () => {
    const cloud = bench.cloud({ makePlan: failure('PLAN_IMPOSSIBLE', 'server s-1 fits on no other host') })
    expect(await (await askFor(bench, cloud)).result()).toMatchObject({
      state: 'failed',
      reason: { code: 'PLAN_IMPOSSIBLE', detail: 'server s-1 fits on no other host' },
    })
  })

  it('without moves is done', async () => {
    const cloud = bench.cloud(plans(bench, () => documentOf(modelOf(cloud), 'consolidate', { maxMoves: 0 })))
    const view = await (await askFor(bench, cloud, { goal: 'consolidate' })).result()
    expect(view).toMatchObject({ state: 'done', digest: { moves: 0 } })
    expect(view.reason?.detail).toBe('no useful move: there is nothing to carry out')
  })

  it('that is cancelled in Temporal is stopped', async () => {
    const { handle } = await proposed()
    await handle.cancel()
    expect(await handle.result()).toMatchObject({
      state: 'stopped',
      reason: { detail: 'cancelled by a person in Temporal' },
    })
    const cloud = bench.cloud({ makePlan: never })
    const making = await askFor(bench, cloud)
    await until(() => cloud.inputs('makePlan').length, 1)
    await making.cancel()
    expect(await making.result()).toMatchObject({ state: 'stopped' })
  })
})

describe.concurrent('whoever reads plans', () => {
  it('finds them without a worker: state, list and document, also after their end', async () => {
    const desk = createPlans(bench.client, `nobody-${randomUUID()}`)
    const { cloud, document, handle, view } = await proposed()
    expect(await desk.show(cloud.host)).toEqual(view)
    expect(await desk.document(cloud.host)).toEqual(document)
    await until(
      async () => (await desk.list({ limit: 1000 }, 'proposed')).items.some(({ id }) => id === cloud.host),
      true,
    )
    expect(await desk.command(cloud.host, { does: 'discard', by: { userId: 'u', name: 'paul' } })).toMatchObject({
      state: 'discarded',
    })
    await handle.result()
    expect(await desk.document(cloud.host)).toEqual(document)
    const yes = { does: 'approve', by: person('ana'), planId: document.id } as const
    expect(await refusal(desk.command(cloud.host, yes))).toBe('PLAN_CLOSED')
    const unknown = await Promise.all([desk.show('none'), desk.document('none')].map(refusal))
    expect(unknown).toEqual(['PLAN_NOT_FOUND', 'PLAN_NOT_FOUND'])
  })

  it('sees one that was started and not looked at yet, without a document', async () => {
    const desk = createPlans(bench.client, `nobody-${randomUUID()}`)
    const id = randomUUID()
    const at = new Date().toISOString()
    const view = newPlan({ id, goal: 'balance', options: {}, by: 'olga', userId: 'u', createdAt: at })
    await desk.start({ view, governor: brakesOf() })
    expect(await desk.show(id)).toEqual(view)
    expect(await refusal(desk.document(id))).toBe('PLAN_CLOSED')
    await bench.client.workflow.getHandle(`plan/${id}`).terminate('the test is over')
    expect(await desk.show(id)).toMatchObject({
      ...{ state: 'stopped', reason: { detail: 'its workflow is TERMINATED in Temporal' } },
      endedAt: expect.any(String),
    })
    const listed = async () => (await desk.list({ limit: 1000 })).items.find((plan) => plan.id === id)?.state
    await until(listed, 'stopped')
  })
})

describe.concurrent('a document', () => {
  /** As long as its reasons, which cannot be made shorter. */
  const large = (bytes: number) => {
    const cloud = bench.cloud({})
    const document = documentOf(modelOf(cloud), 'drain', { drain: [cloud.host] })
    return { ...document, notes: [{ where: 'test', says: randomBytes(bytes).toString('latin1') }] }
  }

  it('of several parts is put together again; parts of an attempt that was lost are left out', async () => {
    const document = large(500_000)
    const cloud = bench.cloud({ makePlan: never })
    const handle: WorkflowHandle = await askFor(bench, cloud)
    await untilState(handle, 'planning')
    const documents = createPlanDocuments(bench.client)
    await documents.keep(handle.workflowId, large(10))
    const pack = await documents.keep(handle.workflowId, document)
    // what comes while the workflow has something to do is in its history a moment later
    await until(() => documents.read(handle.workflowId, pack).catch(codeOf), document)
    const unknown = [documents.read(handle.workflowId, 'another'), documents.read('plan/none', pack)]
    expect(await Promise.all(unknown.map(refusal))).toEqual(['PLAN_NOT_FOUND', 'PLAN_NOT_FOUND'])
    const { events = [] } = await handle.fetchHistory()
    const sizes = (events ?? []).flatMap(
      ({ workflowExecutionSignaledEventAttributes: signal }) =>
        signal?.input?.payloads?.map(({ data }) => data?.length ?? 0) ?? [],
    )
    expect(sizes.length).toBeGreaterThan(4)
    expect(Math.max(...sizes)).toBeLessThan(300_000)
    await handle.terminate('the test is over')
  })

  it('that is too large is refused before any of it is kept', async () => {
    const documents = createPlanDocuments(bench.client)
    expect(await refusal(documents.keep('nothing', large(3_000_000)))).toBe('PLAN_TOO_LARGE')
  })
})
