import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { taskQueues } from '../../core/task-queues.ts'
import { createActions } from '../../temporal/actions.ts'
import { actionOf } from './action-bench.ts'
import { until, useWorker } from './engine.ts'
import { person } from './people.ts'

// the one file with a worker on the queue that the facade names
const bench = useWorker(taskQueues.actions)
const codeFrom = async (asked: Promise<unknown>) => codeOf(await asked.catch((error: unknown) => error))

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
    await actions.cancel(id, projectId, person('olga'))
  })

  it('does not exist for another project: neither to be shown nor to be cancelled', async () => {
    const { cloud, actions, id, projectId } = await started()
    expect(await codeFrom(actions.show(id, 'another project'))).toBe('ACTION_NOT_FOUND')
    expect(await codeFrom(actions.cancel(id, 'another project', person('olga')))).toBe('ACTION_NOT_FOUND')
    expect(await actions.show(id, projectId)).toMatchObject({ state: 'scheduled' })
    expect(cloud.names()).toEqual([])
    await actions.cancel(id, projectId, person('olga'))
  })

  it('that was never made does not exist', async () => {
    const actions = createActions(bench.client)
    expect(await codeFrom(actions.show(randomUUID(), 'project'))).toBe('ACTION_NOT_FOUND')
    expect(await codeFrom(actions.cancel(randomUUID(), 'project', person('olga')))).toBe('ACTION_NOT_FOUND')
  })

  it('can be cancelled once', async () => {
    const { cloud, actions, id, projectId } = await started()
    expect(await actions.cancel(id, projectId, person('olga'))).toMatchObject({
      state: 'cancelled',
      trustDeleted: true,
    })
    expect(await codeFrom(actions.cancel(id, projectId, person('olga')))).toBe('ACTION_CLOSED')
    expect(cloud.names()).toEqual(['deleteTrust'])
  })

  it('that is over can be read, but not cancelled', async () => {
    const { cloud, actions, id, projectId } = await started(randomUUID(), 1)
    await until(async () => (await actions.show(id, projectId)).trustDeleted, true)
    expect(await actions.show(id, projectId)).toMatchObject({ state: 'done', result: { status: 202 } })
    expect(await codeFrom(actions.cancel(id, projectId, person('olga')))).toBe('ACTION_CLOSED')
    expect(cloud.names()).toEqual(['performCall', 'deleteTrust'])
  })
})

describe('the list of actions', () => {
  it("holds the project's own, newest first, and no more than asked for", async () => {
    const first = await started()
    const { actions, projectId } = first
    const foreign = await started()
    const second = await started(projectId)
    const ids = async (limit: number) => (await actions.list(projectId, limit)).map(({ id }) => id)
    await until(() => ids(10), [second.id, first.id])
    expect(await ids(1)).toEqual([second.id])
    for (const { id, projectId: owner } of [first, foreign, second]) await actions.cancel(id, owner, person('olga'))
  })

  it('is empty for a project that has none, whatever its id looks like', async () => {
    const { actions, id, projectId } = await started()
    expect(await actions.list(randomUUID(), 10)).toEqual([])
    expect(await actions.list("o'brien", 10)).toEqual([])
    expect(await actions.list(`x' OR StewardKind = 'action`, 10)).toEqual([])
    await actions.cancel(id, projectId, person('olga'))
  })
})
