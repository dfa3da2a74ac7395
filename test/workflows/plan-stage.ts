import type { PlanView } from '../../core/cloud-plan.ts'
import { codeOf } from '../../core/errors.ts'
import type { Move } from '../../core/plan.ts'
import { host as hostNamed, cloud as modelWith, server } from '../policies/planner/clouds.ts'
import type { Bench } from './engine.ts'
import { askFor, type brakesOf, type ModelCloud, modelCloud, modelOf, planIn, tell } from './plan-bench.ts'
import type { Script } from './scripted.ts'

export const texts = ({ timeline }: PlanView) => timeline.map(({ text }) => text)
export const refusal = (attempt: Promise<unknown>) => attempt.then(() => 'accepted', codeOf)

export interface Setting {
  /** Of the cloud in place of what it does by itself. */
  script?: (world: ModelCloud) => Script
  model?: (host: string) => ModelCloud['model']
  plan?: Partial<PlanView>
  brakes?: ReturnType<typeof brakesOf>
}

/** Plans on clouds of three hosts, with persons who ask for them and say yes. */
export function planStage(bench: Bench) {
  /** A plan to empty the host of the test, proposed. */
  async function proposed({ script = () => ({}), model, plan, brakes }: Setting = {}) {
    const cloud = bench.cloud({})
    const world = modelCloud(bench, model?.(cloud.host) ?? modelOf(cloud))
    const acting = bench.cloud({ ...world, ...script(world) }, cloud.host)
    const handle = await askFor(bench, cloud, plan, brakes)
    const view = await planIn(handle, 'proposed')
    const on = (host: string) => world.model.servers.filter((one) => one.host === host).map(({ id }) => id)
    return { cloud: acting, world, handle, view, on, planId: view.digest?.id ?? '' }
  }

  /** The same, with the yes of paul. */
  async function approved(setting: Setting = {}) {
    const plan = await proposed(setting)
    await tell(plan.handle, 'approve', 'paul', { planId: plan.planId })
    return plan
  }

  /** With the host of the test, which is only known once its world is there. */
  async function approvedWide(script: NonNullable<Setting['script']>) {
    const cloud = bench.cloud({})
    const world = modelCloud(bench, wide(cloud.host))
    const acting = bench.cloud({ ...world, ...script(world) }, cloud.host)
    const handle = await askFor(bench, cloud, inOneWave(cloud.host))
    const view = await planIn(handle, 'proposed')
    await tell(handle, 'approve', 'paul', { planId: view.digest?.id ?? '' })
    return { cloud: acting, world, handle }
  }

  return { proposed, approved, approvedWide }
}

/** The same, once something has happened. */
export function heldUntil(opened: Promise<void>, answer: Script['liveMigrate']): Script {
  return {
    async liveMigrate(move) {
      await opened
      return (answer as (given: Move) => never)(move)
    },
  }
}

/** Six servers on the host of the test, all of which leave in one wave. */
const wide = (name: string) =>
  modelWith(
    [hostNamed(name), hostNamed(`${name}-b`), hostNamed(`${name}-c`)],
    ['1', '2', '3', '4', '5', '6'].map((n) => server(`s-${n}`, name, 1)),
  )
const inOneWave = (name = ''): Partial<PlanView> => ({ options: { drain: [name], outgoingPerHost: 6, movesAtOnce: 3 } })
