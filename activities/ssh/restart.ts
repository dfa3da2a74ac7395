import type { Activities, ProcessStatus, ServiceTarget } from '../../core/activities.ts'
import { codeOf, failure } from '../../core/errors.ts'
import type { Brake } from '../brake.ts'
import type { Connection } from './connection.ts'

/**
 * Restarts services with exactly the words that steward.yaml lists for the host and service. Without `ssh` in
 * steward.yaml it refuses all.
 */
export function createRestartActivities(
  connection: Connection | undefined,
  brake: Brake,
): Pick<Activities, 'lookAtProcess' | 'restartService'> {
  function find({ host, binary }: ServiceTarget) {
    const services = connection?.hostOf(host)?.services
    const commands = services && Object.hasOwn(services, binary) ? services[binary] : undefined
    if (!connection || !commands)
      throw failure('SSH_NOT_CONFIGURED', `steward.yaml has no SSH command for ${binary} on ${host}`, { host, binary })
    return { connection, commands }
  }

  async function look(service: ServiceTarget): Promise<ProcessStatus | null> {
    const { connection, commands } = find(service)
    if (!commands.show) return null
    const said = await connection.output({ host: service.host, words: commands.show, changes: false })
    const [, pid, started] = /\bpid=(\d+) started=(\d+)\b/.exec(said) ?? []
    return pid && started ? { pid: Number(pid), startedEpochSeconds: Number(started) } : null
  }

  return {
    /**
     * Reads pid and start time of a service's process; null when the host has no command that shows them.
     * @throws SSH_NOT_CONFIGURED, SSH_HOST_KEY_MISMATCH, SSH_UNREACHABLE (retried), SSH_SUDO_REFUSED, SSH_COMMAND_FAILED
     */
    lookAtProcess: look,

    /**
     * Restarts a service unless its process is another one than `before`: then an earlier attempt, whose answer was
     * lost, has done it. A lost answer is followed by a look; without `before` there is nothing to compare with, and it
     * is left to people.
     *
     * @throws STOPPED, and as `lookAtProcess`; SSH_OUTCOME_UNKNOWN; SSH_CONNECTION_LOST (retried) when the look says that it was not done
     */
    async restartService({ before, ...service }) {
      const { connection, commands } = find(service)
      const isDone = async () => before !== null && isAnother(await look(service), before)
      if (await isDone()) return { outcome: 'was restarted' }
      await brake()
      try {
        await connection.output({ host: service.host, words: commands.restart, changes: true })
      } catch (error) {
        if (codeOf(error) !== 'SSH_OUTCOME_UNKNOWN' || before === null) throw error
        if (!(await isDone()))
          throw failure('SSH_CONNECTION_LOST', `${service.binary} on ${service.host} is not restarted, or not yet`, {
            ...service,
          })
      }
      return { outcome: 'restarted' }
    },
  }
}

const isAnother = (now: ProcessStatus | null, before: ProcessStatus) =>
  now !== null && now.pid !== 0 && now.pid !== before.pid
