import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { createSshActivities } from '../../../activities/ssh/index.ts'
import type { ProcessStatus } from '../../../core/activities.ts'
import { Ssh, type SshConfig, type SshHost } from '../../../core/ssh.ts'
import type { Sshd } from '../../fakes/sshd.ts'
import { passing, released } from '../rig.ts'

export const service = { host: 'compute1', binary: 'nova-compute' }

/** steward.yaml with one host behind the sshd. */
export const configOf = (sshd: Sshd, changes: Partial<SshConfig> = {}, host: Partial<SshHost> = {}): SshConfig =>
  Ssh.parse({
    user: sshd.user,
    ...(changes.agent === undefined && { keyFile: sshd.keyFile }),
    knownHostsFile: sshd.knownHosts.right,
    connectTimeoutSeconds: 5,
    commandTimeoutSeconds: 10,
    hosts: {
      compute1: {
        address: '127.0.0.1',
        port: sshd.port,
        services: { 'nova-compute': { restart: ['restart', 'it'], show: ['show', 'it'] } },
        ...host,
      },
    },
    ...changes,
  })

/** Steward's activities over SSH as a worker runs them. */
export function activitiesOf(ssh: SshConfig | undefined, attempt = 1) {
  const activities = createSshActivities({ ssh, brake: released, pause: passing() })
  const logger = new DefaultLogger('DEBUG', () => undefined)
  const environment = new MockActivityEnvironment({ attempt }, { logger })
  return {
    run: <T>(act: (all: typeof activities) => Promise<T>): Promise<T> => environment.run(() => act(activities)),
    look: (target = service) => environment.run(() => activities.lookAtProcess(target)),
    restart: (before: ProcessStatus | null = null, target = service) =>
      environment.run(() => activities.restartService({ ...target, before })),
    cancel: () => environment.cancel(),
  }
}
