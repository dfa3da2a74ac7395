import { actionsOn } from './actions.ts'
import { createNova, host } from './nova.ts'
import { createPower } from './power.ts'
import type { Scenario } from './scenario.ts'
import { emptied } from './sleep-host.ts'

/** A host that sleeps, whose nova-compute reports once it was turned on. One that is awake stays so. */
export const scenario: Scenario = {
  input: { host },
  world(did) {
    const { readCloud, effects, service } = createNova({ service: { ...emptied, state: 'down' } })
    const turned = (to: 'on' | 'off') => Object.assign(service, { state: to === 'on' ? 'up' : 'down' })
    const { activities } = createPower(did, { from: 'off', turned })
    return { activities: { ...activities, ...actionsOn(effects, did), readCloud }, left: () => [] }
  },
}
