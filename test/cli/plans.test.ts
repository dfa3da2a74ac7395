import { describe, expect, it } from 'vitest'
import type { PlanShown, PlanView } from '../../core/cloud-plan.ts'
import { digestOf } from '../../policies/planner/digest.ts'
import { planDocument } from '../../policies/planner/document.ts'
import { nowMs } from '../api/app.ts'
import { drainDocument } from '../api/plans.ts'
import { cloud, host, server } from '../policies/planner/clouds.ts'
import { installation, steward } from './steward.ts'

const off = { power: 'off', pinned: 'its status is SHUTOFF', isFreeWhenCold: true } as const
const drain = ['--goal', 'drain', '--drain', 'a']

async function planning(changes: Parameters<typeof installation>[0] = {}) {
  const all = await installation(changes)
  const run = (...args: string[]) => steward(all.env, '--api', all.url, 'plan', ...args)
  return { ...all, run, json: async (...args: string[]) => JSON.parse((await run('--json', ...args)).out) }
}

describe('steward plan', () => {
  it('create has a plan made, and draws it', async () => {
    const { run, planned } = await planning()
    const asked = ['--outgoing', '2', '--valid-for', '2h', '--why', 'new disks']
    const { out, err } = await run('create', ...drain, ...asked)
    expect(err).toBe('')
    expect(planned[0]?.view).toMatchObject({
      ...{ goal: 'drain', why: 'new disks' },
      options: { drain: ['a'], outgoingPerHost: 2, validForMs: 7_200_000 },
    })
    expect(out).toContain(`id               ${planned[0]?.view.id}`)
    expect(out).toContain('state            proposed')
    expect(out).toContain(`document         ${drainDocument(nowMs).id}`)
    expect(out).toContain('can be approved  until 2026-11-21 01:15:00, by 1 person(s)')
    expect(out).toContain('\n\ndrain: 3 hosts in use before, 2 after')
    expect(out).toMatch(/WAVE +SERVER +FROM +TO +WHY\n1 +1 +a /)
  })

  it('create --cold says which servers go cold, and how long those are down that run', async () => {
    const model = cloud([host('a'), host('b')], [server('1', 'a', 4), server('2', 'a', 2, off)])
    const options = { drain: ['a'], cold: 'all' as const }
    const document = planDocument({ model, takenMs: nowMs }, 'drain', options, nowMs)
    const { run, planned } = await planning({ plans: { document: async () => document } })
    const { out, err } = await run('create', ...drain, '--cold', 'all')
    expect(err).toBe('')
    expect(planned[0]?.view.options).toEqual(options)
    expect(out).toMatch(/downtime +1 server\(s\) that run are moved cold: each is down for about 60 s\n/)
    expect(out).toMatch(/WAVE +SERVER +FROM +TO +HOW +WHY\n1 +1 +a +b +cold /)
    expect(out).toMatch(/ cold, off +.*it is off, and stays off/)
    expect((await run('create', ...drain, '--cold', 'some')).err).toContain('Allowed choices are none, stopped, all')
  })

  it('create waits for one that takes its time, and says why it could not be made', async () => {
    let looks = 0
    const reason = { code: 'PLAN_IMPOSSIBLE', detail: 'server 3 fits on no other host' }
    const show = async (): Promise<PlanView> => {
      const { view } = planned[0]!
      return ++looks < 3 ? view : { ...view, state: 'failed', reason }
    }
    const detail = async () => ({ ...(await show()), moves: [] })
    const { run, planned } = await planning({ plans: { show, detail } })
    expect(await run('create', ...drain)).toMatchObject({ code: 1, err: expect.stringContaining(reason.detail) })
  })

  it('approve says yes to the document that was read, and to no other', async () => {
    const { run, planned, commanded } = await planning()
    await run('create', ...drain)
    const id = planned[0]?.view.id ?? ''
    const { id: planId } = drainDocument(nowMs)
    const said = await run('approve', id, '--document', planId.slice(0, 8), '--why', 'at night')
    expect(said).toMatchObject({ err: '', code: 0 })
    expect(commanded).toEqual([[id, expect.objectContaining({ does: 'approve', planId, why: 'at night' })]])
    for (const other of ['0123456789abcdef', planId.slice(0, 7)])
      expect((await run('approve', id, '--document', other)).err).toContain('APPROVAL_STALE')
    expect(commanded).toHaveLength(1)
    expect((await run('stop', id, '--why', 'a customer called')).err).toBe('')
    expect(commanded[1]).toEqual([id, expect.objectContaining({ does: 'stop', why: 'a customer called' })])
  })

  it('show tells how far one is that is being carried out, and what it does', async () => {
    const startedAt = new Date(nowMs).toISOString()
    const [first, second] = digestOf(drainDocument(nowMs), 'p').waves.map((wave) => ({ ...wave, moved: 0 }))
    const detail = async (): Promise<PlanShown> => ({
      ...planned[0]!.view,
      ...{ state: 'executing', says: 'wave 2: 0 of 1 moved', moves: [], disabled: ['a'] },
      ...{ recurs: { id: 'weekend', at: startedAt }, beginBy: startedAt },
      waves: [
        { ...first!, state: 'done', moved: 1, startedAt },
        { ...second!, state: 'running', startedAt },
      ],
    })
    const { run, planned } = await planning({ plans: { detail } })
    await run('create', ...drain)
    const { out } = await run('show', planned[0]?.view.id ?? '')
    expect(out).toContain('moved            1 of 2 servers, 1 of 2 waves\n')
    expect(out).toContain('at work          wave 2: 0 of 1 moved\n')
    expect(out).toContain('made for         recurring plan weekend, 2026-11-21 01:00:00\n')
    expect(out).toContain('window           waves begin until 2026-11-21 01:00:00\n')
    expect(out).toMatch(/WAVE +STATE +MOVED +BEGAN +ENDED\n1 +done +1 of 1 +2026-11-21 01:00:00 +-\n2 +running +0 of 1/)
  })

  it('undo has the way back planned', async () => {
    const endedAt = new Date(nowMs).toISOString()
    const show = async (id: string): Promise<PlanView> => {
      const { view } = planned.find((one) => one.view.id === id)!
      const digest = digestOf(drainDocument(nowMs), 'p')
      return view.undoes ? { ...view, state: 'proposed', digest } : { ...view, state: 'done', digest, endedAt }
    }
    const document = async () => drainDocument(nowMs)
    const { run, planned } = await planning({ plans: { show, document } })
    await run('create', ...drain)
    const id = planned[0]?.view.id ?? ''
    const { out, err } = await run('undo', id, '--why', 'too slow')
    expect(err).toBe('')
    expect(out).toContain(`takes back       ${id}\n`)
    expect(planned[1]?.view).toMatchObject({ goal: 'undo', undoes: id, why: 'too slow' })
  })

  it('list, show and discard', async () => {
    const { run, json, planned, commanded } = await planning()
    await run('create', ...drain)
    const id = planned[0]?.view.id ?? ''
    expect((await run('list', '--state', 'proposed')).out).toContain(`2026-11-21 01:00:00  proposed  drain  2 in 2 `)
    expect(await json('list')).toEqual([expect.objectContaining({ id })])
    expect((await run('show', id)).out).toContain('\n\ndrain: 3 hosts in use before, 2 after')
    const shown = await json('show', id)
    expect([shown.plan.id, shown.document]).toEqual([id, drainDocument(nowMs)])
    expect((await run('discard', id, '--why', 'not today')).err).toBe('')
    expect(commanded).toEqual([[id, expect.objectContaining({ does: 'discard', why: 'not today' })]])
    await run('create', ...drain)
    expect((await run('list', '--limit', '1')).out).toContain('there are more: --page 1')
    expect(await json('list', '--page', '1')).toEqual([expect.objectContaining({ id: planned[1]?.view.id })])
    const none = await run('show', '0b6f3c7a-9d7e-4c0e-8f51-0d6f2c3b4a59')
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining('PLAN_NOT_FOUND') })
  })
})
