import { actionsOn } from './actions.ts'
import { createNova, host } from './nova.ts'
import { createPower } from './power.ts'
import type { Scenario } from './scenario.ts'

/** Nothing is taken back: a dead host stays closed. What must never be is one that is forced down and runs. */
export const scenario: Scenario = {
  input: { host, proof: 'ssh', reason: 'no power' },
  world(did) {
    const { readCloud, effects, service } = createNova({ service: { state: 'down' } })
    const { activities, isOff } = createPower(did)
    return {
      activities: { ...activities, ...actionsOn(effects, did), readCloud },
      left: () => (service.forced_down && !isOff() ? [`${host} is forced down and on`] : []),
    }
  },
}
