import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createSshActivities } from '../../activities/ssh.ts'
import type { SshConfig } from '../../core/config.ts'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { type Sshd, startSshd } from '../fakes/sshd.ts'
import { closedPort, rejection } from '../openstack/server.ts'
import { released } from './rig.ts'

const service = { host: 'compute1', binary: 'nova-compute' }

let sshd: Sshd
beforeAll(async () => {
  sshd = await startSshd()
  return sshd.stop
})
beforeEach(() => sshd.reset())

interface Changes extends Partial<Omit<SshConfig, 'hosts'>> {
  port?: number
  restart?: string[]
  show?: string[] | null
}

/** Steward's activities with one host behind the sshd. */
function configured({
  port = sshd.port,
  restart = ['restart', 'it'],
  show = ['show', 'it'],
  ...changes
}: Changes = {}) {
  const ssh: SshConfig = {
    user: sshd.user,
    keyFile: sshd.keyFile,
    knownHostsFile: sshd.knownHosts.right,
    connectTimeoutSeconds: 5,
    commandTimeoutSeconds: 10,
    hosts: {
      compute1: {
        address: '127.0.0.1',
        port,
        services: { 'nova-compute': { restart, ...(show && { show }) } },
      },
    },
    ...changes,
  }
  return activitiesOf(ssh)
}

function activitiesOf(ssh: SshConfig | undefined) {
  const { lookAtProcess, restartService } = createSshActivities(ssh, released)
  const logger = new DefaultLogger('DEBUG', () => undefined)
  const environment = new MockActivityEnvironment({}, { logger })
  return {
    look: (target = service) => environment.run(() => lookAtProcess(target)),
    restart: (before: { pid: number; startedEpochSeconds: number } | null = null, target = service) =>
      environment.run(() => restartService({ ...target, before })),
    cancel: () => environment.cancel(),
  }
}

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
    expect(await configured().restart({ pid: 100, startedEpochSeconds: 1_700_000_000 })).toEqual({
      outcome: 'restarted',
    })
    expect(await sshd.asked()).toEqual(['show it', 'restart it'])
  })

  it('is not repeated after an earlier attempt has done it', async () => {
    const { restart } = configured()
    const before = { pid: 100, startedEpochSeconds: 1_700_000_000 }
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
    expect(codeOf(error)).toBe('SSH_COMMAND_FAILED')
    expect(error.message).toMatch(/^"flood it" on compute1 did not end in time: the log that never ends/)
    expect(error.message.length).toBeLessThan(400)
    expect(Date.now() - startMs).toBeLessThan(4_500)
    expect(process.memoryUsage().rss - rssBefore).toBeLessThan(200 << 20)
  })

  it('that hangs is killed at its limit', async () => {
    const { restart } = configured({ restart: ['hang', 'it'], commandTimeoutSeconds: 2 })
    const startMs = Date.now()
    const error = await rejection(restart())
    expect([codeOf(error), error.message]).toEqual([
      'SSH_COMMAND_FAILED',
      '"hang it" on compute1 did not end in time: ',
    ])
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

describe('an SSH connection', () => {
  it.each(['changed', 'empty'] as const)(
    'is not made to a host whose key is not known (%s known_hosts)',
    async (file) => {
      const { restart } = configured({ knownHostsFile: sshd.knownHosts[file] })
      const error = await rejection(restart())
      expect(codeOf(error)).toBe('SSH_HOST_KEY_MISMATCH')
      expect(error).toMatchObject({ nonRetryable: true })
      expect(detailsOf(error)).toEqual({ host: 'compute1' })
      expect(await sshd.asked()).toEqual([])
    },
  )

  it('that is refused may be tried again', async () => {
    const error = await rejection(configured({ port: await closedPort() }).restart())
    expect(codeOf(error)).toBe('SSH_UNREACHABLE')
    expect(error.message).toMatch(/Connection refused/)
    expect(error).toMatchObject({ nonRetryable: false })
  })

  it('with a key that is not let in may be tried again, once somebody has put that right', async () => {
    const error = await rejection(configured({ keyFile: sshd.strangersKeyFile }).restart())
    expect(codeOf(error)).toBe('SSH_UNREACHABLE')
    expect(error.message).toMatch(/Permission denied \(publickey\)/)
    expect(await sshd.asked()).toEqual([])
  })

  it.each([
    ['host', { host: 'compute9', binary: 'nova-compute' }],
    ['service', { host: 'compute1', binary: 'neutron-server' }],
  ])('is not made for a %s that steward.yaml does not have', async (_what, target) => {
    const { look, restart } = configured()
    for (const error of [await rejection(look(target)), await rejection(restart(null, target))]) {
      expect(codeOf(error)).toBe('SSH_NOT_CONFIGURED')
      expect(detailsOf(error)).toEqual(target)
    }
    expect(await sshd.asked()).toEqual([])
  })

  it('is not made without `ssh` in steward.yaml', async () => {
    expect(codeOf(await rejection(activitiesOf(undefined).restart()))).toBe('SSH_NOT_CONFIGURED')
  })

  it('needs the ssh program', async () => {
    vi.stubEnv('PATH', '/nowhere')
    onTestFinished(() => void vi.unstubAllEnvs())
    const error = await rejection(configured().restart())
    expect([codeOf(error), error.message]).toEqual([
      'SSH_NOT_CONFIGURED',
      'there is no ssh program: install openssh-client',
    ])
  })
})
