import { randomUUID } from 'node:crypto'
import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import type { CallOutcome } from '../../core/activities.ts'
import type { DelegationView } from '../../core/delegation.ts'
import { failure } from '../../core/errors.ts'
import { type CloudEvent, eventNames, type NotificationView } from '../../core/notification.ts'
import { notificationId } from '../../temporal/notifications.ts'
import { changeAction, runActionNow } from '../../workflows/action-updates.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { cancelRecurring } from '../../workflows/recurring-updates.ts'
import { standingDelegation } from '../../workflows/standing-delegation.ts'
import { resume, stopped } from '../../workflows/stop.ts'
import { actionOf, soonLookedMs, startAction } from './action-bench.ts'
import { until, untilState, useWorker, viewOf } from './engine.ts'
import { alertOf, asks, binaryPolicy, followTo, gaugePolicy, openIncident, order, service } from './incident-bench.ts'
import { person } from './people.ts'
import { useReceivers } from './receiver-bench.ts'
import { recurringOf, startRecurring } from './recurring-bench.ts'
import { gate } from './scripted.ts'

const { real, receiver } = useReceivers()
const bench = useWorker(undefined, real)
const accepted = (): CallOutcome => ({ status: 202, startedAt: new Date().toISOString() })
const by = { by: person('olga') }

/** Its workflow as the engine has it. */
const sent = (event: CloudEvent | undefined) =>
  bench.client.workflow.getHandle<() => Promise<NotificationView>>(notificationId(event?.id ?? ''))

/** A receiver of the events of one project of its own. */
function shop() {
  const projectId = randomUUID()
  const on = eventNames.filter((name) => name.includes('action.'))
  return { projectId, ...receiver({ on, projects: [projectId] }) }
}

/** Markers of its history; the first announcement of a workflow leaves one of its own. */
async function markersOf(handle: WorkflowHandle): Promise<(string | null | undefined)[]> {
  const { events } = await handle.fetchHistory()
  return (events ?? []).flatMap(({ markerRecordedEventAttributes: marker }) => (marker ? [marker.markerName] : []))
}

describe.concurrent('an action', () => {
  it('that fails is told, with what people read of it', async () => {
    const told = shop()
    const refusal = failure('CLOUD_REFUSED', 'compute answered 403: no')
    const cloud = bench.cloud({ deleteTrust: undefined, performCall: refusal })
    const action = actionOf(cloud.trust('a'), { more: { projectId: told.projectId, name: 'stop the shop' } })
    const handle = await startAction(bench, action)
    const view = await handle.result()
    const { trustDeleted: _later, ...read } = view
    await told.untilTold('action.failed')
    expect(await markersOf(handle)).toContain('core_patch')
    const [event] = told.events
    expect(event).toMatchObject({
      ...{ id: `action-failed/action/${view.id}/1`, subject: `action/${view.id}`, source: 'https://steward.example' },
      summary: 'stop the shop: failed: CLOUD_REFUSED: compute answered 403: no',
      link: `https://steward.example/v1/actions/${view.id}`,
      data: read,
    })
    expect(JSON.stringify(told.events)).not.toContain(cloud.trust('a'))
    expect(await sent(event).result()).toMatchObject({
      state: 'delivered',
      deliveries: [{ receiver: told.name, state: 'delivered', status: 200, attempts: 1 }],
    })
  })

  it.each([
    ['skipped', { dueInMs: -5_000, maxLatenessMs: 1_000 }, {}],
    ['delegation-lost', {}, { performCall: failure('DELEGATION_LOST', 'the trust is gone') }],
    ['outcome-unknown', {}, { performCall: failure('OUTCOME_UNKNOWN', 'lost'), reconcileCall: { verdict: 'unknown' } }],
  ] as const)('that ends as %s is told', async (state, options, script) => {
    const told = shop()
    const cloud = bench.cloud({ deleteTrust: undefined, ...script })
    await startAction(bench, actionOf(cloud.trust('a'), { ...options, more: { projectId: told.projectId } }))
    await told.untilTold('action.failed')
    expect(told.events[0]?.data).toMatchObject({ state })
  })

  it('that fails is told although its trust cannot be deleted for long', async () => {
    const told = shop()
    const away = failure('KEYSTONE_UNREACHABLE', 'away')
    const cloud = bench.cloud({ deleteTrust: away, performCall: failure('CLOUD_REFUSED', 'no') })
    const handle = await startAction(bench, actionOf(cloud.trust('a'), { more: { projectId: told.projectId } }))
    await told.untilTold('action.failed')
    expect((await handle.describe()).status.name).toBe('RUNNING')
    await handle.terminate()
  })

  it('that ends well costs nothing more, and nobody is told', async () => {
    const told = shop()
    const cloud = bench.cloud({ deleteTrust: undefined, performCall: accepted })
    const handle = await startAction(bench, actionOf(cloud.trust('a'), { more: { projectId: told.projectId } }))
    expect((await handle.result()).state).toBe('done')
    expect(await markersOf(handle)).not.toContain('core_patch')
    expect(told.events).toEqual([])
  })

  it('with something in its way is told once for each thing', async () => {
    const told = shop()
    const missing = { code: 'TARGET_MISSING', detail: 'there is no server 6f1c' }
    const locked = { code: 'CLOUD_REFUSED', detail: 'the server is locked' }
    const cloud = bench.cloud({
      ...{ deleteTrust: undefined, performCall: accepted, checkAhead: [missing, missing, locked] },
    })
    const options = { dueInMs: soonLookedMs, more: { projectId: told.projectId } }
    const handle = await startAction(bench, actionOf(cloud.trust('a'), options))
    for (const looks of [1, 2, 3]) {
      await untilState(handle, 'warned')
      expect(cloud.inputs('checkAhead')).toHaveLength(looks)
      const runAt = new Date(Date.now() + soonLookedMs).toISOString()
      if (looks < 3) await handle.executeUpdate(changeAction, { args: [{ ...by, runAt }] })
    }
    await told.untilTold('action.warned', 'action.warned')
    expect(new Set(told.events.map(({ id }) => id)).size).toBe(2)
    expect(told.events[0]).toMatchObject({
      summary: expect.stringContaining('has something in its way: TARGET_MISSING: there is no server 6f1c'),
      data: { state: 'warned', warning: missing },
    })
    await handle.executeUpdate(runActionNow, { args: [by] })
    await handle.result()
    expect(told.names()).toEqual(['action.warned', 'action.warned'])
  }, 150_000)
})

describe.concurrent('a recurring action', () => {
  it('that loses its delegation is told once, and when it ends', async () => {
    const told = shop()
    const cloud = bench.cloud({ deleteTrust: undefined, performCall: failure('DELEGATION_LOST', 'the trust is gone') })
    const action = recurringOf(cloud.trust('a'), { view: { projectId: told.projectId, name: 'nightly' } })
    const handle = await startRecurring(bench, action)
    await untilState(handle, 'delegation-lost')
    const own = () => told.names().filter((name) => name.startsWith('recurring-action.'))
    await until(own, ['recurring-action.delegation-lost'])
    await handle.executeUpdate(cancelRecurring, { args: [by] })
    await handle.result()
    await until(own, ['recurring-action.delegation-lost', 'recurring-action.ended'])
    const summaries = told.events.filter(({ type }) => type.includes('recurring')).map(({ summary }) => summary)
    expect(summaries.sort()).toEqual([
      'nightly: cancelled: cancelled by olga; nothing more is begun',
      'nightly: delegation-lost: DELEGATION_LOST: the trust is gone; nothing more is begun',
    ])
    expect(told.names()).toContain('action.failed')
  })

  it('whose delegation ends too soon is told once, although its history begins anew', async () => {
    const told = shop()
    const cloud = bench.cloud({ deleteTrust: undefined })
    const delegated = { since: new Date().toISOString(), until: new Date(Date.now() + 1_000).toISOString() }
    const action = recurringOf(cloud.trust('a'), { view: { projectId: told.projectId, delegated } })
    const handle = await startRecurring(bench, action)
    const { runId } = await handle.describe()
    await told.untilTold('recurring-action.delegation-lost')
    const newest = bench.client.workflow.getHandle(handle.workflowId)
    await until(async () => (await newest.describe()).runId !== runId, true)
    await newest.executeUpdate(cancelRecurring, { args: [by] })
    await told.untilTold('recurring-action.delegation-lost', 'recurring-action.ended')
  })
})

describe.concurrent('an incident', () => {
  it('is told when it opens, escalates and closes, each once, in one thread', async () => {
    const cloud = bench.cloud({
      ...{ lookAtService: service('down'), lookAtProcess: null, restartService: failure('SSH_COMMAND_FAILED', 'no') },
    })
    const policy = binaryPolicy({ name: `dead-${cloud.host}`, attempts: 1 })
    const told = receiver({ on: ['incident.opened', 'incident.escalated', 'incident.closed'], policies: [policy.name] })
    const handle = await openIncident(bench, cloud, policy)
    await followTo(handle, 'escalated')
    await order(handle, 'close', 'olga', { why: 'the host is gone' })
    await handle.result()
    await told.untilTold('incident.opened', 'incident.escalated', 'incident.closed')
    const { runId: id } = await handle.describe()
    expect(new Set(told.events.map(({ subject }) => subject))).toEqual(new Set([`incident/${id}`]))
    const closed = told.events.find(({ type }) => type.endsWith('closed'))
    expect(closed).toMatchObject({
      link: `https://steward.example/v1/incidents/${id}`,
      data: { id, workflowId: handle.workflowId, state: 'closed', host: cloud.host },
      summary: expect.stringMatching(/closed by olga: the host is gone$/),
    })
  })

  it('that goes on because its alert begins anew while it is closed is told as opened again', async () => {
    const governorAnswers = gate<undefined>()
    const planRelief = { moves: [], skipped: [], before: 0.5, after: 0.5 }
    const cloud = bench.cloud({ planRelief, reportOutcome: () => governorAnswers.opened })
    const policy = gaugePolicy({ name: `anew-${cloud.host}` })
    const told = receiver({ on: eventNames, policies: [policy.name], projects: ['none'] })
    const handle = await openIncident(bench, cloud, policy)
    await untilState(handle, 'verifying')
    await handle.signal(observe, alertOf(policy, cloud, { status: 'resolved' }))
    const isClear = async () => 'clearSince' in (await viewOf<object>(handle))
    await until(isClear, true)
    await until(() => cloud.inputs('reportOutcome').length > 0, true)
    await handle.signal(observe, alertOf(policy, cloud, { key: 'it began anew' }))
    await until(isClear, false)
    governorAnswers.open(undefined)
    const turns = () =>
      ['incident.opened', 'incident.closed'].map((name) => told.names().filter((it) => it === name).length)
    await until(turns, [2, 1])
    await order(handle, 'take-over', 'olga', {})
    await untilState(handle, 'taken-over')
    await order(handle, 'close', 'olga', { why: 'enough' })
    await until(turns, [2, 2])
    expect(new Set(told.events.map(({ id }) => id)).size).toBe(told.events.length)
  })

  it('that asks is told with the plan it asks about, and again when the plan is another one', async () => {
    const plan = (serverId: string) => ({
      moves: [{ serverId, serverName: serverId, from: 'a', to: 'b', memoryMiB: 1, reason: 'r' }],
      ...{ skipped: [], before: 0.9, after: 0.7 },
    })
    const cloud = bench.cloud({ planRelief: [plan('x'), plan('y')], consultGovernor: asks })
    const policy = gaugePolicy({ name: `hot-${cloud.host}` })
    const told = receiver({ on: ['incident.asking', 'incident.closed'], policies: [policy.name] })
    const handle = await openIncident(bench, cloud, policy)
    const { proposal } = await followTo(handle, 'asking')
    await told.untilTold('incident.asking')
    expect(told.events[0]?.data).toMatchObject({ state: 'asking', proposal })
    await order(handle, 'answer', 'olga', { planId: proposal?.planId ?? '', says: 'approved' })
    await told.untilTold('incident.asking', 'incident.asking')
    expect(new Set(told.events.map(({ id }) => id)).size).toBe(2)
    await handle.signal(observe, alertOf(policy, cloud, { status: 'resolved' }))
    await handle.result()
    await told.untilTold('incident.asking', 'incident.asking', 'incident.closed')
  })
})

describe.concurrent('the standing delegation', () => {
  const delegation = (trustId: string, livesMs: number): DelegationView => ({
    ...{ state: 'active', trustId, trustorUserId: 'u', trustorName: `ana-${trustId.slice(0, 12)}`, projectId: 'p' },
    ...{ roles: ['admin'], createdAt: new Date().toISOString() },
    expiresAt: new Date(Date.now() + livesMs).toISOString(),
  })

  it.each([
    ['lost', 3_600_000, { checkTrust: failure('DELEGATION_LOST', 'the trust is gone') }],
    ['expired', 500, {}],
  ] as const)('that is %s is told, without its trust', async (state, livesMs, script) => {
    const cloud = bench.cloud({ deleteTrust: undefined, ...script })
    const told = receiver({ on: [`delegation.${state}`] })
    const trustId = cloud.trust('standing-secret')
    await bench.client.workflow.execute(standingDelegation, {
      ...{ workflowId: `delegation-${cloud.host}`, taskQueue: bench.taskQueue },
      args: [delegation(trustId, livesMs), { checkEveryMs: 200 }],
    })
    await told.untilTold(`delegation.${state}`)
    expect(told.events[0]).toMatchObject({
      ...{ subject: 'delegation/remediation', link: 'https://steward.example/v1/delegations/remediation' },
      data: { state, roles: ['admin'] },
    })
    expect(JSON.stringify(told.events)).not.toContain('standing-secret')
  })

  it('that is about to end is told once for each warning', async () => {
    const cloud = bench.cloud({ deleteTrust: undefined, checkTrust: undefined })
    const told = receiver({ on: ['delegation.expiring'] })
    const given = delegation(cloud.trust('standing-secret'), 8_000)
    const handle = await bench.client.workflow.start(standingDelegation, {
      ...{ workflowId: `delegation-${cloud.host}`, taskQueue: bench.taskQueue },
      args: [given, { checkEveryMs: 300, warnBeforeMs: [86_400_000, 4_000] }],
    })
    // those of the other tests end soon as well
    const own = () => told.events.flatMap(({ summary }) => (summary.includes(cloud.host) ? [summary] : []))
    await until(() => own().length, 2)
    const [first, second] = own()
    expect(first).toContain(`it ends within 1 day, at ${given.expiresAt}: an operator runs \`steward delegate\``)
    expect(second).toContain('it ends within 4 seconds')
    expect(JSON.stringify(told.events)).not.toContain('standing-secret')
    await handle.terminate()
  })
})

describe('the stop button', () => {
  it('is told when it is pressed, and when it is released, by whom and why', async () => {
    const told = receiver({ on: ['stop.pressed', 'stop.released'] })
    const pressed = { by: 'olga', userId: 'u', why: 'storage is on fire', at: new Date().toISOString() }
    const handle = await bench.client.workflow.start(stopped, {
      ...{ workflowId: `stop-${randomUUID()}`, taskQueue: bench.taskQueue },
      args: [{ ...pressed, source: 'api' }],
    })
    await told.untilTold('stop.pressed')
    await handle.signal(resume, { by: 'pia', userId: 'u2', why: 'the fire is out' })
    await handle.result()
    await told.untilTold('stop.pressed', 'stop.released')
    expect(told.events.map(({ data }) => data.stopped)).toEqual([true, false])
    const summary = 'pia has released the stop button: the fire is out; it was pressed by olga: storage is on fire'
    expect(told.events.at(-1)?.summary).toBe(summary)
  })
})
