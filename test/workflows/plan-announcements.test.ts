import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import { eventNames } from '../../core/notification.ts'
import { host, cloud as modelWith } from '../policies/planner/clouds.ts'
import { until, useWorker } from './engine.ts'
import { askFor, documentOf, plans, tell } from './plan-bench.ts'
import { planStage } from './plan-stage.ts'
import { useReceivers } from './receiver-bench.ts'

const { real, receiver } = useReceivers()
const bench = useWorker(undefined, real)
const { proposed, approved } = planStage(bench)

/** Somebody who wants to know everything about plans. */
function operator() {
  const told = receiver({ on: eventNames.filter((name) => name.startsWith('plan.')) })
  const of = (id: string) =>
    told.events.filter(({ subject }) => subject === `plan/${id}`).sort((a, b) => (a.time < b.time ? -1 : 1))
  const names = (id: string) => of(id).map(({ type }) => type.replace('io.steward.', ''))
  return { of, untilTold: (id: string, ...expected: string[]) => until(() => names(id), expected) }
}

describe.concurrent('whoever looks after plans', () => {
  it('hears of one that waits for a yes, and again when it is carried out', async () => {
    const told = operator()
    const { cloud, handle, planId, view } = await proposed()
    await told.untilTold(cloud.host, 'plan.proposed')
    expect(told.of(cloud.host)[0]).toMatchObject({
      link: `https://steward.example/v1/plans/${cloud.host}`,
      summary: `the plan to drain, asked for by olga: 2 move(s) between 2 hosts wait for 1 person(s) to say yes until ${view.answerBy}`,
      data: { state: 'proposed', digest: { id: planId } },
    })
    await tell(handle, 'approve', 'paul', { planId })
    await handle.result()
    await told.untilTold(cloud.host, 'plan.proposed', 'plan.done')
    expect(told.of(cloud.host)[1]?.summary).toMatch(/: done: 2 move\(s\) in 2 wave\(s\) made, and seen$/)
  })

  it('hears why one cannot go on, before its hosts are open again', async () => {
    const told = operator()
    const gone = failure('PLAN_STALE', 'hosts have changed: a-b is disabled')
    const away = failure('CLOUD_UNREACHABLE', 'Nova is away')
    const { cloud, handle } = await approved({ script: () => ({ checkWave: gone, findDisabled: away }) })
    await told.untilTold(cloud.host, 'plan.proposed', 'plan.stale')
    expect(told.of(cloud.host)[1]?.summary).toMatch(/: stale: PLAN_STALE: wave 1 of 2: hosts have changed/)
    expect((await handle.describe()).status.name).toBe('RUNNING')
    await handle.terminate()
  })

  it('hears that one is not asked about any more', async () => {
    const told = operator()
    const { cloud, handle } = await proposed()
    await tell(handle, 'discard', 'paul', { why: 'not today' })
    await handle.result()
    await told.untilTold(cloud.host, 'plan.proposed', 'plan.discarded')
    expect(told.of(cloud.host)[1]?.summary).toMatch(/: discarded: discarded by paul: not today$/)
  })

  it('hears of one that could not be made, and nothing of one that has nothing to move', async () => {
    const told = operator()
    const failing = bench.cloud({ makePlan: failure('SNAPSHOT_INCOMPLETE', 'Placement does not know host x') })
    await (await askFor(bench, failing)).result()
    await told.untilTold(failing.host, 'plan.failed')
    const { handle, cloud } = await emptyCloud()
    expect((await handle.result()).state).toBe('done')
    expect(told.of(cloud.host)).toEqual([])
  })
})

/** A plan to level hosts on which there is nothing. */
async function emptyCloud() {
  const cloud = bench.cloud({})
  const { makePlan } = plans(bench, () => documentOf(modelWith([host(cloud.host)], []), 'balance'))
  const acting = bench.cloud({ makePlan }, cloud.host)
  return { cloud: acting, handle: await askFor(bench, cloud, { goal: 'balance', options: {} }) }
}
