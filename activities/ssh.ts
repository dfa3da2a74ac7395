import type { Activities, ProcessStatus, ServiceTarget } from '../core/activities.ts'
import type { SshConfig } from '../core/config.ts'
import { failure } from '../core/errors.ts'
import type { Brake } from './brake.ts'
import { type Ended, runProgram } from './program.ts'

/** The exit code with which ssh says that it is ssh itself that failed. */
const sshFailed = 255

/**
 * Restarts services over the system's `ssh`: key login only, host keys from the configured known_hosts only, and
 * exactly the words that steward.yaml lists for the host and service. Without `ssh` in steward.yaml it refuses all.
 */
export function createSshActivities(
  ssh: SshConfig | undefined,
  brake: Brake,
): Pick<Activities, 'lookAtProcess' | 'restartService'> {
  function find({ host, binary }: ServiceTarget) {
    const target = ssh?.hosts[host]
    const commands = target?.services[binary]
    if (!ssh || !target || !commands)
      throw failure('SSH_NOT_CONFIGURED', `steward.yaml has no SSH command for ${binary} on ${host}`, { host, binary })
    return { ssh, target, commands }
  }

  async function execute(service: ServiceTarget, command: readonly string[]): Promise<string> {
    const { ssh, target } = find(service)
    const { address, port } = target
    const options = {
      BatchMode: 'yes',
      StrictHostKeyChecking: 'yes',
      UserKnownHostsFile: ssh.knownHostsFile,
      GlobalKnownHostsFile: '/dev/null',
      UpdateHostKeys: 'no',
      IdentitiesOnly: 'yes',
      ForwardAgent: 'no',
      ClearAllForwardings: 'yes',
      PreferredAuthentications: 'publickey',
      ConnectTimeout: String(ssh.connectTimeoutSeconds),
      ServerAliveInterval: '5',
      LogLevel: 'ERROR',
    }
    const args = ['-F', 'none', '-T', '-i', ssh.keyFile, '-p', String(port), '-l', ssh.user]
    for (const [name, value] of Object.entries(options)) args.push('-o', `${name}=${value}`)
    // after `--` nothing is an option; each word is of letters that mean only themselves to the remote shell
    const ended = await runSsh([...args, '--', address, ...command], ssh.commandTimeoutSeconds * 1000)
    return outcomeOf(ended, service, command)
  }

  async function look(service: ServiceTarget): Promise<ProcessStatus | null> {
    const { commands } = find(service)
    if (!commands.show) return null
    const [, pid, started] = /\bpid=(\d+) started=(\d+)\b/.exec(await execute(service, commands.show)) ?? []
    return pid && started ? { pid: Number(pid), startedEpochSeconds: Number(started) } : null
  }

  return {
    /**
     * Reads pid and start time of a service's process; null when the host has no command that shows them.
     * @throws SSH_NOT_CONFIGURED, SSH_HOST_KEY_MISMATCH, SSH_UNREACHABLE (retried), SSH_COMMAND_FAILED
     */
    lookAtProcess: look,

    /**
     * Restarts a service unless its process is another one than `before`: then an earlier attempt, whose answer was
     * lost, has done it. Without `before` a repeat restarts again.
     * @throws STOPPED, and as `lookAtProcess`
     */
    async restartService({ before, ...service }) {
      const { commands } = find(service)
      if (before) {
        const now = await look(service)
        const isAnother = now && now.pid !== 0 && now.pid !== before.pid
        if (isAnother) return { outcome: 'was restarted' }
      }
      await brake()
      await execute(service, commands.restart)
      return { outcome: 'restarted' }
    },
  }
}

function outcomeOf(ended: Ended, { host }: ServiceTarget, command: readonly string[]): string {
  const { exitCode, stdout, stderr, timedOut } = ended
  if (exitCode === 0) return stdout
  const said = (stderr || stdout).trim().split('\n').slice(-3).join(' ').slice(0, 300)
  if (
    exitCode === sshFailed &&
    /host key verification failed|REMOTE HOST IDENTIFICATION|no .* host key is known/i.test(stderr)
  )
    throw failure('SSH_HOST_KEY_MISMATCH', `the host key of ${host} is not the one in known_hosts`, { host })
  if (exitCode === sshFailed) throw failure('SSH_UNREACHABLE', `no SSH connection to ${host}: ${said}`, { host })
  const how = timedOut ? 'did not end in time' : `ended with exit code ${exitCode}`
  throw failure('SSH_COMMAND_FAILED', `"${command.join(' ')}" on ${host} ${how}: ${said}`, { host, exitCode })
}

async function runSsh(args: readonly string[], timeoutMs: number): Promise<Ended> {
  try {
    return await runProgram('ssh', args, { timeoutMs })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw failure('SSH_NOT_CONFIGURED', 'there is no ssh program: install openssh-client')
  }
}
