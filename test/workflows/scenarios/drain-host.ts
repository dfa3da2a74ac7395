import { actionsOn } from './actions.ts'
import { createNova, host } from './nova.ts'
import type { Scenario } from './scenario.ts'

/** Servers that have moved stay moved; the host is opened again. */
export const scenario: Scenario = {
  input: { host, reason: 'new disks' },
  world(did) {
    const { readCloud, effects, service, moving, moves } = createNova({ servers: 2 })
    return {
      activities: {
        ...{ ...actionsOn(effects, did), ...moving(did), readCloud },
        planDrain: async () => ({ takenAt: '2026-11-21T00:00:00.000Z', waves: moves.map((move) => [move]) }),
      },
      left: () => (service.status === 'enabled' ? [] : [`${host} is closed`]),
    }
  },
}
