import { failure } from '../../core/errors.ts'
import { type SshConfig, type SshHost, wayTo } from '../../core/ssh.ts'
import { type Answer, answerOf, outputOf } from './answer.ts'
import { clientConfig } from './client-config.ts'
import { runSsh } from './process.ts'

export interface Command {
  readonly host: string
  readonly words: readonly string[]
  /** Whether it changes anything: one that does is never sent again without a look. */
  readonly changes: boolean
  readonly stdin?: string | undefined
  /** That of the host when left out. */
  readonly timeoutSeconds?: number | undefined
  /** Most of its output that is kept. @default 256 KiB */
  readonly stdoutBytes?: number | undefined
}

/** The way to hosts of steward.yaml, by the system's `ssh`. */
export interface Connection {
  readonly config: SshConfig
  readonly hostOf: (name: string) => SshHost | undefined
  /**
   * Sends one command, once.
   * @throws SSH_NOT_CONFIGURED, SSH_HOST_KEY_MISMATCH, SSH_UNREACHABLE (retried), SSH_OUTCOME_UNKNOWN when it changes something
   */
  send(command: Command): Promise<Answer>
  /** The output of one that must end well. @throws as `send`; SSH_SUDO_REFUSED, HOST_DISK_READ_ONLY, SSH_COMMAND_FAILED */
  output(command: Command): Promise<string>
}

/** A step that only reads has 45 s. */
const mostReadSeconds = 30
const stderrBytes = 16 << 10

/**
 * Key login only, host keys from the configured known_hosts only, and nothing but words that no shell interprets.
 * Without `ssh` in steward.yaml there is none.
 */
export function createConnection(config: SshConfig): Connection {
  const hostOf = (name: string) => (Object.hasOwn(config.hosts, name) ? config.hosts[name] : undefined)

  const send: Connection['send'] = async (command) => {
    const { host: name, words, changes, stdin, stdoutBytes = 256 << 10 } = command
    const host = hostOf(name)
    const hops = wayTo(config, name)
    if (!host || typeof hops === 'string')
      throw failure('SSH_NOT_CONFIGURED', `steward.yaml has no SSH host ${name}`, { host: name })
    const agent = config.agent === true
    if (agent && !process.env.SSH_AUTH_SOCK)
      throw failure('SSH_NOT_CONFIGURED', '`ssh.agent` is set, but the worker has no SSH_AUTH_SOCK')
    const ofHost = host.commandTimeoutSeconds ?? config.commandTimeoutSeconds
    const limitSeconds = command.timeoutSeconds ?? (changes ? ofHost : Math.min(ofHost, mostReadSeconds))
    const ended = await runSsh({
      config: clientConfig(config, hops, host.connectTimeoutSeconds ?? config.connectTimeoutSeconds),
      words,
      ...(stdin !== undefined && { stdin }),
      timeoutMs: limitSeconds * 1000,
      stdoutBytes,
      stderrBytes,
      agent,
    })
    return answerOf(ended, { host: name, words, changes, jumps: hops.length - 1 })
  }

  return { config, hostOf, send, output: async (command) => outputOf(await send(command), command) }
}
