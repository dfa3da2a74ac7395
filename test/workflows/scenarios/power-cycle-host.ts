import { actionsOn } from './actions.ts'
import { createNova, host, reports } from './nova.ts'
import { createPower } from './power.ts'
import type { Scenario } from './scenario.ts'

/** An empty host, whose nova-compute reports again once it was turned on. */
export const scenario: Scenario = {
  input: { host, reason: 'new firmware' },
  world(did) {
    const { readCloud, effects, service } = createNova()
    const turned = (to: 'on' | 'off') =>
      Object.assign(service, to === 'on' ? { state: 'up', updated_at: reports[1] } : { state: 'down' })
    const { activities, isOff } = createPower(did, { turned })
    return {
      activities: { ...activities, ...actionsOn(effects, did), readCloud },
      left: () => [
        ...(service.status === 'enabled' ? [] : [`${host} is closed`]),
        ...(isOff() ? [`${host} is off`] : []),
      ],
    }
  },
}
