import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { powered } from './power-rig.ts'
import { stopTheClock } from './rig.ts'

beforeEach(stopTheClock)

/** compute1 behind a script that gets its verb as first argument. */
async function atCommand(body: string, changes: object = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'steward-power-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const script = join(folder, 'power')
  await writeFile(script, `#!/bin/sh\ncd ${folder}\necho "$*" >> asked\n${body}\n`)
  await chmod(script, 0o755)
  await writeFile(join(folder, 'state'), 'on\n')
  const verb = (name: string) => [script, name, 'compute1; reboot']
  const command = { status: verb('status'), off: verb('off'), on: verb('on'), ...changes }
  return {
    script,
    asked: async () => (await readFile(join(folder, 'asked'), 'utf8')).split('\n').filter(Boolean),
    ...powered({ way: { command }, timeoutSeconds: 1 }),
  }
}

const plain = 'if [ "$1" = status ]; then cat state; else echo "$1" > state; fi'

describe('the power of a host by commands', () => {
  it('is read as what is printed, and words stay words', async () => {
    const { look, asked, script } = await atCommand(plain)
    expect(await look()).toEqual({
      host: 'compute1',
      state: 'on',
      way: 'command',
      asked: `${script} status compute1; reboot`,
      said: 'on',
      at: '2026-11-20T10:00:00.000Z',
    })
    expect(await asked()).toEqual(['status compute1; reboot'])
  })

  it('is turned off and on', async () => {
    const { off, on, asked } = await atCommand(plain)
    expect(await off()).toMatchObject({ outcome: 'turned off' })
    expect(await on()).toMatchObject({ outcome: 'turned on' })
    expect((await asked()).filter((line) => !line.startsWith('status'))).toEqual([
      'off compute1; reboot',
      'on compute1; reboot',
    ])
  })

  it('cannot be turned off gracefully', async () => {
    const { off, asked } = await atCommand(plain)
    expect(codeOf(await rejection(off('graceful')))).toBe('POWER_UNSUPPORTED')
    expect(await asked()).toEqual(['status compute1; reboot'])
  })

  it.each(['OFF', 'off on', 'Power is off', ''])('is unknown when %j is printed', async (said) => {
    const { look } = await atCommand(`echo '${said}'`)
    const error = await rejection(look())
    expect(codeOf(error)).toBe('POWER_UNKNOWN')
    expect(error.message).toContain(`printed neither on nor off: ${said || 'nothing'}`)
  })

  it('is not known from a command that fails, whatever it printed', async () => {
    const { look } = await atCommand('echo off; echo "no route to the PDU" >&2; exit 3')
    const error = await rejection(look())
    expect(codeOf(error)).toBe('POWER_UNREACHABLE')
    expect(error.message).toMatch(/ ended with exit code 3: no route to the PDU$/)
  })

  it('is not known from a command that never ends, nor from its children', async () => {
    const { look } = await atCommand('echo off; sleep 30 & wait')
    expect(codeOf(await rejection(look()))).toBe('POWER_UNREACHABLE')
  })

  it('is looked at when an order failed: it may have been done', async () => {
    const done = await atCommand(`${plain}\n[ "$1" = status ] || exit 3`)
    expect(await done.off()).toMatchObject({ outcome: 'turned off' })
    const undone = await atCommand('if [ "$1" = status ]; then cat state; else echo jammed >&2; exit 3; fi')
    const error = await rejection(undone.off('hard', 20))
    expect(codeOf(error)).toBe('POWER_UNCHANGED')
    expect(error.message).toMatch(/ ended with exit code 3: jammed$/)
  })

  it('needs the program', async () => {
    const { look } = await atCommand(plain, { status: ['/nowhere/power'] })
    const error = await rejection(look())
    expect([codeOf(error), error.message]).toEqual([
      'POWER_NOT_CONFIGURED',
      'the power command of compute1 cannot be run: /nowhere/power: ENOENT',
    ])
    expect(detailsOf(error)).toEqual({ host: 'compute1' })
  })
})
