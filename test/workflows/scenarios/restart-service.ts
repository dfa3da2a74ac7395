import { isAnother } from '../../../policies/supervisors/process-status.ts'
import { host } from './nova.ts'
import type { Scenario } from './scenario.ts'

/** A service that is dead, and stays up once it was restarted; a restart is not taken back. */
export const scenario: Scenario = {
  input: { host, stableSeconds: 60, withinSeconds: 300, maxRestarts: 2 },
  world(did) {
    const dead = { pid: 0, state: 'failed', instance: 'first' } as const
    let process: { pid: number; state: 'failed' | 'running'; instance: string } = dead
    return {
      activities: {
        describeService: async () => ({ seenBy: 'nova', isSupervised: true, cluster: 'computes' }),
        checkEvacuations: async () => undefined,
        checkCluster: async () => undefined,
        awaitCluster: async () => undefined,
        lookAtService: async (target) => ({
          ...{ ...target, state: process === dead ? 'down' : 'up', status: 'enabled', forcedDown: false },
          ...{ updatedAt: '2026-11-20T23:59:00.000000', company: { up: 3, down: 1 } },
        }),
        lookAtProcess: async () => process,
        async restartService({ binary, before }) {
          if (before && isAnother(process, before)) return { outcome: 'was restarted' }
          did(`restart of ${binary}`)
          process = { pid: process.pid + 1, state: 'running', instance: `after ${process.instance}` }
          return { outcome: 'restarted' }
        },
        awaitServiceUp: async () => ({ outcome: 'stable', upAfterMs: 900 }),
      },
      left: () => [],
    }
  },
}
