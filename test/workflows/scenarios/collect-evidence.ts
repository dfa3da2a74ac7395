import { host } from './nova.ts'
import type { Scenario } from './scenario.ts'

export const scenario: Scenario = {
  input: { host },
  world: () => ({
    activities: {
      collectEvidence: async ({ lines }) => ({ collectedAt: '2026-11-21T00:00:00.000Z', services: [], lines }),
    },
    left: () => [],
  }),
}
