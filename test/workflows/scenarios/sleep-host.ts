import { createNova, host } from './nova.ts'
import { createPower } from './power.ts'
import type { Scenario } from './scenario.ts'

/** What a plan wrote beside a host that it has emptied. */
export const emptied = { status: 'disabled', disabled_reason: 'steward plan/7c2f' } as const

/** A host that a plan has emptied. To be off is what it is for, so nothing of it is taken back. */
export const scenario: Scenario = {
  input: { host },
  world(did) {
    const { readCloud, service } = createNova({ service: emptied })
    const { activities } = createPower(did)
    return {
      activities: { ...activities, readCloud },
      left: () => (service.status === 'disabled' ? [] : [`${host} is open`]),
    }
  },
}
