import type { Scenario } from './scenario.ts'

export const scenario: Scenario = {
  input: { host: 'compute1', command: 'disk-usage', args: { path: '/var/log' } },
  world: () => ({
    activities: {
      lookOnHost: async () => ({ outcome: 'ran', exitCode: 0, stdout: ' 97%\n', stderr: '', cutBytes: 0 }),
    },
    left: () => [],
  }),
}
