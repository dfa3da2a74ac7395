import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { createHttp, type HttpAnswer, jsonOf, type Method } from '../../openstack/http.ts'
import { rejection } from '../openstack/server.ts'
import { type BmcUnderTest, stewardAt } from './power.ts'

/** A Redfish service whose one system is off. */
export interface RedfishUnderTest extends BmcUnderTest {
  readonly url: string
  readonly caFile?: string
  /** The same, as text. */
  readonly ca?: string
}

const collection = '/redfish/v1/Systems'

/** What Steward relies on in Redfish, asked of whoever plays the BMC. */
export function describeRedfishContract(name: string, connect: () => Promise<RedfishUnderTest>): void {
  describe(name, () => {
    let bmc: RedfishUnderTest
    let system = ''
    let reset = ''
    beforeAll(async () => {
      bmc = await connect()
    }, 600_000)
    afterAll(() => bmc.down())

    async function ask(method: Method, path: string, body?: unknown, login = `${bmc.user}:${bmc.password}`) {
      const http = createHttp({ keepAlive: false, tls: { verify: true, ...(bmc.ca && { ca: bmc.ca }) } })
      const authorization = `Basic ${Buffer.from(login).toString('base64')}`
      const headers = login === '' ? {} : { authorization }
      const answer = await http({ service: 'bmc', method, url: `${bmc.url}${path}`, headers, body })
      // biome-ignore lint/suspicious/noExplicitAny: the contract is about its shape
      return { status: answer.status, headers: answer.headers, json: jsonOf(answer as HttpAnswer) as any }
    }
    const way = (changes: object = {}) => ({
      redfish: {
        ...{ url: bmc.url, user: bmc.user, passwordFile: bmc.passwordFile, ...changes },
        ...(bmc.caFile && { caFile: bmc.caFile }),
      },
    })
    const steward = (changes?: object) => stewardAt(bmc, way(changes))

    it('lets nobody in without a login, nor with a wrong one, and says so in its own form of error', async () => {
      for (const [login, says] of [
        ['', 'Authorization required'],
        [`${bmc.user}:wrong`, 'Incorrect username or password'],
      ]) {
        const { status, headers, json } = await ask('GET', collection, undefined, login)
        expect([status, json.error.message]).toEqual([401, says])
        expect(headers['www-authenticate']).toMatch(/^Basic realm=/)
        expect(json.error['@Message.ExtendedInfo']).toHaveLength(1)
      }
    })

    it('names its systems by links', async () => {
      const { status, json } = await ask('GET', collection)
      expect([status, json['Members@odata.count']]).toEqual([200, 1])
      expect(json.Members).toEqual([{ '@odata.id': expect.stringMatching(/^\/redfish\/v1\/Systems\/[^/]+$/) }])
      system = json.Members[0]['@odata.id']
    })

    it('shows of a system its power, its UUID, and which resets it takes where', async () => {
      const { status, json } = await ask('GET', system)
      expect(status).toBe(200)
      expect(json).toMatchObject({
        '@odata.id': system,
        PowerState: 'Off',
        UUID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      })
      const action = json.Actions['#ComputerSystem.Reset']
      reset = action.target
      expect(reset).toBe(`${system}/Actions/ComputerSystem.Reset`)
      const wanted = ['On', 'ForceOff', 'GracefulShutdown']
      expect(action['ResetType@Redfish.AllowableValues']).toEqual(expect.arrayContaining(wanted))
    })

    it('does not know a system that is not there', async () => {
      const { status, json } = await ask('GET', `${collection}/9`)
      expect([status, json.error.message]).toEqual([404, expect.stringMatching(/was not found$/)])
    })

    it('refuses a reset that there is not, with 501, and one by GET', async () => {
      const { status, json } = await ask('POST', reset, { ResetType: 'Nonsense' })
      expect([status, json.error.message]).toEqual([501, 'Power state Nonsense is not supported'])
      expect((await ask('GET', reset)).status).toBe(405)
    })

    it('takes an order with 204 and nothing else, and has it done a while later', async () => {
      const taken = await ask('POST', reset, { ResetType: 'On' })
      expect([taken.status, taken.json]).toEqual([204, undefined])
      expect((await ask('GET', system)).json.PowerState).toBe('Off')
      await bmc.letPass(13_000)
      expect((await ask('GET', system)).json.PowerState).toBe('On')
    })

    it('takes an order for what it is already', async () => {
      expect((await ask('POST', reset, { ResetType: 'On' })).status).toBe(204)
    })

    it('is turned off, on, and off gracefully by Steward, which sees each', async () => {
      const { look, off, on } = steward()
      expect(await look()).toMatchObject({ state: 'on', way: 'redfish', said: 'PowerState: On' })
      expect(await off('hard')).toMatchObject({ outcome: 'turned off', readings: [{ state: 'off' }, { state: 'off' }] })
      expect(await off('hard')).toMatchObject({ outcome: 'was off' })
      expect(await on()).toMatchObject({ outcome: 'turned on' })
      expect(await off('graceful')).toMatchObject({ outcome: 'turned off' })
      expect(await look()).toMatchObject({ state: 'off', machineUuid: expect.any(String) })
    })

    it('refuses Steward with a wrong password, or at a system that is not there', async () => {
      const wrong = await rejection(steward({ passwordFile: bmc.wrongPasswordFile }).look())
      expect([codeOf(wrong), wrong.message]).toEqual(['POWER_REFUSED', expect.stringContaining(bmc.wrongPasswordFile)])
      const gone = await rejection(steward({ system: `${collection}/9` }).look())
      expect([codeOf(gone), gone.message]).toEqual([
        'POWER_REFUSED',
        expect.stringMatching(/answered 404 .* not found$/),
      ])
    })

    it('is not taken for another machine by Steward', async () => {
      const machineUuid = '11111111-2222-4333-8444-555555555555'
      expect(codeOf(await rejection(steward({ machineUuid }).off('hard')))).toBe('POWER_WRONG_MACHINE')
    })
  })
}
