import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import type { RecurringCommand } from '../../core/recurrence.ts'
import { taskQueues } from '../../core/task-queues.ts'
import { createActions } from '../../temporal/actions.ts'
import { delegationIdOf } from '../../temporal/delegation-id.ts'
import { createRecurringActions } from '../../temporal/recurring-actions.ts'
import { createTrustHolders } from '../../temporal/trust-holders.ts'
import { actionOf } from './action-bench.ts'
import { until, useWorker } from './engine.ts'
import { person } from './people.ts'
import { recurringOf } from './recurring-bench.ts'

const cancelBy = (name: string) => ({ does: 'cancel', by: person(name) }) as const

// the one file with a worker on the queue that the facade names
const bench = useWorker(taskQueues.actions)
const codeFrom = async (asked: Promise<unknown>) => codeOf(await asked.catch((error: unknown) => error))

const holderOf = async (trustId: string) => {
  const id = delegationIdOf(trustId)
  return (await createTrustHolders(bench.client).find([id])).get(id)
}

async function started(projectId = randomUUID(), dueInMs = 60_000) {
  const cloud = bench.cloud({
    performCall: () => ({ status: 202, startedAt: new Date().toISOString() }),
    deleteTrust: undefined,
  })
  const actions = createActions(bench.client)
  const action = actionOf(cloud.trust('a'), { dueInMs, more: { projectId } })
  await actions.start(action)
  return { cloud, actions, projectId, id: action.view.id, view: action.view }
}

describe('a deferred action', () => {
  it('is shown to its own project from the moment it is accepted', async () => {
    const { actions, id, projectId, view } = await started()
    expect(await actions.show(id, projectId)).toMatchObject(view)
    await actions.command(id, projectId, cancelBy('olga'))
  })

  it('does not exist for another project: neither to be shown nor to be cancelled', async () => {
    const { cloud, actions, id, projectId } = await started()
    expect(await codeFrom(actions.show(id, 'another project'))).toBe('ACTION_NOT_FOUND')
    expect(await codeFrom(actions.command(id, 'another project', cancelBy('olga')))).toBe('ACTION_NOT_FOUND')
    expect(await actions.show(id, projectId)).toMatchObject({ state: 'scheduled' })
    expect(cloud.names()).toEqual([])
    await actions.command(id, projectId, cancelBy('olga'))
  })

  it('that was never made does not exist', async () => {
    const actions = createActions(bench.client)
    expect(await codeFrom(actions.show(randomUUID(), 'project'))).toBe('ACTION_NOT_FOUND')
    expect(await codeFrom(actions.command(randomUUID(), 'project', cancelBy('olga')))).toBe('ACTION_NOT_FOUND')
  })

  it('can be cancelled once', async () => {
    const { cloud, actions, id, projectId } = await started()
    expect(await actions.command(id, projectId, cancelBy('olga'))).toMatchObject({
      state: 'cancelled',
      trustDeleted: true,
    })
    expect(await codeFrom(actions.command(id, projectId, cancelBy('olga')))).toBe('ACTION_CLOSED')
    expect(cloud.names()).toEqual(['deleteTrust'])
  })

  it('that is over can be read, but not cancelled', async () => {
    const { cloud, actions, id, projectId } = await started(randomUUID(), 1)
    await until(async () => (await actions.show(id, projectId)).trustDeleted, true)
    expect(await actions.show(id, projectId)).toMatchObject({ state: 'done', result: { status: 202 } })
    expect(await codeFrom(actions.command(id, projectId, cancelBy('olga')))).toBe('ACTION_CLOSED')
    expect(cloud.names()).toEqual(['performCall', 'deleteTrust'])
  })
})

describe('the trust of an action', () => {
  it('leads to it until another one takes its place, and is deleted then, not in the end', async () => {
    const { cloud, actions, id, projectId } = await started()
    const [first, second] = [cloud.trust('a'), cloud.trust('b')]
    await until(() => holderOf(first), { kind: 'action', for: id })
    const delegated = { trustId: second, roles: ['member'] }
    await actions.command(id, projectId, { does: 'change', by: person('ana'), delegated })
    await until(() => holderOf(second), { kind: 'action', for: id })
    expect(await holderOf(first)).toBeUndefined()
    await until(() => cloud.inputs('deleteTrust'), [{ trustId: first }])
    await actions.command(id, projectId, cancelBy('olga'))
    expect(cloud.inputs('deleteTrust')).toEqual([{ trustId: first }, { trustId: second }])
    await until(async () => (await holderOf(second))?.endedAt !== undefined, true)
  })
})

const byTrust = (trustId: string, workflow: string) =>
  `StewardDelegation = '${delegationIdOf(trustId)}' AND WorkflowId STARTS_WITH '${workflow}'`

describe('the list of actions', () => {
  it("holds the project's own, newest first, and no more than asked for", async () => {
    const first = await started()
    const { actions, projectId } = first
    const foreign = await started()
    const second = await started(projectId)
    const ids = async (limit: number) => (await actions.list(projectId, { limit })).items.map(({ id }) => id)
    await until(() => ids(10), [second.id, first.id])
    expect(await ids(1)).toEqual([second.id])
    const { nextPage } = await actions.list(projectId, { limit: 1 })
    const rest = await actions.list(projectId, { limit: 1, page: nextPage })
    expect(rest.items.map(({ id }) => id)).toEqual([first.id])
    expect(await codeFrom(actions.list(projectId, { limit: 1, page: 'no-page' }))).toBe('INPUT_INVALID')
    for (const { id, projectId: owner } of [first, foreign, second]) await actions.command(id, owner, cancelBy('olga'))
  })

  it('is empty for a project that has none, whatever its id looks like', async () => {
    const { actions, id, projectId } = await started()
    expect((await actions.list(randomUUID(), { limit: 10 })).items).toEqual([])
    expect((await actions.list("o'brien", { limit: 10 })).items).toEqual([])
    expect((await actions.list(`x' OR StewardKind = 'action`, { limit: 10 })).items).toEqual([])
    await actions.command(id, projectId, cancelBy('olga'))
  })
})

describe('a recurring action', () => {
  async function repeating(recurrence: object = { interval: 'PT1H' }) {
    const cloud = bench.cloud({
      performCall: () => ({ status: 202, startedAt: new Date().toISOString() }),
      deleteTrust: undefined,
    })
    const recurring = createRecurringActions(bench.client)
    const projectId: string = randomUUID()
    const action = recurringOf(cloud.trust('a'), { recurrence, view: { projectId } })
    const { id } = action.view
    await recurring.start(action)
    const tell = (command: RecurringCommand, project = projectId) =>
      recurring.command(id, project, { ...command, by: person('ana') })
    const show = () => recurring.show(id, projectId)
    return { cloud, recurring, projectId, id, tell, show, view: action.view }
  }

  it('is shown to its own project from the moment it is accepted, and to no other', async () => {
    const { recurring, id, tell, show, view, projectId } = await repeating()
    expect(await show()).toMatchObject({ id: view.id, call: view.call })
    expect(await codeFrom(recurring.show(id, 'another project'))).toBe('ACTION_NOT_FOUND')
    expect(await codeFrom(tell({ does: 'cancel' }, 'another project'))).toBe('ACTION_NOT_FOUND')
    await until(async () => (await recurring.list(projectId, { limit: 10 })).items.map((listed) => listed.id), [id])
    expect((await recurring.list(`x' OR StewardKind = 'recurring-action`, { limit: 10 })).items).toEqual([])
    expect(await tell({ does: 'cancel' })).toMatchObject({ state: 'cancelled', reason: 'cancelled by ana' })
    expect(await codeFrom(tell({ does: 'pause' }))).toBe('ACTION_CLOSED')
  })

  it('is one in the list, however often its history began anew, and each occurrence can be read', async () => {
    const { recurring, projectId, id, show, cloud } = await repeating({ interval: 'PT1S', count: 3 })
    await until(async () => (await show()).past.map(({ outcome }) => outcome), ['done', 'done', 'done'])
    const { past } = await show()
    const occurrence = await recurring.occurrence(id, past[0]?.at ?? '', projectId)
    expect(occurrence).toMatchObject({ id, state: 'done', occurrence: past[0]?.at, result: { status: 202 } })
    expect(await codeFrom(recurring.occurrence(id, past[0]?.at ?? '', 'another project'))).toBe('ACTION_NOT_FOUND')
    expect(await codeFrom(recurring.occurrence(id, '2001-01-01T00:00:00.000Z', projectId))).toBe('ACTION_NOT_FOUND')
    await until(async () => (await recurring.list(projectId, { limit: 10 })).items.map((listed) => listed.id), [id])
    // its occurrences are listed as the actions they are, and none of them can be taken for one that was made by hand
    const actions = createActions(bench.client)
    await until(async () => (await actions.list(projectId, { limit: 10 })).items.length, 3)
    expect(await codeFrom(actions.command(id, projectId, cancelBy('ana')))).toBe('ACTION_NOT_FOUND')
    await until(() => cloud.names().at(-1), 'deleteTrust')
  })

  it('hears every command, also when its history begins anew all the time', async () => {
    const { tell, show } = await repeating({ interval: 'PT1S' })
    for (let turn = 1; turn <= 30; turn++) {
      expect(await tell({ does: 'change', name: `turn ${turn}` })).toMatchObject({ name: `turn ${turn}` })
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect((await show()).past.length).toBeGreaterThan(0)
    expect(await tell({ does: 'cancel' })).toMatchObject({ state: 'cancelled' })
    await until(async () => (await show()).trustDeleted, true)
  })

  it('is found by its trust, however often its history began anew, and so are its calls by another one', async () => {
    const { cloud, id, tell, show } = await repeating({ interval: 'PT1S' })
    const main = { kind: 'recurring-action', for: id }
    await until(async () => (await show()).past.length > 1, true)
    await until(() => holderOf(cloud.trust('a')), main)
    const delegated = { trustId: cloud.trust('b'), until: '2099-01-01T00:00:00.000Z', roles: ['member'] }
    await tell({ does: 'change', delegated })
    await until(() => holderOf(cloud.trust('b')), main)
    await until(async () => (await holderOf(cloud.trust('a')))?.endedAt !== undefined, true)
    const calls = (trust: string) => bench.client.workflow.count(byTrust(cloud.trust(trust), `action/${id}/`))
    await until(async () => (await calls('b')).count > 0, true)
    expect((await calls('a')).count).toBeGreaterThan(1)
    await tell({ does: 'cancel' })
    await until(async () => (await holderOf(cloud.trust('b')))?.endedAt !== undefined, true)
  })

  it('says why a command is refused', async () => {
    const { tell } = await repeating()
    expect(await codeFrom(tell({ does: 'snooze', until: '2001-01-01T00:00:00Z' }))).toBe('TIME_PAST')
    await tell({ does: 'cancel' })
  })
})
