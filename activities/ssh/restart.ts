import { Context } from '@temporalio/activity'
import type { Activities, ServiceTarget } from '../../core/activities.ts'
import { codeOf, failure } from '../../core/errors.ts'
import { isAnother } from '../../policies/supervisors/process-status.ts'
import type { Brake } from '../brake.ts'
import type { Connection } from './connection.ts'
import { type Supervision, superviseService } from './supervision.ts'

/** Restarts services as steward.yaml says for the host and service. Without `ssh` in steward.yaml it refuses all. */
export function createRestartActivities(
  connection: Connection | undefined,
  brake: Brake,
): Pick<Activities, 'lookAtProcess' | 'restartService'> {
  function find({ host, binary }: ServiceTarget): Supervision {
    const services = connection?.hostOf(host)?.services
    const service = services && Object.hasOwn(services, binary) ? services[binary] : undefined
    if (!connection || !service)
      throw failure('SSH_NOT_CONFIGURED', `steward.yaml has no SSH command for ${binary} on ${host}`, { host, binary })
    return superviseService(connection, { host, binary }, service)
  }

  return {
    /**
     * Reads what is behind a service; null when the host has nothing that shows it.
     * @throws SSH_NOT_CONFIGURED, SERVICE_NOT_FOUND, SSH_HOST_KEY_MISMATCH, SSH_UNREACHABLE (retried), SSH_SUDO_REFUSED,
     *   SSH_COMMAND_FAILED
     */
    async lookAtProcess(target) {
      return find(target).look()
    },

    /**
     * Restarts a service unless it was begun anew since `before`: then an earlier attempt, whose answer was lost, has done
     * it. A lost answer is followed by a look; without `before` there is nothing to compare with, and it is left to people.
     *
     * @throws STOPPED, and as `lookAtProcess`; HOST_DISK_READ_ONLY; SSH_OUTCOME_UNKNOWN;
     *   SSH_CONNECTION_LOST (retried) when a look says that it was not done, or that it is under way
     */
    async restartService({ before, ...target }) {
      const service = find(target)
      const lost = (what: string) =>
        failure('SSH_CONNECTION_LOST', `${target.binary} on ${target.host} ${what}`, { ...target })
      const now = before && (await service.look())
      if (before && isAnother(now, before)) return { outcome: 'was restarted' }
      const isRepeat = Context.current().info.attempt > 1
      if (isRepeat && now?.state === 'changing') throw lost('is being restarted, or restarts by itself')
      await brake()
      try {
        await service.restart(now)
      } catch (error) {
        if (codeOf(error) !== 'SSH_OUTCOME_UNKNOWN' || !before) throw error
        if (!isAnother(await service.look(), before)) throw lost('is not restarted, or not yet')
      }
      return { outcome: 'restarted' }
    },
  }
}
