import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { codeOf } from '../../../core/errors.ts'
import type { SshHost } from '../../../core/ssh.ts'
import { type Sshd, startSshd } from '../../fakes/sshd.ts'
import { rejection } from '../../openstack/server.ts'
import { activitiesOf, configOf } from './bench.ts'

let sshd: Sshd
beforeAll(async () => {
  sshd = await startSshd()
  return sshd.stop
})

/** What a systemctl of the host does: `show` says what is in `unit`, `restart` makes it another invocation. */
const systemctl = `case "$1" in
  show) cat unit ;;
  reset-failed) rm -f too-often; sed -i s/failed/inactive/ unit ;;
  restart)
    if [ -e too-often ]; then
      echo "Job for nova-compute.service failed because start of the service was attempted too often." >&2; exit 1
    fi
    [ -e lost-before ] && { kill -9 $PPID; exit 1; }
    printf 'LoadState=loaded\\nActiveState=active\\nMainPID=200\\nInvocationID=second\\n' > unit
    [ -e lost-after ] && kill -9 $PPID
    exit 0 ;;
esac`
const unit = (state: string, invocation = 'first', load = 'loaded') =>
  sshd.write('unit', `LoadState=${load}\nActiveState=${state}\nMainPID=100\nInvocationID=${invocation}\n`)

beforeEach(async () => {
  await sshd.reset()
  for (const name of ['too-often', 'lost-before', 'lost-after']) await sshd.remove(name)
  await sshd.program('systemctl', systemctl)
  await unit('active')
})

const services: SshHost['services'] = {
  'nova-compute': { supervisor: 'systemd', name: 'nova-compute', sudo: false, seenBy: 'nova' },
}
const supervised = (attempt = 1) => activitiesOf(configOf(sshd, {}, { services }), attempt)
const before = { pid: 100, state: 'running', instance: 'first' } as const
const show = expect.stringMatching(/^systemctl show --property=\S+ nova-compute$/)
const restart = 'systemctl restart nova-compute'

describe('a service under systemd', () => {
  it('is looked at', async () => {
    expect(await supervised().look()).toEqual(before)
  })

  it('is restarted once: a repeat sees the other invocation', async () => {
    expect(await supervised().restart(before)).toEqual({ outcome: 'restarted' })
    expect(await supervised(2).restart(before)).toEqual({ outcome: 'was restarted' })
    expect(await sshd.asked()).toEqual([show, restart, show])
  })

  it('that has failed is reset first, so that it is not refused for too many starts', async () => {
    await unit('failed')
    const failed = { pid: 0, state: 'failed', instance: 'first' } as const
    expect(await supervised().restart(failed)).toEqual({ outcome: 'restarted' })
    expect(await sshd.asked()).toEqual([show, 'systemctl reset-failed nova-compute', restart])
  })

  it('that ran, and was stopped by a restart too many, is reset and restarted', async () => {
    await sshd.write('too-often', '')
    expect(await supervised().restart(before)).toEqual({ outcome: 'restarted' })
    expect(await sshd.asked()).toEqual([show, restart, 'systemctl reset-failed nova-compute', restart])
  })

  it('was restarted when the connection was lost and it is another invocation', async () => {
    await sshd.write('lost-after', '')
    expect(await supervised().restart(before)).toEqual({ outcome: 'restarted' })
    expect(await sshd.asked()).toEqual([show, restart, show])
  })

  it('was not when it is the same one; it is tried again', async () => {
    await sshd.write('lost-before', '')
    expect(codeOf(await rejection(supervised().restart(before)))).toBe('SSH_CONNECTION_LOST')
    await sshd.remove('lost-before')
    expect(await supervised(2).restart(before)).toEqual({ outcome: 'restarted' })
    expect(await sshd.asked()).toEqual([show, restart, show, show, restart])
  })

  it('that is being stopped is not told a second time', async () => {
    await unit('deactivating')
    expect(codeOf(await rejection(supervised(2).restart(before)))).toBe('SSH_CONNECTION_LOST')
    expect(await sshd.asked()).toEqual([show])
  })

  it('that hangs in its start is restarted at the first attempt', async () => {
    await unit('activating')
    const hanging = { pid: 100, state: 'changing', instance: 'first' } as const
    expect(await supervised().restart(hanging)).toEqual({ outcome: 'restarted' })
  })

  it.each(['not-found', 'masked'])('that is %s is for people', async (load) => {
    await unit('inactive', '', load)
    expect(codeOf(await rejection(supervised().look()))).toBe('SERVICE_NOT_FOUND')
  })

  it('whose supervisor says nothing anybody can read is for people', async () => {
    await sshd.program('systemctl', 'echo hello')
    expect(codeOf(await rejection(supervised().look()))).toBe('SSH_COMMAND_FAILED')
    await sshd.program('systemctl', 'echo "Failed to connect to bus" >&2; exit 1')
    expect((await rejection(supervised().look())).message).toContain('Failed to connect to bus')
  })
})
