import { failure } from '../../core/errors.ts'
import type { RecurringPlan, RecurringPlanCommand, RecurringPlanView } from '../../core/recurring-plan.ts'
import type { RecurringPlans } from '../../temporal/recurring-plans.ts'
import { pageIn } from './page.ts'

/** Those that were asked for, none of which has come to its first time, and what was told to them. */
export function fakeRecurringPlans(
  asked: RecurringPlan[],
  told: [id: string, command: RecurringPlanCommand][],
): RecurringPlans {
  const show = async (id: string): Promise<RecurringPlanView> => {
    const found = asked.find(({ view }) => view.id === id)
    if (!found) throw failure('PLAN_NOT_FOUND', `there is no recurring plan ${id}`)
    return found.view
  }
  return {
    show,
    start: async (plan) => void asked.push(plan),
    list: async (wish) =>
      pageIn(
        asked.map(({ view }) => view),
        wish,
      ),
    async command(id, command) {
      const view = await show(id)
      told.push([id, command])
      return view
    },
  }
}
