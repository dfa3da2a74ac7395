import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { CommandCall } from '../../../core/activities.ts'
import { codeOf, detailsOf } from '../../../core/errors.ts'
import { Ssh, type SshConfig } from '../../../core/ssh.ts'
import { type Sshd, startSshd } from '../../fakes/sshd.ts'
import { rejection } from '../../openstack/server.ts'
import { activitiesOf, configOf } from './bench.ts'

let sshd: Sshd
beforeAll(async () => {
  sshd = await startSshd()
  return sshd.stop
})
beforeEach(() => sshd.reset())

const commands = Ssh.shape.commands.parse({
  usage: { words: ['df', '--output=pcent', '{path}'], args: { path: '/[a-z/]{1,40}' }, changes: false },
  vacuum: { words: ['journalctl', '--vacuum-size={size}'], args: { size: '[0-9]{1,4}M' }, changes: true },
  mark: { words: ['mark', '{name}'], args: { name: '[a-z]+' }, changes: true, look: 'marked', undo: 'unmark' },
  marked: { words: ['marked', '{name}'], args: { name: '[a-z]+' }, changes: false },
  unmark: { words: ['unmark', '{name}'], args: { name: '[a-z]+' }, changes: true },
})

const run = (call: CommandCall, { attempt = 1, host = 'compute1', more = {} as Partial<SshConfig> } = {}) =>
  activitiesOf(configOf(sshd, { commands, ...more }), attempt).run(({ runCommand }) => runCommand({ host, ...call }))
const vacuum = { command: 'vacuum', args: { size: '500M' } }
const mark = { command: 'mark', args: { name: 'it' } }
const cutOff = 'kill -9 $PPID; exit 1'

describe('a command of steward.yaml', () => {
  it('is sent with its arguments; what it says and its exit code are the answer', async () => {
    await sshd.program('df', "echo 'Use%'; echo ' 97%'; echo 'one warning' >&2; exit 1")
    expect(await run({ command: 'usage', args: { path: '/var/log' } })).toEqual({
      ...{ outcome: 'ran', exitCode: 1, stdout: 'Use%\n 97%\n', stderr: 'one warning\n', cutBytes: 0 },
    })
    expect(await sshd.asked()).toEqual(['df --output=pcent /var/log'])
  })

  it('that prints ten megabytes is answered with the beginning and the end', async () => {
    await sshd.program('df', "echo begins; head -c 10000000 /dev/zero | tr '\\0' x; echo; echo ends")
    const { exitCode, stdout, cutBytes } = await run({ command: 'usage', args: { path: '/' + 'a' } })
    expect([exitCode, stdout.slice(0, 8), stdout.slice(-6)]).toEqual([0, 'begins\nx', '\nends\n'])
    expect(stdout).toContain(`[${cutBytes} bytes left out]`)
    expect(stdout.length).toBeLessThan(66 << 10)
  })

  it('that only looks can be run by who may only look, and one that changes something cannot', async () => {
    const look = (call: CommandCall) =>
      activitiesOf(configOf(sshd, { commands })).run(({ lookOnHost }) => lookOnHost({ host: 'compute1', ...call }))
    await sshd.program('df', "echo ' 97%'")
    expect(codeOf(await rejection(look(vacuum)))).toBe('SSH_NOT_CONFIGURED')
    expect(await sshd.asked()).toEqual([])
    expect(await look({ command: 'usage', args: { path: '/var/log' } })).toMatchObject({ stdout: ' 97%\n' })
  })

  it('may be of one host alone, in the place of that of all', async () => {
    await sshd.program('du', 'echo 5')
    const own = Ssh.shape.commands.parse({ usage: { words: ['du'], changes: false } })
    const config = configOf(sshd, { commands }, { commands: own })
    const { stdout } = await activitiesOf(config).run(({ runCommand }) =>
      runCommand({ host: 'compute1', command: 'usage', args: {} }),
    )
    expect(stdout).toBe('5\n')
  })

  it.each([
    ['a command', { command: 'reboot', args: {} }, 'compute1'],
    ['a host', vacuum, 'compute9'],
    ['what every object has', { command: 'constructor', args: {} }, 'compute1'],
  ])('is not sent for %s that steward.yaml does not have', async (_what, call, host) => {
    expect(codeOf(await rejection(run(call, { host })))).toBe('SSH_NOT_CONFIGURED')
    expect(await sshd.asked()).toEqual([])
  })

  it('is not sent with an argument that is not allowed', async () => {
    const error = await rejection(run({ command: 'vacuum', args: { size: '1M;reboot' } }))
    expect([codeOf(error), error.message]).toEqual([
      'SSH_ARGUMENT_REFUSED',
      'vacuum on compute1: the argument size is not what is allowed for it',
    ])
    expect(detailsOf(error)).toEqual({ host: 'compute1', command: 'vacuum' })
    expect(await sshd.asked()).toEqual([])
  })

  it('that sudo does not let run says so', async () => {
    await sshd.program('journalctl', "echo 'sudo: a password is required' >&2; exit 1")
    expect(codeOf(await rejection(run(vacuum)))).toBe('SSH_SUDO_REFUSED')
  })
})

describe('a command that changes something', () => {
  it('is left to people when its connection is lost and nothing can tell', async () => {
    await sshd.program('journalctl', cutOff)
    expect(codeOf(await rejection(run(vacuum)))).toBe('SSH_OUTCOME_UNKNOWN')
    expect(codeOf(await rejection(run(vacuum, { attempt: 2 })))).toBe('SSH_OUTCOME_UNKNOWN')
    expect(await sshd.asked()).toEqual(['journalctl --vacuum-size=500M'])
  })

  it('was done when its look says so', async () => {
    await sshd.program('mark', `touch "marked-$1"; ${cutOff}`)
    await sshd.program('marked', '[ -e "marked-$1" ]')
    const undo = { command: 'unmark', args: { name: 'it' } }
    expect(await run(mark)).toMatchObject({ outcome: 'was done', exitCode: null, undo })
    expect(await run(mark, { attempt: 2 })).toMatchObject({ outcome: 'was done' })
    expect(await sshd.asked()).toEqual(['mark it', 'marked it', 'marked it'])
    await sshd.remove('marked-it')
  })

  it('is tried again when its look says that it was not done', async () => {
    await sshd.program('mark', cutOff)
    await sshd.program('marked', 'exit 1')
    expect(codeOf(await rejection(run(mark)))).toBe('SSH_CONNECTION_LOST')
    await sshd.program('mark', 'echo marked')
    expect(await run(mark, { attempt: 2 })).toMatchObject({ outcome: 'ran', exitCode: 0, stdout: 'marked\n' })
    expect(await sshd.asked()).toEqual(['mark it', 'marked it', 'marked it', 'mark it'])
  })

  it('that only reads is just read again', async () => {
    await sshd.program('df', cutOff)
    expect(codeOf(await rejection(run({ command: 'usage', args: { path: '/var' } })))).toBe('SSH_UNREACHABLE')
  })
})
