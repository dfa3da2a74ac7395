import { actionsOn } from './actions.ts'
import { createNova, host, reports } from './nova.ts'
import type { Scenario } from './scenario.ts'

const closed = {
  status: 'disabled',
  disabled_reason: 'steward evacuate-host: no power',
  state: 'down',
  forced_down: true,
}

/** A host that was given up, and reports again after a while; one that is open stays open. */
export const scenario: Scenario = {
  input: { host },
  world(did) {
    const { readCloud, effects, service } = createNova({ service: closed })
    let looks = 0
    return {
      activities: {
        ...actionsOn(effects, did),
        async readCloud(call) {
          if (call.path.startsWith('/os-services') && ++looks > 3) service.updated_at = reports[1]
          return readCloud(call)
        },
      },
      left: () => [],
    }
  },
}
