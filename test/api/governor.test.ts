import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import { type GovernorState, type LeaseRequest, noState, type Verdict } from '../../core/governor.ts'
import type { StopState } from '../../core/stop.ts'
import { as, at, type Changes, expectProblem, type World, world } from './app.ts'
import { fakeGovernor } from './governor.ts'

const ask = async (
  w: World,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  payload?: object,
  who = 'operator',
) => w.ask({ method, url: `/v1${url}`, headers: as(who), ...(payload && { payload }) })

/** A run that restarts the service of a host. */
const run = (id: string, host: string, changes: Partial<LeaseRequest> = {}): LeaseRequest => ({
  id,
  holder: { workflowId: `run/restart-service/${host}`, runId: id },
  requester: 'alert',
  by: 'nova-compute-down',
  why: 'nova-compute is down',
  runbook: 'restart-service',
  targets: [`host/${host}`],
  within: ['zone/az1'],
  risk: 'service',
  requestedAt: at(-30),
  waitUntil: at(1800),
  expectedMs: 300_000,
  ...changes,
})
const busy: GovernorState = {
  ...noState,
  leases: [{ request: run('r1', 'cmp-1'), grantedAt: at(-20) }],
  queue: [run('r2', 'cmp-2')],
  past: [
    {
      runbook: 'restart-service',
      targets: ['host/cmp-9'],
      within: ['zone/az2'],
      requester: 'alert',
      grantedAt: at(-600),
      endedAt: at(-500),
    },
  ],
}

describe('the governor', () => {
  it('shows mode, queue, stop button and the budgets in use, the fullest first', async () => {
    const w = await world({
      governor: fakeGovernor(busy),
      brakes: { mode: 'ask', budgets: { overall: { atOnce: 8 } } },
    })
    await ask(w, 'POST', '/stop', { why: 'storage' })
    const { budgets, ...view } = (await ask(w, 'GET', '/governor')).json()
    expect(view).toEqual({
      mode: 'ask',
      modeFrom: 'steward.yaml',
      settings: [],
      policies: [],
      stop: { by: 'olga', userId: 'user-olga', at: expect.any(String), why: 'storage', source: 'api' },
      leases: 1,
      queue: [
        { id: 'r2', by: 'nova-compute-down', runbook: 'restart-service', targets: ['host/cmp-2'], since: at(-30) },
      ],
    })
    expect(budgets).toEqual([
      { budget: 'host/cmp-1', atWork: 1, atOnce: 1, begun: 1, perHour: 6 },
      { budget: 'zone/az1', atWork: 1, atOnce: 2, begun: 1, perHour: 30 },
      { budget: 'host/cmp-9', atWork: 0, atOnce: 1, begun: 1, perHour: 6 },
      { budget: 'overall', atWork: 1, atOnce: 8, begun: 2, perHour: 60 },
      { budget: 'zone/az2', atWork: 0, atOnce: 2, begun: 1, perHour: 30 },
    ])
  })

  it('shows the budget of the whole also when nothing is done', async () => {
    const { budgets } = (await ask(await world(), 'GET', '/governor')).json()
    expect(budgets).toEqual([{ budget: 'overall', atWork: 0, atOnce: 4, begun: 0, perHour: 60 }])
  })

  it('has a mode for all, for a policy and for a runbook, each with who and why, until it is taken back', async () => {
    const w = await world({ brakes: { mode: 'observe' } })
    await ask(w, 'PUT', '/governor/modes/all', { mode: 'ask', why: 'a week was fine' })
    await ask(w, 'PUT', '/governor/modes/policy:host-cpu-high', { mode: 'auto', why: 'ten good ones' })
    const set = await ask(w, 'PUT', '/governor/modes/runbook:restart-service', { mode: 'observe', why: 'new image' })
    expect(set.json().settings).toMatchObject([
      { scope: 'all', mode: 'ask', by: 'olga', why: 'a week was fine' },
      { scope: 'policy/host-cpu-high', mode: 'auto', by: 'olga' },
      { scope: 'runbook/restart-service', mode: 'observe' },
    ])
    expect((await ask(w, 'GET', '/governor')).json()).toMatchObject({ mode: 'ask', modeFrom: 'olga' })
    const cleared = await ask(w, 'DELETE', '/governor/modes/all')
    expect(cleared.json().settings).toHaveLength(2)
    expect((await ask(w, 'GET', '/governor')).json()).toMatchObject({ mode: 'observe', modeFrom: 'steward.yaml' })
    // a policy that has left steward.yaml
    expect((await ask(w, 'DELETE', '/governor/modes/policy:gone')).statusCode).toBe(200)
  })

  it.each([
    ['policy:host-cpu-hihg', 'there is no policy host-cpu-hihg: host-cpu-high, compute-errors'],
    [
      'runbook:reboot',
      'there is no runbook reboot: restart-service, relieve-host, collect-evidence, carry-out-plan, night-off',
    ],
  ])('has no mode for what is not there (%s)', async (scope, detail) => {
    const w = await world()
    const answer = await ask(w, 'PUT', `/governor/modes/${scope}`, { mode: 'auto', why: 'x' })
    expect(expectProblem(answer, 'INPUT_INVALID').detail).toBe(detail)
    expect((await ask(w, 'GET', '/governor')).json().settings).toEqual([])
  })

  it.each([
    ['everything', { mode: 'auto', why: 'x' }],
    ['policy:', { mode: 'auto', why: 'x' }],
    ['all', { mode: 'on', why: 'x' }],
    ['all', { mode: 'auto' }],
    ['all', { mode: 'auto', why: 'x', by: 'eve' }],
  ])('takes no other words (%s %j)', async (scope, payload) => {
    const w = await world()
    expectProblem(await ask(w, 'PUT', `/governor/modes/${scope}`, payload), 'INPUT_INVALID')
    expect((await ask(w, 'GET', '/governor')).json().settings).toEqual([])
  })
})

describe('the stop button', () => {
  it('is pressed by who came first, shown, and released', async () => {
    const w = await world()
    expect((await ask(w, 'GET', '/stop')).json()).toEqual({ stopped: false })
    const pressed = await ask(w, 'POST', '/stop', { why: 'storage is on fire' })
    const state = { by: 'olga', userId: 'user-olga', at: at(0), why: 'storage is on fire', source: 'api' }
    expect(pressed.json()).toEqual({ stopped: true, state })
    const again = await ask(w, 'POST', '/stop', { why: 'me too' }, 'colleague')
    expect(again.json()).toEqual({ stopped: true, state })
    expect((await ask(w, 'GET', '/stop')).json()).toEqual({ stopped: true, state })
    const resumed = await ask(w, 'POST', '/resume', { why: 'fire is out' }, 'colleague')
    expect(resumed.json()).toEqual({ stopped: false, state })
    expect((await ask(w, 'POST', '/resume', { why: 'again' })).json()).toEqual({ stopped: false })
    expect((await ask(w, 'GET', '/stop')).json()).toEqual({ stopped: false })
  })

  it('hears who releases it and why', async () => {
    const heard: unknown[] = []
    const w = await world({ stop: { resume: async (who) => void heard.push(who) as undefined } })
    await ask(w, 'POST', '/resume', { why: 'done' }, 'colleague')
    expect(heard).toEqual([{ by: 'otto', userId: 'user-otto', why: 'done' }])
  })

  it('wants a reason, also for its release', async () => {
    const w = await world()
    for (const url of ['/stop', '/resume'])
      for (const payload of [{}, { why: ' ' }, { why: 'x', force: true }])
        expectProblem(await ask(w, 'POST', url, payload), 'INPUT_INVALID')
    expect((await ask(w, 'GET', '/stop')).json()).toEqual({ stopped: false })
  })

  it('is not released while a file keeps it pressed', async () => {
    const resume = async (): Promise<StopState | undefined> => {
      throw failure('STOPPED', 'there is a stop file, of root')
    }
    const w = await world({ stop: { resume } })
    expectProblem(await ask(w, 'POST', '/resume', { why: 'x' }), 'STOPPED')
  })
})

describe('leases', () => {
  const hold = { targets: ['host/cmp-7'], forSeconds: 7200, why: 'new disk' }

  it('are taken, listed, extended and given back', async () => {
    const w = await world({ governor: fakeGovernor(busy) })
    const taken = await ask(w, 'POST', '/leases', hold)
    const { id } = taken.json()
    const view = {
      id,
      state: 'held',
      targets: ['host/cmp-7'],
      by: 'olga',
      requester: 'person',
      runbook: 'hold',
      why: 'new disk',
      since: at(0),
      until: at(7200),
    }
    expect([taken.statusCode, taken.json()]).toEqual([201, view])
    const runs = {
      by: 'nova-compute-down',
      requester: 'alert',
      runbook: 'restart-service',
      why: 'nova-compute is down',
    }
    expect((await ask(w, 'GET', '/leases')).json().leases).toEqual([
      {
        ...runs,
        id: 'r1',
        state: 'held',
        targets: ['host/cmp-1'],
        since: at(-20),
        until: at(280),
        workflowId: 'run/restart-service/cmp-1',
      },
      view,
      {
        ...runs,
        id: 'r2',
        state: 'waiting',
        targets: ['host/cmp-2'],
        since: at(-30),
        workflowId: 'run/restart-service/cmp-2',
      },
    ])
    expect((await ask(w, 'PUT', `/leases/${id}`, { forSeconds: 9000 })).json()).toEqual({ ...view, until: at(9000) })
    expect((await ask(w, 'DELETE', `/leases/${id}`)).json().id).toBe(id)
    expectProblem(await ask(w, 'DELETE', `/leases/${id}`), 'LEASE_NOT_FOUND')
    expectProblem(await ask(w, 'PUT', `/leases/${id}`, { forSeconds: 9000 }), 'LEASE_NOT_FOUND')
  })

  it('are refused at once, with who is in the way, to who does not want to wait', async () => {
    const w = await world({ governor: fakeGovernor(busy) })
    const answer = await ask(w, 'POST', '/leases', { ...hold, targets: ['host/cmp-7', 'host/cmp-1'] })
    expect(expectProblem(answer, 'TARGET_BUSY').detail).toMatch(/^host\/cmp-1 is held by nova-compute-down: /)
    expect((await ask(w, 'GET', '/leases')).json().leases).toHaveLength(2)
  })

  it('are asked of the governor as a hold of a person, from now to when waiting ends', async () => {
    const asked: LeaseRequest[] = []
    const granted = async (request: LeaseRequest): Promise<Verdict> => {
      asked.push(request)
      return { requestId: request.id, says: 'granted', at: at(5), rulings: [], reason: 'x' }
    }
    const w = await world({ governor: { hold: granted } })
    await ask(w, 'POST', '/leases', hold)
    await ask(w, 'POST', '/leases', { ...hold, targets: ['host/a', 'host/a', 'server/b'], waitSeconds: 50 })
    expect(asked).toMatchObject([
      { holder: {}, requester: 'person', by: 'olga', runbook: 'hold', requestedAt: at(0), waitUntil: at(0) },
      { targets: ['host/a', 'server/b'], risk: 'move', expectedMs: 7_200_000, waitUntil: at(50) },
    ])
    expect(new Set(asked.map(({ id }) => id)).size).toBe(2)
  })

  it('of runs at work, or of runs that wait, are not taken from them', async () => {
    const touched: string[] = []
    const governor: Changes['governor'] = {
      ...fakeGovernor(busy),
      release: async (id) => void touched.push(id),
      extend: async (id) => void touched.push(id),
    }
    const w = await world({ governor })
    for (const id of ['r1', 'r2']) {
      expect(expectProblem(await ask(w, 'DELETE', `/leases/${id}`), 'LEASE_OF_RUN').detail).toMatch(/nova-compute-down/)
      expectProblem(await ask(w, 'PUT', `/leases/${id}`, { forSeconds: 60 }), 'LEASE_OF_RUN')
    }
    expect(touched).toEqual([])
  })

  it.each([
    { ...hold, targets: [] },
    { ...hold, targets: ['cmp-7'] },
    { ...hold, targets: ['host/*'] },
    { ...hold, targets: ['zone/'] },
    { ...hold, forSeconds: 0 },
    { ...hold, forSeconds: 604_801 },
    { ...hold, why: '' },
    { ...hold, waitSeconds: 51 },
    { ...hold, requester: 'person' },
  ])('are not asked for like this: %j', async (payload) => {
    const w = await world()
    expectProblem(await ask(w, 'POST', '/leases', payload), 'INPUT_INVALID')
    expect((await ask(w, 'GET', '/leases')).json().leases).toEqual([])
  })
})
