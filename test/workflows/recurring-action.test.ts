import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from '@temporalio/worker'
import { describe, expect, inject, it } from 'vitest'
import type { ActionView } from '../../core/action.ts'
import type { CallOutcome } from '../../core/activities.ts'
import { trustsIn } from '../../core/delegation.ts'
import { codeOf, failure } from '../../core/errors.ts'
import type { RecurringActionView } from '../../core/recurrence.ts'
import { attributes } from '../../core/search-attributes.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { cancelAction } from '../../workflows/action-updates.ts'
import {
  cancelRecurring,
  changeRecurring,
  pauseRecurring,
  resumeRecurring,
  runRecurringNow,
  snoozeRecurring,
} from '../../workflows/recurring-updates.ts'
import { scheduledAction } from '../../workflows/scheduled-action.ts'
import { actionOf } from './action-bench.ts'
import { listedState, until, untilState, useWorker, viewOf } from './engine.ts'
import { person } from './people.ts'
import {
  ofSeconds,
  order,
  type RecurringHandle,
  type RecurringOptions,
  recurringOf,
  startRecurring,
  untilPast,
} from './recurring-bench.ts'
import { gate, type Script } from './scripted.ts'

const bench = useWorker()
const accepted = (): CallOutcome => ({ status: 202, startedAt: new Date().toISOString() })
const inSeconds = (s: number) => new Date(Math.ceil(Date.now() / 1000 + s) * 1000).toISOString()
const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()

async function recur(script: Script, options: RecurringOptions = {}) {
  const cloud = bench.cloud({ performCall: accepted, deleteTrust: undefined, ...script })
  const handle = await startRecurring(bench, recurringOf(cloud.trust('a'), options))
  return { cloud, handle }
}

const refusal = (asked: Promise<unknown>) => asked.then(() => undefined, codeOf)
const seen = (handle: RecurringHandle) => viewOf<RecurringActionView>(handle)
const later = { recurrence: { interval: 'PT1H', overlap: 'skip' } }

describe.concurrent('a recurring call', () => {
  it('is made at each of its times, and the trust is deleted when there are no more', async () => {
    const { cloud, handle } = await recur({}, { recurrence: { count: 3 } })
    const view = await handle.result()
    expect(cloud.names()).toEqual(['performCall', 'performCall', 'performCall', 'deleteTrust'])
    expect(cloud.inputs('performCall').flatMap(trustsIn)).toEqual(Array(3).fill(cloud.trust('a')))
    expect(view).toMatchObject({ state: 'ended', counted: 3, running: [], trustDeleted: true })
    expect(view.past.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done'])
    const times = view.past.map(({ at }) => Date.parse(at)).sort((a, b) => a - b)
    expect(times).toEqual([times[0], (times[0] ?? 0) + 1000, (times[0] ?? 0) + 2000])
    expect(view).not.toHaveProperty('next')
  })

  it('has an action of its own for each time, which is found by that time', async () => {
    const { handle } = await recur({}, { recurrence: { count: 1 }, view: { name: 'stop at night' } })
    const { id, past } = await handle.result()
    const at = past[0]?.at ?? ''
    const action = bench.client.workflow.getHandle(`action/${id}/${at}`)
    expect(await viewOf<ActionView>(action)).toMatchObject({
      ...{ id, occurrence: at, name: 'stop at night', state: 'done', runAt: at, projectId: 'project-1' },
    })
    const { typedSearchAttributes } = await action.describe()
    expect(typedSearchAttributes.get(attributes.kind)).toBe('action')
    expect(typedSearchAttributes.get(attributes.projectId)).toBe('project-1')
  })

  it('is not made a second time for a time at which it was made, whoever asked for that', async () => {
    const start = inSeconds(6)
    const cloud = bench.cloud({ performCall: accepted, deleteTrust: undefined })
    const action = recurringOf(cloud.trust('a'), { recurrence: { start, count: 2 } })
    const at = new Date(start).toISOString()
    const made = actionOf(cloud.trust('a'), { more: { id: action.view.id } })
    const { client, taskQueue } = bench
    await client.workflow.execute(scheduledAction, {
      ...{ workflowId: `action/${action.view.id}/${at}`, taskQueue },
      args: [{ ...made, keepTrust: true }],
    })
    const { past } = await (await startRecurring(bench, action)).result()
    expect(past).toMatchObject([{ at, outcome: 'skipped', detail: 'it was begun before' }, { outcome: 'done' }])
    expect(cloud.names()).toEqual(['performCall', 'performCall', 'deleteTrust'])
  })

  it('shows what is next and keeps being listed, however many times it was made', async () => {
    const { handle } = await recur({}, {})
    await untilPast(handle, 2)
    const { next, past } = await seen(handle)
    expect(Date.parse(next?.at ?? '')).toBeGreaterThan(Date.parse(past.at(-1)?.at ?? ''))
    const { typedSearchAttributes } = await handle.describe()
    expect(typedSearchAttributes.get(attributes.kind)).toBe('recurring-action')
    expect(await listedState(handle)).toBe('active')
    await order(handle, cancelRecurring, { by: person('alice') })
    expect(await handle.result()).toMatchObject({ state: 'cancelled', trustDeleted: true })
    expect(await listedState(handle)).toBe('cancelled')
  })

  it('shows its latest state also while its next run waits for a worker', async () => {
    const { handle } = await recur({}, later)
    // unlike a name, it may change what is waited for, so that a new run begins
    const change = { name: 'other', maxLatenessSeconds: 600 }
    await order(handle, changeRecurring, { by: person('alice'), ...change })
    await until(async () => (await seen(handle)).name, 'other')
    const [begun] = (await handle.fetchHistory()).events ?? []
    const { memo } = begun?.workflowExecutionStartedEventAttributes ?? {}
    const [codec] = createDataConverter(bench.keys).payloadCodecs ?? []
    const [view] = (await codec?.decode([memo?.fields?.view ?? {}])) ?? []
    expect(JSON.parse(Buffer.from(view?.data ?? []).toString())).toMatchObject({ name: 'other', next: {} })
    await order(handle, cancelRecurring, { by: person('alice') })
  })

  it('keeps no trust id in what people read', async () => {
    const { cloud, handle } = await recur({}, { recurrence: { count: 1 } })
    expect(JSON.stringify(await handle.result())).not.toContain(cloud.trust('a'))
  })

  it('goes on after a call that OpenStack refused', async () => {
    const locked = failure('CLOUD_REFUSED', 'Instance is locked')
    const { handle } = await recur({ performCall: [locked, accepted] }, { recurrence: { count: 2 } })
    const { past } = await handle.result()
    expect(past).toMatchObject([
      { outcome: 'failed', detail: 'CLOUD_REFUSED: Instance is locked' },
      { outcome: 'done' },
    ])
  })

  it('says so when its trust could not be deleted', async () => {
    const { handle } = await recur({ deleteTrust: failure('INTERNAL', 'no way') }, { recurrence: { count: 1 } })
    expect(await handle.result()).toMatchObject({ state: 'ended', trustDeleted: false })
  })
})

describe.concurrent('an occurrence that is due while the last one still runs', () => {
  /** Calls whose first one takes until the gate opens. */
  const slowFirst = (answer: { opened: Promise<CallOutcome> }) => [() => answer.opened, accepted]

  it('is left out, with the reason', async () => {
    const answer = gate<CallOutcome>()
    const { cloud, handle } = await recur(
      { performCall: slowFirst(answer) },
      { recurrence: { count: 3, overlap: 'skip' } },
    )
    await untilPast(handle, 2)
    answer.open(accepted())
    const { past } = await handle.result()
    expect(past.map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped', 'done'])
    expect(past[0]?.detail).toBe(`${past[2]?.at} still runs`)
    expect(cloud.names()).toEqual(['performCall', 'deleteTrust'])
  })

  it('waits, when one may wait; a third one does not', async () => {
    const answer = gate<CallOutcome>()
    const recurrence = { count: 3, overlap: 'queue' }
    const { cloud, handle } = await recur({ performCall: slowFirst(answer) }, { recurrence })
    await untilPast(handle, 1)
    expect(cloud.names()).toEqual(['performCall'])
    answer.open(accepted())
    const { past } = await handle.result()
    expect(past.map(({ outcome }) => outcome)).toEqual(['skipped', 'done', 'done'])
    expect(past[0]?.detail).toBe(`${past[2]?.at} waits already`)
    expect(cloud.names()).toEqual(['performCall', 'performCall', 'deleteTrust'])
  })

  it('is made beside it, when that is allowed', async () => {
    const answer = gate<CallOutcome>()
    const recurrence = { count: 3 }
    const { cloud, handle } = await recur({ performCall: slowFirst(answer) }, { recurrence })
    await untilPast(handle, 2)
    expect((await seen(handle)).running).toHaveLength(1)
    answer.open(accepted())
    expect((await handle.result()).past.map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done'])
    expect(cloud.names().at(-1)).toBe('deleteTrust')
  })

  it('takes its place, when that is wanted', async () => {
    const away = failure('KEYSTONE_UNREACHABLE', 'no answer')
    const recurrence = { interval: 'PT3S', count: 2, overlap: 'cancel-other' }
    const { handle } = await recur({ performCall: [away, away, away, accepted] }, { recurrence })
    const { past } = await handle.result()
    expect(past.map(({ outcome }) => outcome)).toEqual(['cancelled', 'done'])
  })

  it('is not held up for ever by one that was ended from outside', async () => {
    const answer = gate<CallOutcome>()
    const { cloud, handle } = await recur(
      { performCall: slowFirst(answer) },
      { recurrence: { interval: 'PT6S', count: 2, overlap: 'skip' } },
    )
    await until(() => cloud.names(), ['performCall'])
    const { id, running } = await seen(handle)
    await bench.client.workflow.getHandle(`action/${id}/${running[0]}`).terminate('by a person')
    answer.open(accepted())
    const { past } = await handle.result()
    expect(past).toMatchObject([
      { at: running[0], outcome: 'outcome-unknown', detail: 'its workflow was ended from outside' },
      { outcome: 'done' },
    ])
  })
})

describe.concurrent('after an outage', () => {
  const hoursAgo = (hours: number) => Date.now() - hours * 3_600_000

  it('what is not too old is made up for at once, what is older is told', async () => {
    // half an hour ago, an hour and a half, and so on, whatever the time is
    const recurrence = { interval: 'PT1H', start: new Date(hoursAgo(5.5)).toISOString(), catchUpSeconds: 3600 }
    const { cloud, handle } = await recur(
      {},
      { recurrence, more: { afterMs: hoursAgo(3) }, view: { maxLatenessSeconds: 7200 } },
    )
    await untilPast(handle, 3)
    const { past } = await seen(handle)
    expect(past.map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped', 'done-late'])
    expect(past[0]?.detail).toMatch(/^Steward came to it \d+ s late; up to 3600 s are made up for$/)
    expect(cloud.names()).toEqual(['performCall'])
  })

  it('of many weeks, nothing is made up for, every time counts, and the latest are told', async () => {
    const recurrence = { interval: 'PT1M', count: 3000 }
    const { cloud, handle } = await recur({}, { recurrence, more: { afterMs: hoursAgo(24 * 21) } })
    const { past, counted } = await handle.result()
    expect(counted).toBe(3000)
    expect(past.map(({ outcome }) => outcome)).toEqual(Array(20).fill('skipped'))
    expect(cloud.names()).toEqual(['deleteTrust'])
  })
})

describe.concurrent('a person', () => {
  it('pauses it and lets it go on: what fell into the pause is neither made nor counted', async () => {
    const { handle } = await recur({})
    await untilPast(handle, 1)
    const paused = await order(handle, pauseRecurring, { by: person('alice') })
    expect(paused).toMatchObject({ state: 'paused', reason: 'paused by alice' })
    expect(paused).not.toHaveProperty('next')
    await until(async () => (await seen(handle)).running, [])
    const { counted, past } = await seen(handle)
    await sleep(2500)
    expect(await seen(handle)).toMatchObject({ state: 'paused', counted, past })
    expect(await order(handle, resumeRecurring, { by: person('alice') })).toMatchObject({
      state: 'active',
      next: {},
    })
    await untilPast(handle, past.length + 1)
    const first = (await seen(handle)).past[past.length]
    expect(Date.parse(first?.at ?? '') - Date.parse(past.at(-1)?.at ?? '')).toBeGreaterThanOrEqual(2000)
    await order(handle, cancelRecurring, { by: person('alice') })
  })

  it('snoozes it: it sleeps until then, and goes on by itself', async () => {
    const { handle } = await recur({}, { recurrence: { start: inSeconds(6), count: 1 } })
    const until = inSeconds(8)
    const snoozed = await order(handle, snoozeRecurring, { by: person('alice'), until: until })
    expect(snoozed).toMatchObject({ state: 'snoozed', snoozedUntil: until, next: { at: until } })
    const { past, state } = await handle.result()
    expect(past).toMatchObject([{ at: until, outcome: 'done' }])
    expect(state).toBe('ended')
  })

  it('snoozes it for long and wakes it early', async () => {
    const { handle } = await recur({}, { recurrence: { start: inSeconds(6), count: 1 } })
    await order(handle, snoozeRecurring, { by: person('alice'), until: inAnHour() })
    expect(await order(handle, resumeRecurring, { by: person('alice') })).not.toHaveProperty('snoozedUntil')
    expect(await handle.result()).toMatchObject({ state: 'ended', past: [{ outcome: 'done' }] })
  })

  it('cannot snooze it until yesterday, or beyond its end', async () => {
    const { handle } = await recur({}, { recurrence: { interval: 'PT10M', end: inAnHour() } })
    const snooze = (until: string) => refusal(order(handle, snoozeRecurring, { by: person('alice'), until: until }))
    expect(await snooze('2026-01-01T00:00:00Z')).toBe('TIME_PAST')
    expect(await snooze('whenever')).toBe('TIME_PAST')
    expect(await snooze('2090-01-01T00:00:00Z')).toBe('INPUT_INVALID')
    expect(await seen(handle)).toMatchObject({ state: 'active' })
  })

  it('changes when and what it does', async () => {
    const { cloud, handle } = await recur({}, later)
    const call = { service: 'compute', method: 'POST', path: '/servers/7a/action', body: { 'os-start': null } } as const
    const change = { recurrence: ofSeconds({ count: 1 }), work: { call }, name: 'start it' }
    expect(await order(handle, changeRecurring, { by: person('alice'), ...change })).toMatchObject({
      name: 'start it',
      call,
    })
    expect(await handle.result()).toMatchObject({ state: 'ended', past: [{ outcome: 'done' }] })
    expect(cloud.inputs('performCall')).toEqual([{ call, trustId: cloud.trust('a') }])
  })

  it('changes its name without losing the occurrence that is about to start', async () => {
    const { handle } = await recur({}, later)
    await until(async () => (await seen(handle)).next !== undefined, true)
    const { next } = await seen(handle)
    const changed = await order(handle, changeRecurring, { by: person('alice'), name: 'other' })
    expect(changed).toMatchObject({ name: 'other', next })
  })

  it('cannot change it to what never happens, or happens too often', async () => {
    const { handle } = await recur({}, { ...later, more: { minGapMs: 60_000 } })
    const change = (written: object) =>
      refusal(order(handle, changeRecurring, { by: person('alice'), recurrence: ofSeconds(written) }))
    expect(await change({ interval: undefined, cron: '0 0 31 2 *' })).toBe('INPUT_INVALID')
    expect(await change({ interval: 'PT59S' })).toBe('INPUT_INVALID')
  })

  it('has it made once more, now', async () => {
    const { cloud, handle } = await recur({}, later)
    await order(handle, runRecurringNow, { by: person('alice') })
    await untilPast(handle, 1)
    expect(await seen(handle)).toMatchObject({ counted: 0, past: [{ outcome: 'done' }], state: 'active' })
    expect(cloud.names()).toEqual(['performCall'])
  })

  it('cannot have it made now while it is being made, unless that is allowed', async () => {
    const answer = gate<CallOutcome>()
    const { handle } = await recur({ performCall: () => answer.opened }, later)
    await order(handle, runRecurringNow, { by: person('alice') })
    expect(await refusal(order(handle, runRecurringNow, { by: person('alice') }))).toBe('RUN_IN_PROGRESS')
    answer.open(accepted())
    await untilPast(handle, 1)
  })

  it('cancels it: nothing is made any more, and the trust is deleted', async () => {
    const { cloud, handle } = await recur({}, later)
    expect(await order(handle, cancelRecurring, { by: person('alice') })).toMatchObject({
      state: 'cancelled',
      trustDeleted: true,
    })
    expect(await handle.result()).toMatchObject({ state: 'cancelled', reason: 'cancelled by alice' })
    expect(cloud.names()).toEqual(['deleteTrust'])
  })

  it('cancels it while a call is being made, which keeps its trust until it has ended', async () => {
    const answer = gate<CallOutcome>()
    const { cloud, handle } = await recur({ performCall: () => answer.opened }, later)
    await order(handle, runRecurringNow, { by: person('alice') })
    await until(() => cloud.names(), ['performCall'])
    expect(await order(handle, cancelRecurring, { by: person('alice') })).toMatchObject({
      state: 'cancelled',
    })
    expect(cloud.names()).toEqual(['performCall'])
    answer.open(accepted())
    expect(await handle.result()).toMatchObject({ past: [{ outcome: 'done' }], trustDeleted: true })
    expect(cloud.names()).toEqual(['performCall', 'deleteTrust'])
    expect(await refusal(order(handle, pauseRecurring, { by: person('alice') }))).not.toBe('INTERNAL')
  })

  it('cancels it in Temporal: the same', async () => {
    const { cloud, handle } = await recur({}, later)
    await untilState(handle, 'active')
    await handle.cancel()
    expect(await handle.result()).toMatchObject({ state: 'cancelled', reason: 'cancelled in Temporal' })
    expect(cloud.names()).toEqual(['deleteTrust'])
  })

  it('cannot cancel a single call that is being made, and the trust of the others stays', async () => {
    const answer = gate<CallOutcome>()
    const { cloud, handle } = await recur({ performCall: () => answer.opened }, later)
    const { running } = await order(handle, runRecurringNow, { by: person('alice') })
    await until(() => cloud.names(), ['performCall'])
    const { id } = await seen(handle)
    const action = bench.client.workflow.getHandle(`action/${id}/${running[0]}`)
    expect(await refusal(action.executeUpdate(cancelAction, { args: [{ by: person('alice') }] }))).toBe('ACTION_CLOSED')
    answer.open(accepted())
    await action.result()
    expect(cloud.names()).toEqual(['performCall'])
  })
})

describe.concurrent('the delegation', () => {
  const lost = failure('DELEGATION_LOST', 'the trust was deleted')

  it('when lost stops everything, with the reason, until its owner delegates anew', async () => {
    const { cloud, handle } = await recur(
      { performCall: [lost, accepted] },
      { recurrence: { interval: 'PT4S', overlap: 'queue', count: 2 } },
    )
    await untilState(handle, 'delegation-lost')
    expect(await seen(handle)).toMatchObject({ reason: 'DELEGATION_LOST: the trust was deleted' })
    expect(await refusal(order(handle, resumeRecurring, { by: person('alice') }))).toBe('DELEGATION_LOST')
    expect(await refusal(order(handle, runRecurringNow, { by: person('alice') }))).toBe('DELEGATION_LOST')
    await sleep(4500)
    expect(cloud.names()).toEqual(['performCall'])
    const delegated = { trustId: cloud.trust('b'), until: '2099-01-01T00:00:00.000Z', roles: ['admin'] }
    const recovered = await order(handle, changeRecurring, { by: person('alice'), delegated })
    // on a busy machine the last occurrence has been made by the time the answer comes
    expect(['active', 'ended']).toContain(recovered.state)
    expect(recovered.roles).toEqual(['admin'])
    expect((await handle.result()).past.map(({ outcome }) => outcome)).toEqual(['delegation-lost', 'done'])
    expect(cloud.inputs('performCall').flatMap(trustsIn)).toEqual([cloud.trust('a'), cloud.trust('b')])
    const deleted = new Set(cloud.inputs('deleteTrust').map(({ trustId }) => trustId))
    expect(deleted).toEqual(new Set([cloud.trust('a'), cloud.trust('b')]))
  })

  it('that ends too soon for the next call is lost before it is needed', async () => {
    const delegated = { since: new Date().toISOString(), until: inAnHour() }
    const { cloud, handle } = await recur({}, { recurrence: { interval: 'P1D' }, view: { delegated } })
    await untilState(handle, 'delegation-lost')
    expect((await seen(handle)).reason).toContain(`the delegation ends ${delegated.until}`)
    expect(cloud.names()).toEqual([])
  })

  it('that was replaced meanwhile may be lost: the new one is what counts', async () => {
    const answer = gate<CallOutcome>()
    const answers: Script['performCall'] = async () => {
      await answer.opened
      throw lost
    }
    const { cloud, handle } = await recur({ performCall: answers }, later)
    await order(handle, runRecurringNow, { by: person('alice') })
    await until(() => cloud.names(), ['performCall'])
    const delegated = { trustId: cloud.trust('b'), until: '2099-01-01T00:00:00.000Z', roles: ['member'] }
    await order(handle, changeRecurring, { by: person('alice'), delegated })
    answer.open(accepted())
    await untilPast(handle, 1)
    expect(await seen(handle)).toMatchObject({ state: 'active', past: [{ outcome: 'delegation-lost' }] })
    await order(handle, cancelRecurring, { by: person('alice') })
  })

  it('is renewed while a call uses the old one, which is deleted afterwards', async () => {
    const answer = gate<CallOutcome>()
    const { cloud, handle } = await recur({ performCall: () => answer.opened }, later)
    await order(handle, runRecurringNow, { by: person('alice') })
    await until(() => cloud.names(), ['performCall'])
    const delegated = { trustId: cloud.trust('b'), until: '2099-01-01T00:00:00.000Z', roles: ['member'] }
    await order(handle, changeRecurring, { by: person('alice'), delegated })
    expect(cloud.names()).toEqual(['performCall'])
    answer.open(accepted())
    await until(() => cloud.inputs('deleteTrust'), [{ trustId: cloud.trust('a') }])
    expect(await seen(handle)).toMatchObject({ state: 'active' })
    await order(handle, cancelRecurring, { by: person('alice') })
    expect(cloud.inputs('deleteTrust').at(-1)).toEqual({ trustId: cloud.trust('b') })
  })
})

it('comes to the same steps when another worker takes over, whatever had happened', async () => {
  const { handle } = await recur({}, { recurrence: { count: 2 } })
  await order(handle, runRecurringNow, { by: person('alice') })
  await order(handle, pauseRecurring, { by: person('alice') })
  await order(handle, resumeRecurring, { by: person('alice') })
  await handle.result()
  const runs = []
  for await (const { workflowId, runId } of bench.client.workflow.list({
    query: `WorkflowId = '${handle.workflowId}'`,
  })) {
    const history = await bench.client.workflow.getHandle(workflowId, runId).fetchHistory()
    runs.push({ workflowId, history })
  }
  expect(runs.length).toBeGreaterThan(3)
  const options = {
    workflowBundle: { codePath: inject('engine').bundle },
    dataConverter: createDataConverter(bench.keys),
  }
  for await (const { error } of Worker.runReplayHistories(options, runs)) expect(error).toBeUndefined()
})
