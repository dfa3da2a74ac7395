import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import type { Activities } from '../core/activities.ts'
import type { GovernorConfig } from '../core/governor.ts'
import type { Plans } from '../temporal/plans.ts'

export interface RecurringPlanActivitiesOptions {
  plans: Pick<Plans, 'start'>
  config: Pick<GovernorConfig, 'approval'>
}

export const createRecurringPlanActivities = ({
  plans,
  config: { approval },
}: RecurringPlanActivitiesOptions): Pick<Activities, 'beginPlan'> => ({
  /**
   * A recurring plan may be a year old: who must say yes is as the configuration has it today.
   * @throws ENGINE_UNREACHABLE (retried)
   */
  async beginPlan({ view, reportTo }) {
    try {
      await plans.start({ view, governor: { approval }, reportTo })
    } catch (error) {
      // an attempt whose answer was lost
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    }
  },
})
