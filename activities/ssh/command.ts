import { Context } from '@temporalio/activity'
import type { Activities, CommandCall, CommandOutcome } from '../../core/activities.ts'
import { codeOf, failure, messageOf } from '../../core/errors.ts'
import type { HostCommand } from '../../core/ssh.ts'
import { wordsOf } from '../../policies/host-command.ts'
import type { Brake } from '../brake.ts'
import { refuseTold } from './answer.ts'
import type { Connection } from './connection.ts'

/** What goes into a history must be small. */
const stdoutBytes = 64 << 10

interface Ready {
  readonly command: HostCommand
  readonly words: readonly string[]
}

/** Runs the commands that steward.yaml lists for a host. Without `ssh` in steward.yaml it refuses all. */
export function createCommandActivities(
  connection: Connection | undefined,
  brake: Brake,
): Pick<Activities, 'runCommand' | 'lookOnHost'> {
  function prepare(host: string, { command: name, args }: CommandCall): Ready & { connection: Connection } {
    const known = connection?.hostOf(host)
    const commands = known && { ...connection?.config.commands, ...known.commands }
    const command = commands && Object.hasOwn(commands, name) ? commands[name] : undefined
    if (!connection || !command)
      throw failure('SSH_NOT_CONFIGURED', `steward.yaml has no command ${name} for ${host}`, { host, command: name })
    const worded = wordsOf(command, args)
    if ('refused' in worded)
      throw failure('SSH_ARGUMENT_REFUSED', `${name} on ${host}: ${worded.refused}`, { host, command: name })
    return { connection, command, words: worded.words }
  }

  /** Those of the arguments that the other command has as well. */
  function related(host: string, name: string, args: CommandCall['args']): CommandCall {
    const other = { ...connection?.config.commands, ...connection?.hostOf(host)?.commands }[name]
    const own = Object.entries(args).filter(([arg]) => other && Object.hasOwn(other.args, arg))
    return { command: name, args: Object.fromEntries(own) }
  }

  async function send(host: string, call: CommandCall) {
    const { connection, command, words } = prepare(host, call)
    const asked = { host, words, changes: command.changes, timeoutSeconds: command.timeoutSeconds, stdoutBytes }
    const answer = await connection.send(asked)
    refuseTold(answer, asked)
    return answer
  }

  return {
    /**
     * Runs one command that changes nothing by steward.yaml; repeatable.
     *
     * @throws SSH_NOT_CONFIGURED also for one that changes something, SSH_ARGUMENT_REFUSED, SSH_HOST_KEY_MISMATCH,
     *   SSH_SUDO_REFUSED; SSH_UNREACHABLE, SSH_CONNECTION_LOST (retried)
     */
    async lookOnHost({ host, ...call }) {
      if (prepare(host, call).command.changes)
        throw failure('SSH_NOT_CONFIGURED', `${call.command} on ${host} changes something: it is no way to look`, {
          ...{ host, command: call.command },
        })
      return { outcome: 'ran', ...(await send(host, call)) }
    },

    /**
     * Runs one command; another exit code than 0 is no failure. One that changes something is sent once: where its end was
     * not heard of, its `look` says whether it was done, and without one it is left to people. A second attempt begins with
     * that look, and is refused without one.
     *
     * @throws SSH_NOT_CONFIGURED, SSH_ARGUMENT_REFUSED, STOPPED, SSH_HOST_KEY_MISMATCH, SSH_UNREACHABLE (retried),
     *   SSH_SUDO_REFUSED, HOST_DISK_READ_ONLY, SSH_OUTCOME_UNKNOWN; SSH_CONNECTION_LOST (retried) when the look says that it
     *   was not done
     */
    async runCommand({ host, ...call }) {
      const { command } = prepare(host, call)
      const { look, undo, changes } = command
      const more = undo === undefined ? {} : { undo: related(host, undo, call.args) }
      const isDone = async () => look !== undefined && (await send(host, related(host, look, call.args))).exitCode === 0
      const wasDone: CommandOutcome = {
        outcome: 'was done',
        exitCode: null,
        stdout: '',
        stderr: '',
        cutBytes: 0,
        ...more,
      }
      if (changes && Context.current().info.attempt > 1) {
        if (look === undefined)
          throw failure('SSH_OUTCOME_UNKNOWN', `${call.command} on ${host} may have been sent by an earlier attempt`, {
            ...{ host, command: call.command },
          })
        if (await isDone()) return wasDone
      }
      if (changes) await brake()
      try {
        return { outcome: 'ran', ...(await send(host, call)), ...more }
      } catch (error) {
        if (codeOf(error) !== 'SSH_OUTCOME_UNKNOWN' || look === undefined) throw error
        if (await isDone()) return wasDone
        throw failure('SSH_CONNECTION_LOST', `${messageOf(error)}; ${look} says that it was not done`, {
          ...{ host, command: call.command },
        })
      }
    },
  }
}
