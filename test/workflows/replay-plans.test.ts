import { Worker } from '@temporalio/worker'
import { expect, inject, it } from 'vitest'
import type { PlanView } from '../../core/cloud-plan.ts'
import { failure } from '../../core/errors.ts'
import type { Move } from '../../core/plan.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { planEnded } from '../../workflows/plan/plan.ts'
import { host as hostNamed, cloud as modelWith, server } from '../policies/planner/clouds.ts'
import { until, useWorker, viewOf } from './engine.ts'
import { person } from './people.ts'
import { askFor, modelCloud, planIn, tell, wasTold } from './plan-bench.ts'
import { recurringPlanDesk } from './recurring-plan-bench.ts'
import { gate, type Script } from './scripted.ts'

const bench = useWorker()

async function historyOf(workflowId: string, runId?: string) {
  return { workflowId, history: await bench.client.workflow.getHandle(workflowId, runId).fetchHistory() }
}

/** Every run of one workflow. */
async function runsOf(id: string) {
  const all = []
  for await (const { runId } of bench.client.workflow.list({ query: `WorkflowId = '${id}'` }))
    all.push(await historyOf(id, runId))
  return all
}

/** Every run of a wave, and of the enabling of hosts, as each is a history of its own. */
async function historiesOf(id: string) {
  const all = [await historyOf(`plan/${id}`)]
  await until(async () => {
    all.splice(1, all.length, ...(await runsOf(`run/plan/${id}`)))
    return all.length > 1
  }, true)
  return all
}

it('a worker that takes over in the middle of a plan comes to the same steps', async () => {
  const histories = (await Promise.all([plannedAnew(), stopped(), recurring()])).flat()
  expect(histories.length).toBeGreaterThan(4)
  const options = {
    workflowBundle: { codePath: inject('engine').bundle },
    dataConverter: createDataConverter(bench.keys),
  }
  let replayed = 0
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories)) {
    expect(error, workflowId).toBeUndefined()
    replayed++
  }
  expect(replayed).toBe(histories.length)
})

function setOut(act: (liveMigrate: (move: Move) => never, made: number) => Script['liveMigrate']) {
  const cloud = bench.cloud({})
  const { host } = cloud
  const names = [host, `${host}-b`, `${host}-c`]
  const servers = [server('s-1', names[0]!, 2), server('s-2', names[1]!, 2), server('s-3', names[2]!, 8)]
  const world = modelCloud(
    bench,
    modelWith(
      names.map((name) => hostNamed(name)),
      servers,
    ),
  )
  let made = 0
  const liveMigrate = (move: Move) => (act(world.liveMigrate as never, ++made) as (given: Move) => never)(move)
  bench.cloud({ ...world, liveMigrate }, host)
  return cloud
}

async function yesTo(handle: Awaited<ReturnType<typeof askFor>>) {
  const { digest } = await planIn(handle, 'proposed')
  await tell(handle, 'approve', 'paul', { planId: digest?.id ?? '' })
  return digest?.id
}

async function plannedAnew() {
  const cloud = setOut((liveMigrate, made) =>
    made === 1 ? () => Promise.reject(failure('MIGRATION_FAILED', 'no valid host was found')) : liveMigrate,
  )
  const handle = await askFor(bench, cloud, { goal: 'consolidate', options: {} })
  const first = await yesTo(handle)
  await until(async () => (await viewOf<PlanView>(handle)).digest?.id !== first, true)
  await yesTo(handle)
  expect(await handle.result()).toMatchObject({ state: 'done' })
  return historiesOf(cloud.host)
}

/** Its host is closed, and is opened again. */
async function stopped() {
  const moving = gate()
  const cloud = setOut((liveMigrate) => async (move) => {
    await moving.opened
    return liveMigrate(move)
  })
  const handle = await askFor(bench, cloud)
  await yesTo(handle)
  await planIn(handle, 'executing')
  await tell(handle, 'stop', 'ana', {})
  await until(() => wasTold(bench, cloud, 'comeToAnEnd'), true)
  moving.open()
  await handle.result()
  return historiesOf(cloud.host)
}

/** Two times, of which the first is still at work when the second one comes, a pause, and an end. */
async function recurring() {
  const cloud = bench.cloud({ beginPlan: undefined })
  const desk = recurringPlanDesk(bench)
  const id = await desk.begin({ interval: 'PT1S' }, { id: cloud.host })
  await until(async () => (await desk.show(id)).past.length > 0, true)
  const { running } = await desk.show(id)
  const ending = { state: 'done', endedAt: new Date().toISOString() } as const
  const ended = { id: running?.planId ?? '', ...ending }
  await bench.client.workflow.getHandle(`recurring-plan/${id}`).signal(planEnded, ended)
  for (const does of ['pause', 'resume', 'delete'] as const) await desk.command(id, { does, by: person('ana') })
  const last = async () => (await desk.show(id)).running
  const told = new Set<string>()
  for (let left = await last(); left; left = await last()) {
    // what it was told it may still be taking in; told twice, it would be gone by the second time
    if (told.has(left.planId)) continue
    told.add(left.planId)
    await bench.client.workflow.getHandle(`recurring-plan/${id}`).signal(planEnded, { id: left.planId, ...ending })
  }
  await until(async () => (await desk.show(id)).endedAt !== undefined, true)
  const workflowId = `recurring-plan/${id}`
  await until(async () => (await runsOf(workflowId)).length > 3, true)
  return runsOf(workflowId)
}
