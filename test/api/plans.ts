import type { OpenPlan, PlanCommand, PlanView } from '../../core/cloud-plan.ts'
import { failure } from '../../core/errors.ts'
import type { PlanDocument } from '../../core/plan-document.ts'
import { digestOf } from '../../policies/planner/digest.ts'
import { planDocument } from '../../policies/planner/document.ts'
import { movesOf } from '../../policies/planner/progress.ts'
import type { Plans } from '../../temporal/plans.ts'
import { cloud, host, server } from '../policies/planner/clouds.ts'
import { pageIn } from './page.ts'

/** Four hosts, one of which is emptied in two waves. */
export function drainDocument(takenMs: number): PlanDocument {
  const model = cloud(
    [host('a'), host('b'), host('c'), host('d')],
    [server('1', 'a', 4), server('2', 'a', 2), server('3', 'b', 6), server('4', 'c', 12)],
  )
  return planDocument({ model, takenMs }, 'drain', { drain: ['a'] }, takenMs)
}

/** Plans that are made at once, and what was told to them. */
export function fakePlans(
  takenMs: number,
  asked: OpenPlan[] = [],
  told: [id: string, command: PlanCommand][] = [],
): Plans {
  const document = drainDocument(takenMs)
  const show = async (id: string): Promise<PlanView> => {
    const found = asked.find(({ view }) => view.id === id)
    if (!found) throw failure('PLAN_NOT_FOUND', `there is no plan ${id}`)
    const digest = digestOf(document, 'pack-1')
    return { ...found.view, state: 'proposed', needs: 1, answerBy: digest.expiresAt, digest }
  }
  return {
    show,
    made: async () => [{ serverId: '1', from: 'a', to: 'b', atMs: takenMs }],
    detail: async (id) => ({ ...(await show(id)), moves: movesOf(document, []) }),
    start: async (plan) => void asked.push(plan),
    list: async (wish) => pageIn(await Promise.all(asked.map(({ view }) => show(view.id))), wish),
    async document(id) {
      await show(id)
      return document
    },
    async command(id, command) {
      const view = await show(id)
      told.push([id, command])
      return view
    },
  }
}
