import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { closedPort, rejection } from '../openstack/server.ts'
import { type BmcUnderTest, stewardAt } from './power.ts'

/** A BMC that is asked by the `ipmitool` of the PATH, and whose machine is off. */
export interface IpmiUnderTest extends BmcUnderTest {
  readonly address: string
  readonly port: number
  /** A port at which no BMC answers. */
  closedPort?: number
}

/** What Steward relies on in ipmitool and a BMC, asked of whoever plays the two. */
export function describeIpmiContract(name: string, connect: () => Promise<IpmiUnderTest>): void {
  describe(name, () => {
    let bmc: IpmiUnderTest
    beforeAll(async () => {
      bmc = await connect()
    }, 600_000)
    afterAll(() => bmc.down())

    const steward = (changes: object = {}) => {
      const { address, port, user, passwordFile } = bmc
      return stewardAt(bmc, { ipmi: { address, port, user, passwordFile, ...changes } })
    }

    it('says whether the machine is on', async () => {
      const { address, port } = bmc
      expect(await steward().look()).toMatchObject({
        ...{ state: 'off', way: 'ipmi', said: 'Chassis Power is off' },
        asked: `ipmitool chassis power status ${address}:${port}`,
      })
    })

    it('is turned on, off, and off softly by Steward, which sees each', async () => {
      const { off, on } = steward()
      expect(await on()).toMatchObject({ outcome: 'turned on', readings: [{ state: 'on' }, { state: 'on' }] })
      expect(await on()).toMatchObject({ outcome: 'was on' })
      expect(await off('hard')).toMatchObject({ outcome: 'turned off' })
      await on()
      expect(await off('graceful')).toMatchObject({ outcome: 'turned off' })
    })

    it('tells a wrong password from no answer', async () => {
      const wrong = await rejection(steward({ passwordFile: bmc.wrongPasswordFile }).look())
      expect([codeOf(wrong), wrong.message]).toEqual([
        'POWER_REFUSED',
        expect.stringContaining('RAKP 2 HMAC is invalid'),
      ])
    })

    it('does not tell an unknown user from no answer', async () => {
      for (const changes of [{ user: 'nobody' }, { port: bmc.closedPort ?? (await closedPort()) }]) {
        const error = await rejection(steward(changes).look())
        expect([codeOf(error), error.message]).toEqual([
          'POWER_UNREACHABLE',
          expect.stringMatching(/Unable to establish IPMI v2 \/ RMCP\+ session; or the login is wrong/),
        ])
      }
    })
  })
}
