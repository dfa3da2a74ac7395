import type { Activities } from '../../core/activities.ts'
import type { SshConfig } from '../../core/ssh.ts'
import type { Brake } from '../brake.ts'
import type { Pause } from '../pause.ts'
import { createClusterActivities } from './cluster.ts'
import { createCommandActivities } from './command.ts'
import { createConnection } from './connection.ts'
import { createRestartActivities } from './restart.ts'
import { createFindService } from './services.ts'
import { createWatchActivities } from './watch.ts'

export interface SshActivitiesOptions {
  /** Without it everything is refused. */
  ssh: SshConfig | undefined
  brake: Brake
  pause: Pause
}

/** Everything that is done over SSH. */
export function createSshActivities({
  ssh,
  brake,
  pause,
}: SshActivitiesOptions): Pick<
  Activities,
  | 'describeService'
  | 'lookAtProcess'
  | 'restartService'
  | 'awaitProcessUp'
  | 'checkCluster'
  | 'awaitCluster'
  | 'runCommand'
  | 'lookOnHost'
> {
  const connection = ssh && createConnection(ssh)
  const find = createFindService(connection)
  return {
    ...createWatchActivities({ ssh, find, pause }),
    ...createRestartActivities(find, brake),
    ...createClusterActivities(connection, pause),
    ...createCommandActivities(connection, brake),
  }
}
