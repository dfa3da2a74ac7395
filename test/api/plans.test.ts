import { describe, expect, it } from 'vitest'
import type { PlanView } from '../../core/cloud-plan.ts'
import { failure } from '../../core/errors.ts'
import { as, at, expectProblem, nowMs, type World, world } from './app.ts'
import { drainDocument } from './plans.ts'

const url = '/v1/plans'
const drain = { goal: 'drain', options: { drain: ['a'] }, why: 'new disks' }
const create = (w: World, payload: object = drain, who = 'operator') =>
  w.ask({ method: 'POST', url, headers: as(who), payload })
const nobody = '0b6f3c7a-9d7e-4c0e-8f51-0d6f2c3b4a59'

describe('a plan that is asked for', () => {
  it('is started for whoever asks, and answered with its document', async () => {
    const w = await world()
    const answer = await create(w)
    expect(answer.statusCode).toBe(201)
    const [{ view, governor } = { view: undefined, governor: undefined }] = w.planned
    expect(view).toMatchObject({
      ...{ goal: 'drain', options: { drain: ['a'] }, why: 'new disks', state: 'planning' },
      ...{ by: 'olga', userId: 'user-olga', createdAt: at(0), answers: [], timeline: [] },
    })
    expect(governor?.approval).toMatchObject({ twoPersonsFromHosts: 6 })
    expect(answer.headers.location).toBe(`${url}/${view?.id}`)
    expect(answer.json().plan).toMatchObject({ id: view?.id, state: 'proposed', digest: { moves: 2 } })
    expect(answer.json().document).toEqual(drainDocument(nowMs))
  })

  it('turns hosts off only where it empties them for good', async () => {
    const w = await world()
    const options = { powerOff: true, reserveHosts: 2 }
    await create(w, { goal: 'consolidate', options })
    expect(w.planned[0]?.view.options).toEqual(options)
    expectProblem(await create(w, { goal: 'balance', options }), 'INPUT_INVALID')
  })

  it('levels what is asked for, over the day as well', async () => {
    const w = await world()
    const options = { weights: { cpu: 1, 'cpu-day': 2 } }
    await create(w, { goal: 'balance', options })
    expect(w.planned[0]?.view.options).toEqual(options)
  })

  it('moves servers cold where somebody chose so', async () => {
    const w = await world()
    const options = { drain: ['a'], cold: 'stopped' }
    await create(w, { goal: 'drain', options })
    expect(w.planned[0]?.view.options).toEqual(options)
    expectProblem(await create(w, { goal: 'drain', options: { ...options, cold: 'some' } }), 'INPUT_INVALID')
  })

  it('is answered with its id while it takes longer', async () => {
    let asked = 0
    const w = await world({
      plans: {
        show: async (id) => {
          asked++
          const { view } = w.planned.find((plan) => plan.view.id === id) as { view: PlanView }
          return view
        },
      },
    })
    const answer = await create(w)
    expect([answer.statusCode, answer.json().plan.state, 'document' in answer.json()]).toEqual([202, 'planning', false])
    expect(asked).toBeGreaterThan(0)
  })

  it('that cannot be made is a problem which names the plan', async () => {
    const reason = { code: 'PLAN_IMPOSSIBLE', detail: 'server 3 fits on no other host' }
    const w = await world({ plans: { show: async () => ({ ...w.planned[0]!.view, state: 'failed', reason }) } })
    const { detail } = expectProblem(await create(w), 'PLAN_IMPOSSIBLE')
    expect(detail).toBe(`${reason.detail} (plan ${w.planned[0]?.view.id})`)
  })

  it.each([
    ['no goal', {}],
    ['a goal nobody knows', { goal: 'tidy' }],
    ['the way back of nothing', { goal: 'undo' }],
    ['an option nobody knows', { goal: 'balance', options: { maxMove: 3 } }],
    ['a share of 200 %', { goal: 'balance', options: { maxCpuPercent: 200 } }],
    ['a weight nobody knows', { goal: 'balance', options: { weights: { 'cpu-week': 1 } } }],
    ['no host to be emptied', { goal: 'drain', options: { drain: [] } }],
  ])('with %s is refused, and nothing is begun', async (_what, payload) => {
    const w = await world()
    expectProblem(await create(w, payload), 'INPUT_INVALID')
    expect(w.planned).toEqual([])
  })
})

describe('a plan', () => {
  it('is listed and shown, with its document beside it', async () => {
    const w = await world()
    const { id } = (await create(w)).json().plan
    const ask = (path: string) => w.ask({ url: `${url}${path}`, headers: as('colleague') })
    expect((await ask('?limit=5&state=proposed')).json().plans).toEqual([expect.objectContaining({ id })])
    expect((await ask(`/${id}`)).json()).toMatchObject({ id, by: 'olga', state: 'proposed' })
    expect((await ask(`/${id}/document`)).json().undo.waves).not.toEqual([])
    expectProblem(await ask(`/${nobody}`), 'PLAN_NOT_FOUND')
    expectProblem(await ask(`/${nobody}/document`), 'PLAN_NOT_FOUND')
  })

  it('is found by pages, each of which names the next one', async () => {
    const w = await world()
    const ids = []
    for (let at = 0; at < 3; at++) ids.push((await create(w)).json().plan.id)
    const list = async (query: string) => (await w.ask({ url: `${url}${query}`, headers: as('colleague') })).json()
    const first = await list('?limit=2')
    const next = await list(`?limit=2&state=proposed&page=${first.nextPage}`)
    expect([...first.plans, ...next.plans].map(({ id }) => id)).toEqual(ids)
    expect(next).not.toHaveProperty('nextPage')
  })

  it('that is still being made has no document', async () => {
    const document = async () => {
      throw failure('PLAN_CLOSED', 'the plan is planning: it has no document')
    }
    const w = await world({ plans: { document } })
    expectProblem(await w.ask({ url: `${url}/${nobody}/document`, headers: as('operator') }), 'PLAN_CLOSED')
  })

  it('is discarded by whoever may have plans made, with their reason', async () => {
    const w = await world()
    const { id } = (await create(w)).json().plan
    const discard = (payload?: object) =>
      w.ask({ method: 'DELETE', url: `${url}/${id}`, headers: as('colleague'), ...(payload && { payload }) })
    expect((await discard({ why: 'not today' })).statusCode).toBe(200)
    expect((await discard()).statusCode).toBe(200)
    const by = { userId: 'user-otto', name: 'otto' }
    expect(w.commanded).toEqual([
      [id, { does: 'discard', by, why: 'not today' }],
      [id, { does: 'discard', by }],
    ])
  })

  it('is approved by its document, and stopped, in the name of whoever does it', async () => {
    const w = await world()
    const { plan, document } = (await create(w)).json()
    const tell = (does: string, payload?: object, who = 'colleague') =>
      w.ask({ method: 'POST', url: `${url}/${plan.id}/${does}`, headers: as(who), ...(payload && { payload }) })
    expect((await tell('approve', { documentId: document.id, why: 'at night' })).statusCode).toBe(200)
    expect((await tell('stop', { why: 'a customer called' })).statusCode).toBe(200)
    expect((await tell('stop')).statusCode).toBe(200)
    const by = { userId: 'user-otto', name: 'otto' }
    expect(w.commanded).toEqual([
      [plan.id, { does: 'approve', planId: document.id, why: 'at night', by }],
      [plan.id, { does: 'stop', why: 'a customer called', by }],
      [plan.id, { does: 'stop', by }],
    ])
    expectProblem(await tell('approve', {}), 'INPUT_INVALID')
    expectProblem(await tell('approve'), 'INPUT_INVALID')
    expectProblem(await tell('approve', { documentId: document.id }, 'member'), 'ROLE_MISSING')
  })

  it('is shown with what has become of each of its moves', async () => {
    const w = await world()
    const { id } = (await create(w)).json().plan
    const { moves } = (await w.ask({ url: `${url}/${id}`, headers: as('operator') })).json()
    expect(moves).toEqual([
      { wave: 1, serverId: '1', from: 'a', to: expect.any(String), kind: 'live', state: 'waiting' },
      { wave: 2, serverId: '2', from: 'a', to: expect.any(String), kind: 'live', state: 'waiting' },
    ])
  })

  it('that has ended is taken back by a plan of its own, at the same pace and as cold; one that goes on is not', async () => {
    const w = await world()
    const { id } = (
      await create(w, { ...drain, options: { drain: ['a'], outgoingPerHost: 3, cold: 'stopped' } })
    ).json().plan
    const undo = (from: World) =>
      from.ask({ method: 'POST', url: `${url}/${id}/undo`, headers: as('operator'), payload: { why: 'too slow' } })
    expectProblem(await undo(w), 'PLAN_CLOSED')
    const [{ view } = { view: undefined }] = w.planned
    const show = async (asked: string): Promise<PlanView> =>
      asked === id
        ? { ...view!, state: 'stopped', endedAt: at(9) }
        : ended.planned.find((p) => p.view.id === asked)!.view
    const ended = await world({ plans: { show } })
    expect((await undo(ended)).statusCode).toBe(202)
    expect(ended.planned[0]?.view).toMatchObject({
      ...{ goal: 'undo', undoes: id, options: { outgoingPerHost: 3, cold: 'stopped' }, why: 'too slow', by: 'olga' },
    })
    expect(ended.planned[0]?.view.options).not.toHaveProperty('drain')
    expectProblem(await undo(await world({ plans: { show, made: async () => [] } })), 'PLAN_CLOSED')
  })
})
