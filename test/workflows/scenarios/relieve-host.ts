import { createNova, host } from './nova.ts'
import type { Scenario } from './scenario.ts'

/** Servers that have moved stay moved. */
export const scenario: Scenario = {
  input: { host, resource: 'memory', limit: 0.8, maxMoves: 2 },
  world(did) {
    const { moving, moves } = createNova({ servers: 2 })
    return {
      activities: {
        ...moving(did),
        planRelief: async () => ({ moves, skipped: [], before: 0.95, after: 0.75 }),
      },
      left: () => [],
    }
  },
}
