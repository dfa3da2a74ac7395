import type { ProcessStatus, ServiceTarget } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import { isSupervised, type SshService } from '../../core/ssh.ts'
import { type Supervisor, supervisorOf } from '../../policies/supervisors/supervisor.ts'
import { outputOf, refuseTold } from './answer.ts'
import type { Connection } from './connection.ts'

/** One service on one host, and how it is restarted there. */
export interface Supervision {
  /** Null when nothing shows it. */
  look(): Promise<ProcessStatus | null>
  /** Sends the restart once; what its supervisor has given up is given another chance first. */
  restart(seen: ProcessStatus | null): Promise<void>
}

export function superviseService(connection: Connection, target: ServiceTarget, service: SshService): Supervision {
  if (isSupervised(service)) return bySupervisor(connection, target, supervisorOf(service, target.host))
  const { host } = target
  const { restart, show } = service
  return {
    async look() {
      if (!show) return null
      const said = await connection.output({ host, words: show, changes: false })
      const [, pid, started] = /\bpid=(\d+) started=(\d+)\b/.exec(said) ?? []
      return pid && started ? { pid: Number(pid), startedEpochSeconds: Number(started) } : null
    },
    async restart() {
      await connection.output({ host, words: restart, changes: true })
    },
  }
}

function bySupervisor(connection: Connection, { host, binary }: ServiceTarget, supervisor: Supervisor): Supervision {
  const reset = async () => {
    if (supervisor.reset) await connection.output({ host, words: supervisor.reset, changes: true })
  }
  return {
    async look() {
      const asked = { host, words: supervisor.look, changes: false }
      const answer = await connection.send(asked)
      const status = supervisor.read(answer, Date.now())
      if (status === 'no such service')
        throw failure('SERVICE_NOT_FOUND', `${host} has no ${binary}: asked "${asked.words.join(' ')}"`, {
          host,
          binary,
        })
      if (status) return status
      outputOf(answer, asked)
      throw failure('SSH_COMMAND_FAILED', `nobody can read what "${asked.words.join(' ')}" on ${host} says`, { host })
    },
    async restart(seen) {
      if (seen?.state === 'failed') await reset()
      const asked = { host, words: supervisor.restart, changes: true }
      const answer = await connection.send(asked)
      if (!supervisor.isGivenUp?.(answer)) return void outputOf(answer, asked)
      refuseTold(answer, asked)
      // the attempt has stopped what ran, so it is not left at that
      await reset()
      await connection.output(asked)
    },
  }
}
