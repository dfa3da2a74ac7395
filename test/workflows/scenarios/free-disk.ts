import { sweeps } from '../../../policies/disk-space.ts'
import type { Scenario } from './scenario.ts'
import { withoutLook } from './ssh-command.ts'

/** Each step frees ten percent; what is deleted is not taken back. */
export const scenario: Scenario = {
  input: { host: 'compute1', what: 'journal', minFreePercent: 20 },
  world(did) {
    let cleared = 0
    const runCommand = withoutLook((what) => {
      did(what)
      cleared += 1
    })
    return {
      activities: {
        runCommand,
        lookOnHost: async () => ({
          ...{ outcome: 'ran', exitCode: 0, stdout: ` ${97 - 10 * cleared}%\n`, stderr: '', cutBytes: 0 },
        }),
      },
      left: () => (cleared > sweeps.journal.values.length ? ['more was deleted than allowed'] : []),
    }
  },
}
