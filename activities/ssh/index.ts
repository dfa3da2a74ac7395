import type { Activities } from '../../core/activities.ts'
import type { SshConfig } from '../../core/ssh.ts'
import type { Brake } from '../brake.ts'
import { createConnection } from './connection.ts'
import { createRestartActivities } from './restart.ts'

/** Everything that is done over SSH. */
export function createSshActivities(
  ssh: SshConfig | undefined,
  brake: Brake,
): Pick<Activities, 'lookAtProcess' | 'restartService'> {
  const connection = ssh && createConnection(ssh)
  return createRestartActivities(connection, brake)
}
