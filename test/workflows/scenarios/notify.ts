import type { Scenario } from './scenario.ts'

export const scenario: Scenario = {
  input: { text: 'rack 4 is empty' },
  world: () => ({ activities: {}, left: () => [] }),
}
