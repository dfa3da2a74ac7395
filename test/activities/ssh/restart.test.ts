import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { codeOf, detailsOf } from '../../../core/errors.ts'
import { type Sshd, startSshd } from '../../fakes/sshd.ts'
import { rejection } from '../../openstack/server.ts'
import { activitiesOf, configOf } from './bench.ts'

let sshd: Sshd
beforeAll(async () => {
  sshd = await startSshd()
  return sshd.stop
})
beforeEach(() => sshd.reset())

const before = { pid: 100, startedEpochSeconds: 1_700_000_000 }

interface Changes {
  restart?: string[]
  show?: string[] | null
  commandTimeoutSeconds?: number
}

/** Steward's activities with one service on one host. */
const configured = ({ restart = ['restart', 'it'], show = ['show', 'it'], ...changes }: Changes = {}) =>
  activitiesOf(configOf(sshd, changes, { services: { 'nova-compute': { restart, ...(show && { show }) } } }))

describe('the look at a process over SSH', () => {
  it('gives its pid and start time', async () => {
    expect(await configured().look()).toEqual({ pid: 100, startedEpochSeconds: 1_700_000_000 })
    expect(await sshd.asked()).toEqual(['show it'])
  })

  it('shows a dead one as pid 0', async () => {
    await sshd.setProcess('pid=0 started=0\n')
    expect(await configured().look()).toEqual({ pid: 0, startedEpochSeconds: 0 })
  })

  it.each(['', 'pid=x started=y\n'])('gives nothing for %j', async (said) => {
    await sshd.setProcess(said)
    expect(await configured().look()).toBeNull()
  })

  it('gives nothing, and asks nothing, when the host has no command for it', async () => {
    expect(await configured({ show: null }).look()).toBeNull()
    expect(await sshd.asked()).toEqual([])
  })
})

describe('a restart over SSH', () => {
  it('sends the words of steward.yaml and nothing else', async () => {
    expect(await configured().restart()).toEqual({ outcome: 'restarted' })
    expect(await sshd.asked()).toEqual(['restart it'])
  })

  it('looks first whether the process is still the one that was to be replaced', async () => {
    expect(await configured().restart(before)).toEqual({
      outcome: 'restarted',
    })
    expect(await sshd.asked()).toEqual(['show it', 'restart it'])
  })

  it('is not repeated after an earlier attempt has done it', async () => {
    const { restart } = configured()
    await restart(before)
    await sshd.asked()
    expect(await restart(before)).toEqual({ outcome: 'was restarted' })
    expect(await sshd.asked()).toEqual(['show it', 'restart it', 'show it'])
  })

  it('starts a process that is dead, also when an earlier attempt has killed it', async () => {
    await sshd.setProcess('pid=0 started=0\n')
    expect(await configured().restart({ pid: 100, startedEpochSeconds: 1 })).toEqual({ outcome: 'restarted' })
    await sshd.setProcess('pid=0 started=0\n')
    expect(await configured().restart({ pid: 0, startedEpochSeconds: 0 })).toEqual({ outcome: 'restarted' })
  })

  it('is done when a process that was dead is there', async () => {
    expect(await configured().restart({ pid: 0, startedEpochSeconds: 0 })).toEqual({ outcome: 'was restarted' })
  })

  it('that fails tells its exit code and last lines', async () => {
    const error = await rejection(configured({ restart: ['fail', 'it'] }).restart())
    expect(codeOf(error)).toBe('SSH_COMMAND_FAILED')
    expect(error.message).toBe('"fail it" on compute1 ended with exit code 3: three four five')
    expect(detailsOf(error)).toEqual({ host: 'compute1', exitCode: 3 })
    expect(error).toMatchObject({ nonRetryable: true })
  })

  it('that the host does not allow fails', async () => {
    const error = await rejection(configured({ restart: ['restart', 'everything'] }).restart())
    expect([codeOf(error), error.message]).toEqual([
      'SSH_COMMAND_FAILED',
      '"restart everything" on compute1 ended with exit code 126: refused: restart everything',
    ])
  })

  it('with an output that never ends is cut off at its limit, and little of it is kept', async () => {
    const { restart } = configured({ restart: ['flood', 'it'], commandTimeoutSeconds: 2 })
    const startMs = Date.now()
    const rssBefore = process.memoryUsage().rss
    const error = await rejection(restart())
    expect(codeOf(error)).toBe('SSH_OUTCOME_UNKNOWN')
    expect(error.message).toMatch(/^"flood it" on compute1 did not end in time: the log that never ends/)
    expect(error.message.length).toBeLessThan(400)
    expect(Date.now() - startMs).toBeLessThan(4_500)
    expect(process.memoryUsage().rss - rssBefore).toBeLessThan(200 << 20)
  })

  it('that hangs is killed at its limit', async () => {
    const { restart } = configured({ restart: ['hang', 'it'], commandTimeoutSeconds: 2 })
    const startMs = Date.now()
    const error = await rejection(restart())
    expect([codeOf(error), error.message]).toEqual(['SSH_OUTCOME_UNKNOWN', '"hang it" on compute1 did not end in time'])
    expect(await sshd.asked()).toEqual(['hang it'])
    expect(Date.now() - startMs).toBeLessThan(4_500)
  })

  it('that says something unreadable says little of it', async () => {
    const error = await rejection(configured({ restart: ['say', 'it', 'in', 'binary'] }).restart())
    expect(codeOf(error)).toBe('SSH_COMMAND_FAILED')
    expect(error.message.length).toBeLessThan(400)
  })

  it('ends at once when it is cancelled', async () => {
    const { restart, cancel } = configured({ restart: ['hang', 'it'] })
    const startMs = Date.now()
    const ended = rejection(restart())
    await vi.waitFor(async () => expect(await sshd.asked()).toEqual(['hang it']), { timeout: 5_000 })
    cancel()
    expect((await ended).name).toMatch(/Abort|Cancel/)
    expect(Date.now() - startMs).toBeLessThan(4_000)
  })
})

describe('a restart whose connection is lost after it was sent', () => {
  it('was done when the process is another one than before', async () => {
    const { restart } = configured({ restart: ['restart', 'it', 'and', 'drop', 'it'] })
    expect(await restart(before)).toEqual({ outcome: 'restarted' })
    expect(await sshd.asked()).toEqual(['show it', 'restart it and drop it', 'show it'])
  })

  it('may be tried again, with a look before it, when the process is the one of before', async () => {
    const { restart } = configured({ restart: ['drop', 'it'] })
    const error = await rejection(restart(before))
    expect(codeOf(error)).toBe('SSH_CONNECTION_LOST')
    expect(error).toMatchObject({ nonRetryable: false })
    expect(await sshd.asked()).toEqual(['show it', 'drop it', 'show it'])
  })

  it('is left to people when there is no process to compare with', async () => {
    const { restart } = configured({ restart: ['drop', 'it'], show: null })
    const error = await rejection(restart())
    expect(codeOf(error)).toBe('SSH_OUTCOME_UNKNOWN')
    expect(error.message).toMatch(/^"drop it" on compute1 was sent, then the connection was lost/)
    expect(error).toMatchObject({ nonRetryable: true })
    expect(await sshd.asked()).toEqual(['drop it'])
  })
})

describe('a host with a fault', () => {
  const ending = async (shell: string) => {
    await sshd.program('sudo', shell)
    return rejection(configured({ restart: ['sudo', '-n', 'systemctl', 'restart', 'it'] }).restart())
  }

  it.each([
    'sudo: a password is required',
    'sudo: a terminal is required to read the password; either use the -S option to read from standard input',
    'sudo: interactive authentication is required',
    "Sorry, user steward is not allowed to execute '/usr/bin/systemctl restart it' as root on compute1.",
    'steward is not in the sudoers file.',
  ])('says that sudo refuses: %s', async (said) => {
    const error = await ending(`cat >&2 <<'.'\n${said}\n.\nexit 1`)
    expect([codeOf(error), error.message]).toEqual([
      'SSH_SUDO_REFUSED',
      'sudo does not let "sudo -n systemctl restart it" on compute1 run',
    ])
  })

  it('says that a disk is read-only', async () => {
    const error = await ending('echo "rm: cannot remove /run/lock: Read-only file system" >&2; exit 1')
    expect(codeOf(error)).toBe('HOST_DISK_READ_ONLY')
    expect(error.message).toContain('rm: cannot remove /run/lock')
  })

  it('that prints ten megabytes is heard to the end, and little of it is kept', async () => {
    expect(await configured({ show: ['print', 'it'] }).look()).toBeNull()
  })

  it('that kills the command says so', async () => {
    const error = await ending('kill -9 $$')
    expect([codeOf(error), error.message]).toEqual([
      'SSH_COMMAND_FAILED',
      '"sudo -n systemctl restart it" on compute1 was ended by a signal: ',
    ])
  })
})
