import { failure } from '../../core/errors.ts'
import type { Ended } from './process.ts'

/** What a command on a host came to, when that is known. */
export interface Answer {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  readonly cutBytes: number
}

export interface Asked {
  readonly host: string
  readonly words: readonly string[]
  /** One that only reads may be sent again whenever no answer came. */
  readonly changes: boolean
  /** Machines on the way. */
  readonly jumps: number
}

const unknownKey = /host key verification failed|REMOTE HOST IDENTIFICATION|no .* host key is known/i

/**
 * The command's own end, or why there is none.
 *
 * @throws SSH_HOST_KEY_MISMATCH, SSH_UNREACHABLE (retried): nothing was done, or only something was read;
 *   SSH_OUTCOME_UNKNOWN
 */
export function answerOf(ended: Ended, { host, words, changes, jumps }: Asked): Answer {
  const { exitCode, stdout, stderr, cutBytes, timedOut, sent, answered, complaint } = ended
  if (answered) return { exitCode: answered === 'signal' ? null : exitCode, stdout, stderr, cutBytes }
  const details = { host }
  if (!sent && unknownKey.test(complaint)) {
    const whose = jumps > 0 ? `${host}, or of a machine on the way to it,` : host
    throw failure('SSH_HOST_KEY_MISMATCH', `the host key of ${whose} is not the one in known_hosts`, details)
  }
  const said = lastLines(complaint) || (timedOut ? 'no answer in time' : 'the connection was closed')
  if (!sent) throw failure('SSH_UNREACHABLE', `no SSH connection to ${host}: ${said}`, details)
  const what = `"${words.join(' ')}" on ${host}`
  if (/^exec request failed/m.test(complaint)) throw failure('SSH_COMMAND_FAILED', `${what} was not let run`, details)
  const how = timedOut ? 'did not end in time' : 'was sent, then the connection was lost'
  if (!changes) throw failure('SSH_UNREACHABLE', `${what} ${how}`, details)
  const last = lastLines(stderr || stdout)
  throw failure('SSH_OUTCOME_UNKNOWN', `${what} ${how}${last && `: ${last}`}`, details)
}

/** What `sudo -n` says when it would have to ask, or does not allow it: the classic one, and sudo-rs. */
const sudoRefused =
  /^sudo: .*(password is required|terminal is required|must have a tty|authentication (is )?required)|^sorry, user \S+ (is not allowed|may not run)|is not in the sudoers file/im

/**
 * The output of a command that ended well.
 *
 * @throws SSH_SUDO_REFUSED, HOST_DISK_READ_ONLY, SSH_COMMAND_FAILED
 */
export function outputOf(answer: Answer, asked: Pick<Asked, 'host' | 'words'>): string {
  if (answer.exitCode === 0) return answer.stdout
  refuseTold(answer, asked)
  const { exitCode, stdout, stderr } = answer
  const how = exitCode === null ? 'was ended by a signal' : `ended with exit code ${exitCode}`
  const said = lastLines(stderr || stdout)
  throw failure('SSH_COMMAND_FAILED', `"${asked.words.join(' ')}" on ${asked.host} ${how}: ${said}`, {
    host: asked.host,
    exitCode,
  })
}

/** Names the faults of a host that a person has to mend. @throws SSH_SUDO_REFUSED, HOST_DISK_READ_ONLY */
export function refuseTold({ exitCode, stdout, stderr }: Answer, { host, words }: Pick<Asked, 'host' | 'words'>): void {
  if (exitCode === 0) return
  const details = { host, exitCode }
  const what = `"${words.join(' ')}" on ${host}`
  if (sudoRefused.test(stderr)) throw failure('SSH_SUDO_REFUSED', `sudo does not let ${what} run`, details)
  if (/read-only file ?system/i.test(stderr + stdout))
    throw failure(
      'HOST_DISK_READ_ONLY',
      `${what} found a read-only file system: ${lastLines(stderr || stdout)}`,
      details,
    )
}

export const lastLines = (text: string): string => text.trim().split('\n').slice(-3).join(' ').slice(0, 300)
