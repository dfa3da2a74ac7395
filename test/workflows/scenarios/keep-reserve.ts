import { actionsOn } from './actions.ts'
import { createNova, host } from './nova.ts'
import { createPower } from './power.ts'
import type { Scenario } from './scenario.ts'
import { emptied } from './sleep-host.ts'

/** A host that sleeps while the cloud fills up. One that is awake stays so. */
export const scenario: Scenario = {
  input: {},
  world(did) {
    const { readCloud, effects, service } = createNova({ service: { ...emptied, state: 'down' } })
    const turned = (to: 'on' | 'off') => Object.assign(service, { state: to === 'on' ? 'up' : 'down' })
    const { activities } = createPower(did, { from: 'off', turned })
    return {
      activities: {
        ...activities,
        ...actionsOn(effects, did),
        readCloud,
        findHostsToWake: async () => ({ wake: [host], asleep: [host], suffices: true }),
      },
      left: () => [],
    }
  },
}
