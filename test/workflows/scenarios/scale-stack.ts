import { actionsOn } from './actions.ts'
import { idOf, type Scenario } from './scenario.ts'

export const scenario: Scenario = {
  input: { stackName: 'shop', stackId: idOf(1), parameter: 'web_count', to: 5, min: 1, max: 10 },
  world(did) {
    let count = 3
    const setting = {
      apply: ({ parameters }: { readonly parameters?: unknown }) => {
        count = (parameters as { web_count: number }).web_count
      },
    }
    return {
      activities: {
        ...actionsOn({ 'stack.update': setting }, did),
        readCloud: async () => ({
          status: 200,
          body: { stack: { stack_status: 'UPDATE_COMPLETE', parameters: { web_count: String(count) } } },
        }),
      },
      left: () => (count === 3 ? [] : [`web_count is ${count}`]),
    }
  },
}
