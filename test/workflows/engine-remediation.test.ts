import { describe, expect, it } from 'vitest'
import { type DelegationView, delegationSweepId, remediationDelegationId } from '../../core/delegation.ts'
import { codeOf, failure } from '../../core/errors.ts'
import type { IncidentView } from '../../core/incident.ts'
import { attributes } from '../../core/search-attributes.ts'
import { taskQueues } from '../../core/task-queues.ts'
import { delegationIdOf } from '../../temporal/delegation-id.ts'
import { createDelegationSweep } from '../../temporal/delegation-sweep.ts'
import { createDelegations } from '../../temporal/delegations.ts'
import { recentFirings } from '../../temporal/incident-desk.ts'
import { createIncidentList } from '../../temporal/incident-list.ts'
import { createIncidents, incidentId } from '../../temporal/incidents.ts'
import { until, untilState, useWorker, viewOf } from './engine.ts'
import { alertOf, configOf, gaugePolicy, tailablePolicy } from './incident-bench.ts'
import { person } from './people.ts'
import type { Cloud, Script } from './scripted.ts'

// the one file with a worker on the queue that the facades name
const bench = useWorker(taskQueues.remediation, undefined, [taskQueues.runs])
const policy = gaugePolicy()
const plan: Script = { planRelief: { moves: [], skipped: [], before: 0.5, after: 0.5 } }

function intake(cloud: Cloud) {
  const incidents = createIncidents(bench.client, configOf(policy, tailablePolicy()))
  const handle = bench.client.workflow.getHandle(incidentId(policy.name, { host: cloud.host }))
  return { incidents, handle, cloud, view: () => viewOf<IncidentView>(handle) }
}

async function runsOf(workflowId: string): Promise<number> {
  let count = 0
  for await (const _ of bench.client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) count++
  return count
}

describe('an alert', () => {
  it('that is delivered twice joins the incident it has opened, and its end closes it', async () => {
    const { cloud, incidents, handle, view } = intake(bench.cloud(plan))
    const alert = alertOf(policy, cloud)
    expect(await incidents.report(alert)).toBe('opened')
    expect(await incidents.report(alert)).toBe('joined')
    expect(await incidents.report({ ...alert, status: 'resolved' })).toBe('joined')
    await handle.result()
    expect(await view()).toMatchObject({ state: 'closed', signals: 3 })
    expect(cloud.inputs('planRelief').length).toBeLessThanOrEqual(1)
  })

  it('that is delivered fifty times at once opens one incident with one run, and every delivery is counted', async () => {
    const { cloud, incidents, handle, view } = intake(bench.cloud(plan))
    const alert = alertOf(policy, cloud)
    // half of them through another process with a memory of its own
    const others = createIncidents(bench.client, configOf(policy))
    const receipts = await Promise.all(
      Array.from({ length: 50 }, (_, n) => (n % 2 ? incidents : others).report({ ...alert, observedAt: `${n}` })),
    )
    expect(receipts.every((receipt) => receipt === 'opened' || receipt === 'joined')).toBe(true)
    // an end that came before the run had begun would close it without one
    await until(async () => ((await view()) as IncidentView | undefined)?.runs.length, 1)
    await incidents.report({ ...alert, status: 'resolved' })
    await handle.result()
    expect(await view()).toMatchObject({ state: 'closed', signals: 51, runs: [{ outcome: 'succeeded' }] })
    expect(cloud.inputs('planRelief')).toHaveLength(1)
    await until(() => runsOf(handle.workflowId), 1)
  })

  it('that comes again after its incident has ended is a duplicate, also for another process', async () => {
    const { cloud, incidents, handle } = intake(bench.cloud(plan))
    const alert = alertOf(policy, cloud)
    await incidents.report(alert)
    await incidents.report({ ...alert, status: 'resolved' })
    await handle.result()
    expect(await incidents.report(alert)).toBe('duplicate')
    expect(await createIncidents(bench.client, configOf(policy)).report(alert)).toBe('duplicate')
    // a new start of the same condition is no duplicate
    expect(await incidents.report({ ...alert, key: 'it began anew' })).toBe('opened')
    await incidents.report({ ...alert, key: 'it began anew', status: 'resolved' })
  })

  it('that was seen as a later start in a closed incident is a duplicate too', async () => {
    const { cloud, incidents, handle } = intake(bench.cloud(plan))
    const alert = alertOf(policy, cloud)
    await incidents.report(alert)
    await incidents.report({ ...alert, key: 'a later start' })
    await incidents.report({ ...alert, key: 'a later start', status: 'resolved' })
    await handle.result()
    expect(await createIncidents(bench.client, configOf(policy)).report({ ...alert, key: 'a later start' })).toBe(
      'duplicate',
    )
  })

  it('whose end was delivered before its beginning opens nothing', async () => {
    const { cloud, incidents, handle } = intake(bench.cloud(plan))
    const alert = alertOf(policy, cloud)
    expect(await incidents.report({ ...alert, status: 'resolved' })).toBe('nothing open')
    expect(await incidents.report(alert)).toBe('duplicate')
    await expect(handle.describe()).rejects.toThrow(/not found/)
  })

  it('that still fires is no news to an incident that rests: only what is new is told to it', async () => {
    const { cloud, incidents, handle, view } = intake(
      bench.cloud({ planRelief: failure('PLAN_IMPOSSIBLE', 'no host has room') }),
    )
    const alert = alertOf(policy, cloud)
    expect(await incidents.report(alert)).toBe('opened')
    await untilState(handle, 'escalated')
    const events = async () => (await handle.describe()).historyLength
    const before = await events()
    for (let turn = 0; turn < 5; turn++) expect(await incidents.report(alert)).toBe('joined')
    expect(await events()).toBe(before)
    // a new start of it, and its end, are told
    expect(await incidents.report({ ...alert, key: 'it began anew' })).toBe('joined')
    const keys = async () => (await handle.describe()).typedSearchAttributes.get(attributes.alertKeys)
    await until(async () => (await keys())?.includes('it began anew'), true)
    expect(await incidents.report({ ...alert, key: 'it began anew' })).toBe('joined')
    expect(await incidents.report({ ...alert, key: 'it began anew', status: 'resolved' })).toBe('joined')
    await handle.result()
    expect(await view()).toMatchObject({ state: 'closed', signals: 3 })
  })

  it('that fires once more after its end was heard is told, also to an incident that rests', async () => {
    const cloud = bench.cloud({ planRelief: failure('PLAN_IMPOSSIBLE', 'no host has room') })
    const slow = gaugePolicy({ name: 'slow', stableSeconds: 3600 })
    const incidents = createIncidents(bench.client, configOf(slow))
    const handle = bench.client.workflow.getHandle(incidentId('slow', { host: cloud.host }))
    const alert = alertOf(slow, cloud)
    await incidents.report(alert)
    await untilState(handle, 'escalated')
    await incidents.report({ ...alert, status: 'resolved' })
    const isClear = async () => 'clearSince' in (await viewOf<IncidentView>(handle))
    await until(isClear, true)
    await incidents.report(alert)
    await until(isClear, false)
    await handle.terminate()
  })

  it('that fires again right after its incident was closed opens the next one, and each is counted', async () => {
    const { cloud, incidents, handle } = intake(bench.cloud(plan))
    for (const start of ['first', 'second', 'third']) {
      const alert = alertOf(policy, cloud, { key: start })
      expect(await incidents.report(alert)).toBe('opened')
      await incidents.report({ ...alert, status: 'resolved' })
      await bench.client.workflow.getHandle(handle.workflowId).result()
    }
    const lately = { policy: policy.name, entity: { host: cloud.host }, withinSeconds: 600 }
    await until(() => recentFirings(bench.client, lately), { firings: 3 })
    // of another policy, or longer ago, there were none but the one that asks
    expect(await recentFirings(bench.client, { ...lately, policy: 'another' })).toEqual({ firings: 1 })
    expect(await recentFirings(bench.client, { ...lately, withinSeconds: 0 })).toEqual({ firings: 1 })
  })

  it('of no policy is refused', async () => {
    const { cloud, incidents } = intake(bench.cloud(plan))
    const refused = incidents.report(alertOf(policy, cloud, { policy: 'no-such-policy' }))
    expect(codeOf(await refused.catch((error: unknown) => error))).toBe('CONFIG_INVALID')
  })

  it('can be found among the incidents by its id, and only incidents are listed', async () => {
    const { cloud, incidents, handle } = intake(bench.cloud(plan))
    await incidents.report(alertOf(policy, cloud, { summary: 'found by its id' }))
    const { runId } = await handle.describe()
    const list = createIncidentList(bench.client)
    await until(async () => (await list.list(5)).map(({ id }) => id).includes(runId), true)
    expect(await list.show(runId)).toMatchObject({ id: runId, host: cloud.host, summary: 'found by its id' })
    const nobody = await list.show('00000000-0000-4000-8000-000000000000').catch((error: unknown) => error)
    expect(codeOf(nobody)).toBe('INCIDENT_NOT_FOUND')
    const { state = 'closed' } = await list.show(runId)
    const { openedAt } = await list.show(runId)
    const found = async (filter: Parameters<typeof list.list>[1]) => (await list.list(5, filter)).map(({ id }) => id)
    await until(() => found({ state, host: cloud.host, policy: policy.name }), [runId])
    expect(await found({ host: cloud.host, openedAfter: openedAt })).toEqual([runId])
    const later = new Date(Date.parse(openedAt) + 1000).toISOString()
    expect(await found({ host: cloud.host, openedAfter: later })).toEqual([])
    expect(await found({ host: cloud.host, state: 'flapping' })).toEqual([])
    expect(await found({ host: cloud.host, policy: "x' OR StewardKind = 'incident" })).toEqual([])
    await handle.terminate()
  })
})

/** Whether the standing delegation is found by this id. */
async function held(id: string): Promise<boolean> {
  const { typedSearchAttributes } = await bench.client.workflow.getHandle(remediationDelegationId).describe()
  return typedSearchAttributes.get(attributes.delegation) === id
}

describe('the look for orphans', () => {
  it('is one in the installation, however many workers ask for it, and each of them has it look', async () => {
    const cloud = bench.cloud({ deleteTrust: [undefined, failure('DELEGATION_LOST', 'the role was taken')] })
    const sweep = createDelegationSweep(bench.client)
    const revoke = () => sweep.revoke({ id: 'x', trustId: cloud.trust('a') }, person('olga'))
    expect(await revoke().catch(codeOf)).toBe('ENGINE_UNREACHABLE')
    await Promise.all([sweep.look(), sweep.look()])
    const handle = bench.client.workflow.getHandle(delegationSweepId)
    await untilState(handle, 'swept')
    expect(await viewOf(handle)).toMatchObject({ deleted: 0, left: 0, used: 0, unknown: 0 })
    await sweep.look()
    expect(await runsOf(delegationSweepId)).toBe(1)
    await revoke()
    expect(cloud.inputs('deleteTrust')).toEqual([{ trustId: cloud.trust('a') }])
    expect(await revoke().catch(codeOf)).toBe('DELEGATION_LOST')
    await handle.terminate()
  })
})

describe('the delegation for remediation', () => {
  it('is missing, put, replaced, revoked and put again', async () => {
    const cloud = bench.cloud({ deleteTrust: undefined })
    const delegations = createDelegations(bench.client)
    const codeFrom = async (asked: Promise<unknown>) => codeOf(await asked.catch((error: unknown) => error))
    expect(await codeFrom(delegations.show())).toBe('DELEGATION_MISSING')
    expect(await codeFrom(delegations.active())).toBe('DELEGATION_MISSING')
    expect(await codeFrom(delegations.revoke(person('olga')))).toBe('DELEGATION_MISSING')

    const first = { ...delegation(cloud, 'first'), id: delegationIdOf(cloud.trust('first')) }
    expect(await delegations.put(delegation(cloud, 'first'))).toEqual(first)
    expect(await delegations.active()).toEqual(first)
    expect(await held(first.id)).toBe(true)
    expect(cloud.names()).toEqual([])

    await delegations.put(delegation(cloud, 'second'))
    const second = { ...delegation(cloud, 'second'), id: delegationIdOf(cloud.trust('second')) }
    expect(await delegations.active()).toEqual(second)
    expect([await held(first.id), await held(second.id)]).toEqual([false, true])
    expect(cloud.inputs('deleteTrust')).toEqual([{ trustId: cloud.trust('first') }])

    expect(await delegations.revoke(person('olga'))).toMatchObject({ state: 'revoked', trustId: cloud.trust('second') })
    expect(await codeFrom(delegations.active())).toBe('DELEGATION_MISSING')
    expect(await codeFrom(delegations.revoke(person('olga')))).toBe('DELEGATION_MISSING')
    expect(await delegations.show()).toMatchObject({ state: 'revoked' })
    expect(cloud.inputs('deleteTrust').at(-1)).toEqual({ trustId: cloud.trust('second') })

    await delegations.put(delegation(cloud, 'third'))
    expect(await delegations.active()).toMatchObject({ state: 'active', trustId: cloud.trust('third') })
    await bench.client.workflow.getHandle(remediationDelegationId).terminate()
    expect(await codeFrom(delegations.active())).toBe('DELEGATION_MISSING')
    expect(await delegations.show()).toMatchObject({ state: 'lost', reason: 'its workflow is TERMINATED in Temporal' })
  })
})

const delegation = (cloud: Cloud, trust: string): DelegationView => ({
  ...{ state: 'active', trustId: cloud.trust(trust), trustorUserId: 'u', trustorName: 'ana', projectId: 'p' },
  ...{ roles: ['admin'], createdAt: '2026-11-21T00:00:00Z', expiresAt: '2099-01-01T00:00:00Z' },
})
