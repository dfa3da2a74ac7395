import { describe, expect, it } from 'vitest'
import type { CallOutcome } from '../../core/activities.ts'
import { codeOf, failure } from '../../core/errors.ts'
import type { Person } from '../../core/person.ts'
import { cancelAction, changeAction, pauseAction, resumeAction, runActionNow } from '../../workflows/action-updates.ts'
import { type ActionOptions, actionOf, soonLookedMs, startAction, stopServer } from './action-bench.ts'
import { untilState, useWorker, viewOf } from './engine.ts'
import { person } from './people.ts'
import { gate, type Script } from './scripted.ts'

const bench = useWorker()
const accepted = (): CallOutcome => ({ status: 202, startedAt: new Date().toISOString() })
const by: { by: Person } = { by: person('ana') }
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()

async function schedule(script: Script, options: ActionOptions = {}) {
  const cloud = bench.cloud({ deleteTrust: undefined, performCall: accepted, ...script })
  const handle = await startAction(bench, actionOf(cloud.trust('a'), options))
  return { cloud, handle }
}

const hour = { dueInMs: 3_590_000, maxLatenessMs: 600_000 }

describe.concurrent('an action that waits', () => {
  it('is done at once when its owner says so', async () => {
    const { cloud, handle } = await schedule({}, hour)
    await handle.executeUpdate(runActionNow, { args: [by] })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'done', trustDeleted: true })
    expect(view.latenessMs).toBeLessThan(30_000)
    expect(cloud.inputs('performCall')).toHaveLength(1)
  })

  it('is not done at its time while it is paused, but when it is let go on', async () => {
    const { cloud, handle } = await schedule({}, { dueInMs: 1_000 })
    expect(await handle.executeUpdate(pauseAction, { args: [by] })).toMatchObject({ state: 'paused', pausedBy: 'ana' })
    const other = await schedule({}, { dueInMs: 1_200 })
    await other.handle.result()
    expect(cloud.names()).toEqual([])
    await handle.executeUpdate(resumeAction, { args: [by] })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'done', trustDeleted: true })
    expect(view).not.toHaveProperty('pausedBy')
  })

  it('is skipped when it is paused until it is too late for it', async () => {
    const { cloud, handle } = await schedule({}, { dueInMs: 500, maxLatenessMs: 1_500 })
    await handle.executeUpdate(pauseAction, { args: [by] })
    expect(await handle.result()).toMatchObject({
      ...{ state: 'skipped', trustDeleted: true },
      reason: { code: 'TOO_LATE', detail: expect.stringContaining('paused by ana') },
    })
    expect(cloud.inputs('performCall')).toEqual([])
  })

  it('is skipped when Steward comes to it after the moment its owner gave', async () => {
    const { handle } = await schedule({}, { dueInMs: -5_000, more: { notAfter: inMs(-1_000) } })
    expect(await handle.result()).toMatchObject({ state: 'skipped', reason: { code: 'TOO_LATE' } })
  })

  it('is done-late, over a minute after its time', async () => {
    const { handle } = await schedule({}, { dueInMs: -90_000, maxLatenessMs: 600_000 })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'done-late', result: { status: 202 } })
    expect(view.latenessMs).toBeGreaterThan(60_000)
  })

  it('does other work at another time with another trust, and both trusts are deleted', async () => {
    const { cloud, handle } = await schedule({}, hour)
    const start = { ...stopServer, body: { 'os-start': null } }
    const change = {
      ...{ ...by, name: 'start it', work: { call: start }, runAt: inMs(300), notAfter: inMs(60_000) },
      delegated: { trustId: cloud.trust('b'), roles: ['manager'] },
    }
    expect(await handle.executeUpdate(changeAction, { args: [change] })).toMatchObject({
      ...{ state: 'scheduled', name: 'start it', call: start, roles: ['manager'], runAt: change.runAt },
    })
    expect(await handle.result()).toMatchObject({ state: 'done', trustDeleted: true })
    expect(cloud.inputs('performCall')).toEqual([{ call: start, trustId: cloud.trust('b') }])
    const deleted = cloud.inputs('deleteTrust').map(({ trustId }) => trustId)
    expect(new Set(deleted)).toEqual(new Set([cloud.trust('a'), cloud.trust('b')]))
  })

  it('becomes an action of the catalogue when that is what it is changed to', async () => {
    const { cloud, handle } = await schedule({}, hour)
    const work = { action: 'server.stop', with: { serverId: '5c7d0f3e-8a1b-4c2d-9e3f-000000000001' } }
    const view = await handle.executeUpdate(changeAction, { args: [{ ...by, work, runAt: inMs(100) }] })
    expect(view).not.toHaveProperty('call')
    expect(view).toMatchObject(work)
    expect(await handle.result()).toMatchObject({ state: 'done' })
    expect(cloud.inputs('performCall')).toMatchObject([{ action: 'server.stop', input: work.with }])
  })

  it('stays paused when it is changed', async () => {
    const { handle } = await schedule({}, hour)
    await handle.executeUpdate(pauseAction, { args: [by] })
    const change = { ...by, name: 'later', runAt: inMs(7_200_000), notAfter: inMs(7_300_000) }
    expect(await handle.executeUpdate(changeAction, { args: [change] })).toMatchObject({
      ...{ state: 'paused', name: 'later', runAt: change.runAt },
    })
    expect(await handle.executeUpdate(cancelAction, { args: [by] })).toMatchObject({ state: 'cancelled' })
    expect(await handle.result()).toMatchObject({ trustDeleted: true })
  })

  it('takes no command any more when it has ended or is being done', async () => {
    const answer = gate<CallOutcome>()
    const { handle } = await schedule({ performCall: () => answer.opened }, { dueInMs: 1 })
    await untilState(handle, 'running')
    for (const update of [pauseAction, resumeAction, runActionNow, changeAction]) {
      const refused = await handle.executeUpdate(update, { args: [by] }).catch((error: unknown) => error)
      expect(codeOf(refused)).toBe('ACTION_CLOSED')
    }
    answer.open(accepted())
    expect(await handle.result()).toMatchObject({ state: 'done' })
  })
})

describe.concurrent('before its time', () => {
  const lost = { code: 'DELEGATION_LOST', detail: 'trust 1 cannot be used any more' }
  const soonLooked = { dueInMs: soonLookedMs, maxLatenessMs: 600_000 }

  it('an action warns of what is in its way, an hour ahead', async () => {
    const { cloud, handle } = await schedule({ checkAhead: lost }, soonLooked)
    await expect.poll(async () => viewOf(handle), { timeout: 45_000 }).toMatchObject({ state: 'warned', warning: lost })
    expect(cloud.inputs('checkAhead')).toEqual([{ work: { call: stopServer }, trustId: cloud.trust('a') }])
    // it may still be that somebody helps
    await handle.executeUpdate(runActionNow, { args: [by] })
    const view = await handle.result()
    expect(view.state).toBe('done')
    expect(view).not.toHaveProperty('warning')
  })

  it('a look that takes its time keeps nobody waiting', async () => {
    const look = gate<null>()
    const { cloud, handle } = await schedule({ checkAhead: () => look.opened }, soonLooked)
    await expect.poll(() => cloud.inputs('checkAhead').length, { timeout: 45_000 }).toBe(1)
    await handle.executeUpdate(runActionNow, { args: [by] })
    expect(await handle.result()).toMatchObject({ state: 'done', trustDeleted: true })
    look.open(null)
  })

  it.each([
    ['finds nothing in its way', null],
    ['could not be made', failure('DELEGATION_REFUSED', 'anything')],
  ])('a look that %s changes nothing', async (_how, found) => {
    const { cloud, handle } = await schedule({ checkAhead: found }, soonLooked)
    await expect.poll(() => cloud.inputs('checkAhead').length, { timeout: 45_000 }).toBe(1)
    expect(await viewOf(handle)).toMatchObject({ state: 'scheduled' })
    await handle.executeUpdate(cancelAction, { args: [by] })
  })
})
