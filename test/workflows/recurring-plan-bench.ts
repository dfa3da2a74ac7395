import { randomUUID } from 'node:crypto'
import type { RecurringPlan, RecurringPlanView } from '../../core/recurring-plan.ts'
import { createRecurringPlans, type RecurringPlans } from '../../temporal/recurring-plans.ts'
import type { Bench } from './engine.ts'
import { person } from './people.ts'
import { ofSeconds } from './recurring-bench.ts'

/** What the API hands to the engine for a plan to empty compute1; a recurrence of seconds is refused to users. */
export function recurringPlanOf(when: object, more: Partial<RecurringPlanView> = {}): RecurringPlan {
  const { userId, name: by } = person('olga')
  return {
    view: {
      ...{ id: randomUUID(), state: 'active', by, userId, goal: 'drain', options: { drain: ['compute1'] } },
      ...{ when: ofSeconds({ overlap: 'skip', ...when }), windowMinutes: 10, approve: 'ask' },
      ...{ createdAt: new Date().toISOString(), counted: 0, past: [] },
      ...more,
    },
    afterMs: Date.now(),
  }
}

export interface RecurringPlanDesk extends RecurringPlans {
  begin(when: object, more?: Partial<RecurringPlanView>): Promise<string>
}

/** Recurring plans of the tests of one file. */
export function recurringPlanDesk({ client, taskQueue }: Pick<Bench, 'client' | 'taskQueue'>): RecurringPlanDesk {
  const desk = createRecurringPlans(client, taskQueue)
  return {
    ...desk,
    async begin(when, more) {
      const plan = recurringPlanOf(when, more)
      await desk.start(plan)
      return plan.view.id
    },
  }
}
