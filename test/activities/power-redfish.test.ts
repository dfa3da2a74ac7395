import { readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { beforeEach, describe, expect, it } from 'vitest'
import { codeOf, detailsOf } from '../../core/errors.ts'
import type { Power } from '../fakes/bmc/redfish.ts'
import { closedPort, rejection, serve } from '../openstack/server.ts'
import { atRedfish, powered, secretFile } from './power-rig.ts'
import { stopTheClock } from './rig.ts'

const certFile = fileURLToPath(new URL('../openstack/fixtures/localhost-cert.pem', import.meta.url))
const tls = {
  cert: readFileSync(certFile, 'utf8'),
  key: readFileSync(new URL('../openstack/fixtures/localhost-key.pem', import.meta.url), 'utf8'),
}
const machineUuid = '27946b59-9e44-4fa7-8e91-f3527a1ef094'

beforeEach(stopTheClock)

describe('a reading by Redfish', () => {
  it('says what was read, where and when, and of which machine', async () => {
    const { look, url } = await atRedfish({ power: 'Off' })
    expect(await look()).toEqual({
      host: 'compute1',
      state: 'off',
      way: 'redfish',
      asked: `GET ${url}/redfish/v1/Systems/1`,
      said: 'PowerState: Off',
      at: '2026-11-20T10:00:00.000Z',
      machineUuid,
    })
  })

  it.each<[Power, object]>([
    ['On', { state: 'on' }],
    ['PoweringOn', { state: 'unknown', heading: 'on' }],
    ['PoweringOff', { state: 'unknown', heading: 'off' }],
    ['Paused', { state: 'unknown' }],
  ])('of %s is taken for that and nothing else', async (power, expected) => {
    const { look } = await atRedfish({ power })
    const reading = await look()
    expect(reading).toMatchObject(expected)
    expect('heading' in reading).toBe('heading' in expected)
  })

  it.each([null, '', 0, undefined, { Off: true }])('of PowerState %j is no off', async (said) => {
    const { look } = await atRedfish({ power: 'Off', tell: () => said })
    if (said === '') expect(await look()).toMatchObject({ state: 'unknown' })
    else expect(codeOf(await rejection(look()))).toBe('POWER_UNKNOWN')
  })

  it.each([
    ['a page of a proxy', { status: 200, text: '<title>Off</title>' }],
    ['JSON of another kind', { status: 200, body: ['Off'] }],
    ['nothing', { status: 200 }],
    ['too much', { status: 200, text: `{"PowerState":"Off","filler":"${'x'.repeat(2 << 20)}"}` }],
  ])('is unknown, and not off, when the answer is %s', async (_what, answer) => {
    const { look, fail } = await atRedfish({ power: 'Off' }, { redfish: { system: '/redfish/v1/Systems/1' } })
    fail({}, answer)
    const error = await rejection(look())
    expect(codeOf(error)).toBe('POWER_UNKNOWN')
    expect(error.message).toMatch(/^the BMC of compute1 at http:/)
    expect(error.message.length).toBeLessThan(300)
  })

  it('asks for the one system there is, or the one that steward.yaml names', async () => {
    const several = await atRedfish({ systems: ['1', '2'] })
    const error = await rejection(several.look())
    expect(codeOf(error)).toBe('POWER_NOT_CONFIGURED')
    expect(error.message).toMatch('several systems, name one: /redfish/v1/Systems/1, /redfish/v1/Systems/2')
    expect(codeOf(await rejection((await atRedfish({ systems: [] })).look()))).toBe('POWER_NOT_CONFIGURED')
    const named = await atRedfish({ systems: ['1', '2'] }, { redfish: { system: '/redfish/v1/Systems/2' } })
    expect(await named.look()).toMatchObject({ state: 'on', asked: `GET ${named.url}/redfish/v1/Systems/2` })
    const gone = await atRedfish({}, { redfish: { system: '/redfish/v1/Systems/9' } })
    const refused = await rejection(gone.look())
    expect([codeOf(refused), refused.message]).toEqual([
      'POWER_REFUSED',
      `the BMC of compute1 at ${gone.url} answered 404 to GET /redfish/v1/Systems/9: System 9 was not found`,
    ])
  })
})

describe('another machine than expected', () => {
  it.each(['11111111-2222-3333-4444-555555555555', undefined])('(%s) is neither believed nor ordered', async (is) => {
    const { look, off, resets } = await atRedfish({ machineUuid: is }, { redfish: { machineUuid } })
    for (const error of [await rejection(look()), await rejection(off())])
      expect(codeOf(error)).toBe('POWER_WRONG_MACHINE')
    expect(resets).toEqual([])
  })

  it('is not what a UUID in capitals is', async () => {
    const { look } = await atRedfish({ machineUuid: machineUuid.toUpperCase() }, { redfish: { machineUuid } })
    expect(await look()).toMatchObject({ state: 'on' })
  })
})

describe('a reset', () => {
  it.each(['action', 'action info'] as const)('is one of those that the BMC offers, in its %s', async (allowedIn) => {
    const { on, resets } = await atRedfish({ power: 'Off', allowedIn, allowed: ['ForceOn', 'ForceOff'] })
    await on()
    expect(resets).toEqual(['ForceOn'])
  })

  it('is the usual one where the BMC does not say what it offers', async () => {
    const { off, resets } = await atRedfish({ allowedIn: 'nowhere' })
    await off()
    expect(resets).toEqual(['ForceOff'])
  })

  it('that is not offered is not sent: no push of a button, no hard one in place of a graceful one', async () => {
    const { off, resets, received } = await atRedfish({ allowed: ['On', 'ForceOff', 'PushPowerButton'] })
    const error = await rejection(off('graceful'))
    expect(codeOf(error)).toBe('POWER_UNSUPPORTED')
    expect(error.message).toMatch('does not offer GracefulShutdown; it has On, ForceOff, PushPowerButton')
    expect(resets).toEqual([])
    expect(received.filter(({ method }) => method === 'POST')).toEqual([])
  })

  it.each(['http://evil.example/redfish/v1/x', '//evil.example/redfish/v1/x', '/elsewhere', '/redfish/v1/x?to=evil'])(
    'is never sent where the BMC does not live (%s)',
    async (resetTarget) => {
      const { off } = await atRedfish({ resetTarget })
      const error = await rejection(off())
      expect([codeOf(error), error.message]).toEqual([
        'POWER_UNKNOWN',
        expect.stringContaining('names a link that is not its own'),
      ])
    },
  )

  it.each([400, 501])('that the BMC refuses with %s is told with its reason', async (refusesWith) => {
    const { off } = await atRedfish({ allowedIn: 'nowhere', allowed: ['On'], refusesWith })
    const error = await rejection(off())
    expect(codeOf(error)).toBe('POWER_REFUSED')
    expect(error.message).toMatch(
      new RegExp(`answered ${refusesWith} to POST .*: Power state ForceOff is not supported$`),
    )
  })

  it('that ended in an error of the BMC may have been taken: a look tells', async () => {
    const { off, fail, resets } = await atRedfish()
    fail({ method: 'POST' }, { status: 500, afterEffect: true })
    expect(await off()).toMatchObject({ outcome: 'turned off' })
    expect(resets).toEqual(['ForceOff'])
  })
})

describe('the login at a BMC', () => {
  it('that is wrong is told with the file to look at', async () => {
    const fake = await atRedfish()
    await writeFile(fake.passwordFile, 'wrong-password')
    const error = await rejection(fake.look())
    expect(codeOf(error)).toBe('POWER_REFUSED')
    expect(error.message).toMatch(/answered 401 .*; check user fencer and \/.*password$/)
    expect(error).toMatchObject({ nonRetryable: true })
  })

  it('is read anew for each call, so that a new password counts at once', async () => {
    const fake = await atRedfish()
    await writeFile(fake.passwordFile, 'wrong-password')
    await rejection(fake.look())
    await writeFile(fake.passwordFile, fake.password)
    expect(await fake.look()).toMatchObject({ state: 'on' })
  })

  it('is not tried without a password', async () => {
    const fake = await atRedfish()
    await writeFile(fake.passwordFile, '\n')
    expect(codeOf(await rejection(fake.look()))).toBe('POWER_NOT_CONFIGURED')
    await rm(fake.passwordFile)
    const error = await rejection(fake.look())
    expect([codeOf(error), error.message]).toEqual([
      'POWER_NOT_CONFIGURED',
      `the passwordFile of compute1 cannot be read: ${fake.passwordFile}: ENOENT`,
    ])
    expect(fake.received).toEqual([])
  })

  it.each([400, 401, 403, 404, 409, 500, 503, 302])('is not seen in what comes of an answer %s', async (status) => {
    const fake = await atRedfish()
    fake.fail({ method: 'POST', times: 9 }, ({ headers }) => {
      const all = `${headers.authorization} ${fake.password}`
      return {
        status,
        headers: { 'retry-after': all, location: `http://evil/${all}` },
        body: { error: { message: all } },
      }
    })
    const error = await rejection(fake.off('hard', 5))
    expect(codeOf(error)).toBeDefined()
    const seen = inspect([error, fake.heartbeats], { depth: 9, showHidden: true }) + JSON.stringify(detailsOf(error))
    expect(seen).not.toContain(fake.password)
    expect(seen).not.toContain(Buffer.from(`fencer:${fake.password}`).toString('base64'))
    expect(fake.received.at(-1)?.headers.authorization).toMatch(/^Basic /)
  })
})

describe('a BMC', () => {
  const at = async (redfish: object, timeoutSeconds = 2) =>
    powered({
      way: { redfish: { url: 'https://127.0.0.1', user: 'u', passwordFile: await secretFile('pw'), ...redfish } },
      timeoutSeconds,
    })

  it('that nobody answers for may be asked again', async () => {
    const { look } = await at({ url: `http://127.0.0.1:${await closedPort()}` })
    const error = await rejection(look())
    expect([codeOf(error), detailsOf(error).reason]).toEqual(['POWER_UNREACHABLE', 'ECONNREFUSED'])
    expect(error).toMatchObject({ nonRetryable: false })
  })

  it('that hangs may be asked again', async () => {
    const { look, fail } = await atRedfish({}, { timeoutSeconds: 1 })
    fail({}, 'hang')
    const error = await rejection(look())
    expect([codeOf(error), detailsOf(error).reason]).toEqual(['POWER_UNREACHABLE', 'ETIMEDOUT'])
  })

  it('that points elsewhere is not followed', async () => {
    const { look, fail, url, received } = await atRedfish()
    fail({}, { status: 302, headers: { location: `${url}/redfish/v1/Systems/1` } })
    const error = await rejection(look())
    expect([codeOf(error), received.length]).toEqual(['POWER_REFUSED', 1])
    expect(error.message).toMatch('answered 302 to GET /redfish/v1/Systems (redirects are not followed)')
  })

  it('with a certificate that is not known gets no password', async () => {
    const { url, received } = await serve(() => ({ body: {} }), tls)
    const { look } = await at({ url })
    const error = await rejection(look())
    expect([codeOf(error), detailsOf(error).reason]).toEqual(['POWER_NOT_TRUSTED', 'DEPTH_ZERO_SELF_SIGNED_CERT'])
    expect(error).toMatchObject({ nonRetryable: true })
    expect(received).toEqual([])
  })

  it('is reached where its certificate is the one of caFile, which has to be there', async () => {
    const system = { UUID: machineUuid, PowerState: 'On' }
    const { url } = await serve(() => ({ body: system }), tls)
    const path = { system: '/redfish/v1/Systems/1', caFile: certFile }
    const { look } = await at({ url, ...path })
    expect(await look()).toMatchObject({ state: 'on' })
    const missing = await at({ url, ...path, caFile: '/nowhere/ca.pem' })
    expect(codeOf(await rejection(missing.look()))).toBe('POWER_NOT_CONFIGURED')
  })
})
