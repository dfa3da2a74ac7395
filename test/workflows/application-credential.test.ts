import { randomUUID } from 'node:crypto'
import { Worker } from '@temporalio/worker'
import { describe, expect, inject, it } from 'vitest'
import type { CallOutcome } from '../../core/activities.ts'
import { AuditEvent } from '../../core/audit.ts'
import type { Delegation } from '../../core/delegation.ts'
import { failure } from '../../core/errors.ts'
import type { RecurringAction } from '../../core/recurrence.ts'
import { attributes } from '../../core/search-attributes.ts'
import { createAudit } from '../../temporal/audit.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { createRecurringActions } from '../../temporal/recurring-actions.ts'
import { cancelAction, changeAction } from '../../workflows/action-updates.ts'
import { changeRecurring } from '../../workflows/recurring-updates.ts'
import { scheduledAction } from '../../workflows/scheduled-action.ts'
import { type ActionOptions, actionOf, soonLookedMs, startAction, stopServer } from './action-bench.ts'
import { until, untilState, useWorker, viewOf } from './engine.ts'
import { person } from './people.ts'
import { type RecurringOptions, recurringOf, startRecurring } from './recurring-bench.ts'
import type { Cloud, Script } from './scripted.ts'

const bench = useWorker()
const accepted = (): CallOutcome => ({ status: 202, startedAt: new Date().toISOString() })
const by = { by: person('ana') }
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString()
const secret = `CANARY-${randomUUID()}`
const idle = { dueInMs: 3_590_000, maxLatenessMs: 600_000 }

const credentialOf = (cloud: Cloud) => ({ applicationCredential: { id: cloud.trust('credential-1'), secret } })
const byCredential = (cloud: Cloud) =>
  ({ kind: 'application-credential', applicationCredentialId: cloud.trust('credential-1') }) as const

/** The same action or recurring action with an application credential in place of its trust. */
function lent<A extends Delegation & { view: object }>({ view, ...action }: A, cloud: Cloud): A {
  const { trustId: _none, ...rest } = action as { trustId?: string }
  return { view: { ...view, delegatedBy: byCredential(cloud) }, ...rest, ...credentialOf(cloud) } as unknown as A
}

async function schedule(script: Script, options: ActionOptions = {}) {
  const cloud = bench.cloud({ performCall: accepted, ...script })
  const handle = await startAction(bench, lent(actionOf('', options), cloud))
  return { cloud, handle }
}

describe.concurrent('an action with an application credential', () => {
  it("is done with it, and leaves it alone: it is not Steward's to delete", async () => {
    const { cloud, handle } = await schedule({})
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'done', delegatedBy: byCredential(cloud) })
    expect(view).not.toHaveProperty('trustDeleted')
    expect(cloud.calls).toEqual([{ name: 'performCall', input: { call: stopServer, ...credentialOf(cloud) } }])
  })

  it('keeps its secret out of what people read, also when it fails', async () => {
    for (const performCall of [accepted, failure('DELEGATION_LOST', 'the application credential was deleted')]) {
      const { handle } = await schedule({ performCall })
      expect(JSON.stringify(await handle.result())).not.toContain(secret)
      expect(JSON.stringify(await viewOf(handle))).not.toContain(secret)
    }
  })

  it('is cancelled without a wait for anything', async () => {
    const { cloud, handle } = await schedule({}, idle)
    const startedMs = Date.now()
    expect(await handle.executeUpdate(cancelAction, { args: [by] })).toMatchObject({ state: 'cancelled' })
    expect(Date.now() - startedMs).toBeLessThan(8_000)
    await handle.result()
    expect(cloud.names()).toEqual([])
  })

  it('is looked at ahead of its time with it', async () => {
    const lost = { code: 'DELEGATION_LOST', detail: 'the application credential cannot be used any more' }
    const { cloud, handle } = await schedule({ checkAhead: lost }, { dueInMs: soonLookedMs })
    await untilState(handle, 'warned')
    expect(cloud.inputs('checkAhead')).toMatchObject([credentialOf(cloud)])
    await handle.executeUpdate(cancelAction, { args: [by] })
  })

  it('takes the place of a trust, which is deleted at the end, and gives it to another trust again', async () => {
    const cloud = bench.cloud({ performCall: accepted, deleteTrust: undefined })
    const handle = await startAction(bench, actionOf(cloud.trust('a'), idle))
    const given = { ...credentialOf(cloud), roles: ['member'], delegatedBy: byCredential(cloud) }
    const change = { ...by, runAt: inMs(3_000_000), notAfter: inMs(3_600_000) }
    const changed = await handle.executeUpdate(changeAction, { args: [{ ...change, delegated: given }] })
    expect(changed).toMatchObject({ delegatedBy: byCredential(cloud) })
    expect(JSON.stringify(changed)).not.toContain(secret)
    const back = { trustId: cloud.trust('b'), roles: ['member'], delegatedBy: { kind: 'trust' as const } }
    await handle.executeUpdate(changeAction, { args: [{ ...by, runAt: inMs(100), delegated: back }] })
    expect(await handle.result()).toMatchObject({ state: 'done', trustDeleted: true, delegatedBy: { kind: 'trust' } })
    expect(cloud.inputs('performCall')).toEqual([{ call: stopServer, trustId: cloud.trust('b') }])
    const deleted = cloud.inputs('deleteTrust').map(({ trustId }) => trustId)
    expect(new Set(deleted)).toEqual(new Set([cloud.trust('a'), cloud.trust('b')]))
  })

  it('is told in the audit with the last characters of its id, and no secret', async () => {
    const cloud = bench.cloud({ performCall: accepted })
    const projectId = `project-${randomUUID()}`
    const action = lent(actionOf('', { more: { projectId } }), cloud)
    const handle = await bench.client.workflow.start(scheduledAction, {
      workflowId: `action/${action.view.id}`,
      taskQueue: bench.taskQueue,
      args: [action],
      memo: { view: action.view },
      typedSearchAttributes: [
        { key: attributes.kind, value: 'action' },
        { key: attributes.state, value: 'scheduled' },
        { key: attributes.projectId, value: projectId },
      ],
    })
    await handle.result()
    const period = { sinceMs: Date.now() - 600_000, untilMs: Date.now() + 600_000, limit: 100 }
    const told = async () => {
      const events: AuditEvent[] = []
      for await (const event of createAudit(bench.client).events({ ...period, projectId }))
        events.push(AuditEvent.parse(event))
      return events
    }
    await until(async () => (await told()).length, 4)
    const events = await told()
    expect(events[0]?.initiator.credential).toEqual({ type: 'application-credential', token: '****al-1' })
    expect(JSON.stringify(events)).not.toContain(secret)
  })

  it('comes to the same steps when another worker takes over', async () => {
    const { handle } = await schedule({
      performCall: [failure('KEYSTONE_UNREACHABLE', 'away'), failure('OUTCOME_UNKNOWN', 'no answer'), accepted()],
      reconcileCall: { verdict: 'not done' },
    })
    await handle.result()
    const options = {
      workflowBundle: { codePath: inject('engine').bundle },
      dataConverter: createDataConverter(bench.keys),
    }
    await Worker.runReplayHistory(options, await handle.fetchHistory(), handle.workflowId)
  })
})

describe.concurrent('a recurring action with an application credential', () => {
  async function recur(script: Script, options: RecurringOptions = {}) {
    const cloud = bench.cloud({ performCall: accepted, ...script })
    const action: RecurringAction = lent(recurringOf('', options), cloud)
    return { cloud, handle: await startRecurring(bench, action), id: action.view.id }
  }

  it('makes all its calls with it, from run to run, and leaves it alone at the end', async () => {
    const { cloud, handle, id } = await recur({}, { recurrence: { count: 3 } })
    const view = await handle.result()
    expect(cloud.inputs('performCall')).toEqual(Array(3).fill({ call: stopServer, ...credentialOf(cloud) }))
    expect(cloud.names()).not.toContain('deleteTrust')
    expect(view).toMatchObject({ state: 'ended', delegatedBy: byCredential(cloud) })
    expect(view).not.toHaveProperty('trustDeleted')
    expect(JSON.stringify(view)).not.toContain(secret)
    const [first] = view.past
    const occurrence = await createRecurringActions(bench.client).occurrence(id, first?.at ?? '', 'project-1')
    expect(occurrence).toMatchObject({ state: 'done', delegatedBy: byCredential(cloud) })
    expect(JSON.stringify(occurrence)).not.toContain(secret)
  })

  it('stops when it is lost, and goes on with the same one when its owner gives it again', async () => {
    const lost = failure('DELEGATION_LOST', 'the application credential cannot be used any more')
    const twice = { recurrence: { interval: 'PT4S', overlap: 'queue', count: 2 } }
    const { cloud, handle } = await recur({ performCall: [lost, accepted()] }, twice)
    await untilState(handle, 'delegation-lost')
    const delegated = { ...credentialOf(cloud), until: '2099-01-01T00:00:00.000Z', roles: ['member'] }
    expect(await handle.executeUpdate(changeRecurring, { args: [{ ...by, delegated }] })).toMatchObject({
      state: 'active',
    })
    expect((await handle.result()).past.map(({ outcome }) => outcome)).toEqual(['delegation-lost', 'done'])
    expect(cloud.names()).not.toContain('deleteTrust')
  })
})
