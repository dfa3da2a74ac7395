import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { fakeIpmitool } from '../fakes/bmc/ipmitool.ts'
import { rejection } from '../openstack/server.ts'
import { type PowerRigOptions, powered } from './power-rig.ts'
import { stopTheClock } from './rig.ts'

beforeEach(stopTheClock)

/** compute1 behind a BMC that only the fake ipmitool knows. */
async function atIpmi({ ipmi = {}, ...options }: PowerRigOptions & { ipmi?: object } = {}) {
  const fake = await fakeIpmitool()
  onTestFinished(() => fake.close())
  vi.stubEnv('PATH', `${fake.folder}:${process.env.PATH}`)
  onTestFinished(() => void vi.unstubAllEnvs())
  const { user, passwordFile } = fake
  return { ...fake, ...powered({ way: { ipmi: { address: 'bmc1', user, passwordFile, ...ipmi } }, ...options }) }
}

describe('the power of a host by IPMI', () => {
  it('is read with what steward.yaml says, and the password is in no argument and not in the environment', async () => {
    vi.stubEnv('IPMITOOL_PASSWORD', 'of-somebody-else')
    const { look, asked, passwordFile } = await atIpmi({ ipmi: { cipherSuite: 17, port: 6230 } })
    expect(await look()).toEqual({
      host: 'compute1',
      state: 'on',
      way: 'ipmi',
      asked: 'ipmitool chassis power status bmc1:6230',
      said: 'Chassis Power is on',
      at: '2026-11-20T10:00:00.000Z',
    })
    const to = `-I lanplus -H bmc1 -p 6230 -U fencer -f ${passwordFile} -C 17`
    expect(await asked()).toEqual([`-v ${to} -N 2 -R 2 chassis power status`])
  })

  it('is turned off and on, softly where that is asked for', async () => {
    const { off, on, power, asked } = await atIpmi()
    expect(await off()).toMatchObject({ outcome: 'turned off' })
    expect(await power()).toBe('off')
    expect(await on()).toMatchObject({ outcome: 'turned on' })
    expect(await off('graceful')).toMatchObject({ outcome: 'turned off' })
    const orders = (await asked()).map((line) => line.split(' ').at(-1)).filter((verb) => verb !== 'status')
    expect(orders).toEqual(['off', 'on', 'soft'])
  })

  it.each(['Chassis Power is unknown', '', 'off', 'Chassis Power is office'])('is unknown at %j', async (said) => {
    const { look, off, instead, asked } = await atIpmi()
    await instead('status', `echo '${said}'`)
    for (const error of [await rejection(look()), await rejection(off())]) expect(codeOf(error)).toBe('POWER_UNKNOWN')
    expect((await asked()).join()).not.toMatch(/power off/)
  })

  it('is not told to somebody with a wrong password, who learns which file to look at', async () => {
    const { look, wrongPasswordFile, user } = await atIpmi()
    const { look: lookWrongly } = powered({ way: { ipmi: { address: 'bmc1', user, passwordFile: wrongPasswordFile } } })
    expect(await look()).toMatchObject({ state: 'on' })
    const error = await rejection(lookWrongly())
    expect(codeOf(error)).toBe('POWER_REFUSED')
    expect(error.message).toContain(`RAKP 2 HMAC is invalid`)
    expect(error.message).toContain(`check user fencer and ${wrongPasswordFile}`)
  })

  it.each([
    ['nobody listens', { port: 9 }],
    ['nobody knows the user', { user: 'nobody' }],
  ])('may be asked for again when %s: the two look alike', async (_what, ipmi) => {
    const { look } = await atIpmi({ ipmi })
    const error = await rejection(look())
    expect(codeOf(error)).toBe('POWER_UNREACHABLE')
    expect(error.message).toMatch(/gave no session: .*Unable to establish.*; or the login is wrong: user/)
    expect(error.message).not.toMatch(/IANA/)
  })

  it('is looked at when an order got no answer, and the order is not given again', async () => {
    const { off, instead, asked } = await atIpmi()
    await instead('off', `echo off > power; echo 'Close Session command failed' >&2; exit 1`)
    expect(await off()).toMatchObject({ outcome: 'turned off' })
    expect((await asked()).filter((line) => line.endsWith('power off'))).toHaveLength(1)
  })

  it('is looked at when an order does not end in time', async () => {
    const { off, instead } = await atIpmi({ timeoutSeconds: 1 })
    await instead('off', 'echo off > power; sleep 5')
    expect(await off()).toMatchObject({ outcome: 'turned off' })
  })

  it.each([
    [
      'Set Chassis Power Control to Down/Off failed: Command not supported in present state',
      'not supported in present',
    ],
    ['Set Chassis Power Control to Down/Off failed: Insufficient privilege level', 'check user fencer'],
  ])('is not changed when the BMC says: %s', async (says, told) => {
    const { off, instead } = await atIpmi()
    await instead('off', `echo '${says}' >&2; exit 1`)
    const error = await rejection(off())
    expect(codeOf(error)).toBe('POWER_REFUSED')
    expect(error.message).toContain(told)
  })

  it('is not asked for without a password file, because ipmitool would ask for one', async () => {
    const { look, asked } = await atIpmi({ ipmi: { passwordFile: '/nowhere/password' } })
    expect(codeOf(await rejection(look()))).toBe('POWER_NOT_CONFIGURED')
    expect(await asked()).toEqual([])
  })

  it('needs the ipmitool program', async () => {
    const { look } = await atIpmi()
    vi.stubEnv('PATH', '/nowhere')
    const error = await rejection(look())
    expect([codeOf(error), error.message]).toEqual([
      'POWER_NOT_CONFIGURED',
      'there is no ipmitool program: install ipmitool',
    ])
  })
})
