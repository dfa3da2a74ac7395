import { Context } from '@temporalio/activity'
import type { Activities } from '../../core/activities.ts'
import { codeOf, failure } from '../../core/errors.ts'
import { isAnother } from '../../policies/supervisors/process-status.ts'
import type { Brake } from '../brake.ts'
import type { FindService } from './services.ts'

/** Restarts services as steward.yaml says for the host and service. */
export function createRestartActivities(find: FindService, brake: Brake): Pick<Activities, 'restartService'> {
  return {
    /**
     * Restarts a service unless it was begun anew since `before`: then an earlier attempt, whose answer was lost, has done
     * it. A lost answer is followed by a look; without `before` there is nothing to compare with, and it is left to people.
     *
     * @throws STOPPED, and as `lookAtProcess`; HOST_DISK_READ_ONLY; SSH_OUTCOME_UNKNOWN;
     *   SSH_CONNECTION_LOST (retried) when a look says that it was not done, or that it is under way
     */
    async restartService({ before, ...target }) {
      const { supervision } = find(target)
      const lost = (what: string) =>
        failure('SSH_CONNECTION_LOST', `${target.binary} on ${target.host} ${what}`, { ...target })
      const now = before && (await supervision.look())
      if (before && isAnother(now, before)) return { outcome: 'was restarted' }
      const isRepeat = Context.current().info.attempt > 1
      if (isRepeat && now?.state === 'changing') throw lost('is being restarted, or restarts by itself')
      await brake()
      try {
        await supervision.restart(now)
      } catch (error) {
        if (codeOf(error) !== 'SSH_OUTCOME_UNKNOWN' || !before) throw error
        if (!isAnother(await supervision.look(), before)) throw lost('is not restarted, or not yet')
      }
      return { outcome: 'restarted' }
    },
  }
}
