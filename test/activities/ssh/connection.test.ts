import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { codeOf, detailsOf } from '../../../core/errors.ts'
import { Ssh, wayTo } from '../../../core/ssh.ts'
import { eventually } from '../../../demo/stage/eventually.ts'
import { type Sshd, startJumpHost, startSshd } from '../../fakes/sshd.ts'
import { closedPort, rejection } from '../../openstack/server.ts'
import { activitiesOf, configOf } from './bench.ts'

let sshd: Sshd
beforeAll(async () => {
  sshd = await startSshd()
  return sshd.stop
})
beforeEach(() => sshd.reset())

const restarted = { outcome: 'restarted' }

describe('an SSH connection', () => {
  it.each(['changed', 'empty', 'strangeAuthority'] as const)(
    'is not made to a host whose key is not known (%s known_hosts)',
    async (file) => {
      const { restart } = activitiesOf(configOf(sshd, { knownHostsFile: sshd.knownHosts[file] }))
      const error = await rejection(restart())
      expect(codeOf(error)).toBe('SSH_HOST_KEY_MISMATCH')
      expect(error).toMatchObject({ nonRetryable: true })
      expect(detailsOf(error)).toEqual({ host: 'compute1' })
      expect(await sshd.asked()).toEqual([])
    },
  )

  it('is made to a host whose key a known authority has signed', async () => {
    const { restart } = activitiesOf(configOf(sshd, { knownHostsFile: sshd.knownHosts.authority }))
    expect(await restart()).toEqual(restarted)
  })

  it('that is refused may be tried again', async () => {
    const error = await rejection(activitiesOf(configOf(sshd, {}, { port: await closedPort() })).restart())
    expect(codeOf(error)).toBe('SSH_UNREACHABLE')
    expect(error.message).toMatch(/Connection refused/)
    expect(error).toMatchObject({ nonRetryable: false })
  })

  it('with a key that is not let in may be tried again, once somebody has put that right', async () => {
    const error = await rejection(activitiesOf(configOf(sshd, { keyFile: sshd.strangersKeyFile })).restart())
    expect(codeOf(error)).toBe('SSH_UNREACHABLE')
    expect(error.message).toMatch(/Permission denied \(publickey\)/)
    expect(await sshd.asked()).toEqual([])
  })

  it.each([
    ['host', { host: 'compute9', binary: 'nova-compute' }],
    ['service', { host: 'compute1', binary: 'neutron-server' }],
  ])('is not made for a %s that steward.yaml does not have', async (_what, target) => {
    const { look, restart } = activitiesOf(configOf(sshd))
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
    const error = await rejection(activitiesOf(configOf(sshd)).restart())
    expect([codeOf(error), error.message]).toEqual([
      'SSH_NOT_CONFIGURED',
      'there is no ssh program: install openssh-client',
    ])
  })

  it('leaves no file behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'steward-'))
    vi.stubEnv('TMPDIR', folder)
    onTestFinished(async () => {
      vi.unstubAllEnvs()
      await rm(folder, { recursive: true })
    })
    await activitiesOf(configOf(sshd)).restart()
    await rejection(activitiesOf(configOf(sshd, { knownHostsFile: sshd.knownHosts.empty })).restart())
    expect(await readdir(folder)).toEqual([])
  })

  it.each(['a "quoted" file', 'the $' + '{HOME} of somebody'])('is not made with %j as a path', async (keyFile) => {
    expect(codeOf(await rejection(activitiesOf(configOf(sshd, { keyFile })).restart()))).toBe('SSH_NOT_CONFIGURED')
  })

  it('reads files whose names have blanks and percent signs in them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'steward 100%h '))
    onTestFinished(() => rm(folder, { recursive: true }))
    const keyFile = join(folder, 'my key')
    execFileSync('cp', [sshd.keyFile, keyFile])
    expect(await activitiesOf(configOf(sshd, { keyFile })).restart()).toEqual(restarted)
  })

  it('does not take the last words of a host for those of ssh', async () => {
    const shell = "echo 'Host key verification failed.' >&2; echo 'sent' >&2; exit 255"
    await sshd.program('impostor', shell)
    const services = { 'nova-compute': { restart: ['impostor'] } }
    const error = await rejection(activitiesOf(configOf(sshd, {}, { services })).restart())
    expect([codeOf(error), detailsOf(error)]).toEqual(['SSH_COMMAND_FAILED', { host: 'compute1', exitCode: 255 }])
  })

  it('has the time limit of its host, where that has one', async () => {
    const services = { 'nova-compute': { restart: ['hang', 'it'] } }
    const startMs = Date.now()
    const error = await rejection(activitiesOf(configOf(sshd, {}, { services, commandTimeoutSeconds: 1 })).restart())
    expect(codeOf(error)).toBe('SSH_OUTCOME_UNKNOWN')
    expect(Date.now() - startMs).toBeLessThan(3_500)
  })
})

describe('the keys of an agent', () => {
  async function startAgent(): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'steward-agent-'))
    const socket = join(folder, 'socket')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    const ended = new Promise((resolve) => agent.once('close', resolve))
    onTestFinished(async () => {
      vi.unstubAllEnvs()
      agent.kill()
      await ended
      await rm(folder, { recursive: true })
    })
    await eventually('the agent', async () => (await readdir(folder)).includes('socket'))
    vi.stubEnv('SSH_AUTH_SOCK', socket)
    execFileSync('ssh-add', ['-q', sshd.keyFile])
  }

  it('let Steward in without a key file', async () => {
    await startAgent()
    expect(await activitiesOf(configOf(sshd, { agent: true })).restart()).toEqual(restarted)
  })

  it('are not used where steward.yaml names a key file', async () => {
    await startAgent()
    const error = await rejection(activitiesOf(configOf(sshd, { keyFile: sshd.strangersKeyFile })).restart())
    expect(codeOf(error)).toBe('SSH_UNREACHABLE')
  })

  it('are not asked for where there is no agent', async () => {
    vi.stubEnv('SSH_AUTH_SOCK', undefined)
    onTestFinished(() => void vi.unstubAllEnvs())
    const error = await rejection(activitiesOf(configOf(sshd, { agent: true })).restart())
    expect(codeOf(error)).toBe('SSH_NOT_CONFIGURED')
    expect(error.message).toContain('SSH_AUTH_SOCK')
  })
})

describe('a host behind a jump host', () => {
  async function jumpHost() {
    const host = await startJumpHost(sshd)
    onTestFinished(host.stop)
    return host
  }

  it('is reached through it, with the key that both know', async () => {
    const { port } = await jumpHost()
    const jump = { address: '127.0.0.1', port }
    const error = await rejection(
      activitiesOf(configOf(sshd, { jump: { ...jump, port: await closedPort() } })).restart(),
    )
    expect(codeOf(error)).toBe('SSH_UNREACHABLE')
    expect(error.message).toMatch(/Connection refused/)
    expect(await activitiesOf(configOf(sshd, { jump })).restart()).toEqual(restarted)
  })

  it('is not reached when the host key of the jump host is not known', async () => {
    const { port, unknown } = await jumpHost()
    await unknown()
    const error = await rejection(activitiesOf(configOf(sshd, { jump: { address: '127.0.0.1', port } })).restart())
    expect(codeOf(error)).toBe('SSH_HOST_KEY_MISMATCH')
    expect(error.message).toBe(
      'the host key of compute1, or of a machine on the way to it, is not the one in known_hosts',
    )
    expect(await sshd.asked()).toEqual([])
  })

  it('is not reached when its own host key is not known', async () => {
    const { port } = await jumpHost()
    const text = await sshd.read('right')
    await sshd.write('right', text.split('\n').slice(1).join('\n'))
    onTestFinished(() => sshd.write('right', text))
    const error = await rejection(activitiesOf(configOf(sshd, { jump: { address: '127.0.0.1', port } })).restart())
    expect(codeOf(error)).toBe('SSH_HOST_KEY_MISMATCH')
  })

  it('has its lost connections told apart as well', async () => {
    const { port } = await jumpHost()
    const services = { 'nova-compute': { restart: ['drop', 'it'] } }
    const config = configOf(sshd, { jump: { address: '127.0.0.1', port } }, { services })
    expect(codeOf(await rejection(activitiesOf(config).restart()))).toBe('SSH_OUTCOME_UNKNOWN')
  })
})

describe('the way to a host', () => {
  const base = { user: 'steward', keyFile: 'k', knownHostsFile: 'h' }
  const way = (ssh: object, name = 'cmp') => wayTo(Ssh.parse({ ...base, ...ssh }), name)
  const hosts = { cmp: { address: '10.0.0.9' }, door: { address: '192.0.2.1', user: 'gate' } }

  it('is direct when nothing else is said', () => {
    expect(way({ hosts })).toEqual([{ address: '10.0.0.9', port: 22, user: 'steward' }])
  })

  it('leads through the jump host of all, save to that one itself and to who wants none', () => {
    const through = [
      { address: '192.0.2.1', port: 22, user: 'gate' },
      { address: '10.0.0.9', port: 22, user: 'steward' },
    ]
    expect(way({ hosts, jump: 'door' })).toEqual(through)
    expect(way({ hosts, jump: 'door' }, 'door')).toHaveLength(1)
    expect(way({ hosts: { ...hosts, cmp: { address: '10.0.0.9', jump: false } }, jump: 'door' })).toHaveLength(1)
  })

  it('may lead through several', () => {
    const deep = { ...hosts, inner: { address: '10.9.0.1', jump: 'door' }, cmp: { address: '10.0.0.9', jump: 'inner' } }
    const addresses = (hops: ReturnType<typeof way>) => typeof hops !== 'string' && hops.map(({ address }) => address)
    expect(addresses(way({ hosts: deep }))).toEqual(['192.0.2.1', '10.9.0.1', '10.0.0.9'])
  })

  it.each([
    ['through a host that is not there', { hosts: { cmp: { address: 'a', jump: 'nowhere' } } }, /no host nowhere/],
    [
      'in a circle',
      { hosts: { a: { address: 'a', jump: 'b' }, b: { address: 'b', jump: 'a' } } },
      /leads through a twice/,
    ],
    ['with a key file and an agent', { hosts, agent: true }, /keyFile, or agent/],
  ])('%s is no way', (_what, ssh, why) => {
    expect(Ssh.safeParse({ ...base, ...ssh }).error?.message).toMatch(why)
  })
})
