import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Brake } from '../../activities/brake.ts'
import { createHttpCallActivities } from '../../activities/http/calls.ts'
import { codeOf, failure } from '../../core/errors.ts'
import { HttpCall, HttpConfig } from '../../core/http-call.ts'
import { closedPort, type Reply, rejection, serve, serveTcp } from '../openstack/server.ts'
import { createRig, released } from './rig.ts'

const secret = 'CANARY-secret-1234'
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'http-'))
  await writeFile(join(folder, 'token'), `${secret}\n`)
  await writeFile(join(folder, 'empty'), '')
  return () => rm(folder, { recursive: true })
})

const portOf = (url: string) => Number(new URL(url).port)

/** The activities of a worker that may call this server. */
function calling(url: string, given: Partial<HttpConfig> = {}, { brake = released as Brake, timeoutMs = 2_000 } = {}) {
  const secretOf = (name: string, file = 'token') => ({
    name,
    file: join(folder, file),
    hosts: ['localhost', '127.0.0.1'],
  })
  const http = HttpConfig.parse({
    ...{ allow: ['127.0.0.0/8'], allowHttp: true, ports: [portOf(url)] },
    secrets: [secretOf('tickets'), secretOf('nothing', 'empty'), secretOf('gone', 'gone')],
    ...given,
  })
  const resolve = async () => [{ address: '127.0.0.1', family: 4 as const }]
  const { run } = createRig({ authUrl: 'http://127.0.0.1:1', password: 'unused' })
  const activities = createHttpCallActivities({ http, brake, resolve, timeoutMs })
  const made = (call: Partial<HttpCall>) => HttpCall.parse({ method: 'POST', url, ...call })
  return {
    call: (call: Partial<HttpCall> = {}) => run(() => activities.callHttp(made(call))),
    check: (call: Partial<HttpCall> = {}) => run(() => activities.checkHttpCall(made(call))),
  }
}
const answering = (reply: Reply) => serve(() => reply)
const refusal = async (promise: Promise<unknown>) => {
  const error = await rejection(promise)
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('CANARY')
  return [codeOf(error), error.message]
}

describe('an HTTP call', () => {
  it('sends what it was given and says what came back, without what is named like a secret', async () => {
    const { url, received } = await answering({ status: 201, body: { id: 7, token: 'CANARY' } })
    const { call } = calling(url)
    expect(await call({ url: `${url}/tickets?x=1`, headers: { 'x-team': 'ops' }, body: { title: 'disk' } })).toEqual({
      status: 201,
      body: { id: 7, token: '(not kept)' },
    })
    const [{ method, path, headers, body }] = received as [(typeof received)[0]]
    expect([method, path, body]).toEqual(['POST', '/tickets?x=1', { title: 'disk' }])
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-team': 'ops' })
    expect(headers.authorization).toBeUndefined()
  })

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'POST'] as const)('can be a %s without a body', async (method) => {
    const { url, received } = await answering({ status: 200 })
    expect(await calling(url).call({ method })).toEqual({ status: 200 })
    expect(received.map((one) => [one.method, one.body])).toEqual([[method, undefined]])
  })

  it('does not follow whoever sends it elsewhere', async () => {
    const elsewhere = await answering({})
    const { url } = await answering({ status: 302, headers: { location: elsewhere.url } })
    expect(await refusal(calling(url).call())).toEqual(['ENDPOINT_REFUSED', '127.0.0.1 answered 302 to POST'])
    expect(elsewhere.received).toEqual([])
  })

  it('keeps little of a long answer, and reads no more than 64 KiB of one without end', async () => {
    const long = await answering({ body: 'x'.repeat(40 << 10) })
    expect(await calling(long.url).call()).toEqual({ status: 200, body: 'x'.repeat(4 << 10), cut: true })
    const endless = await serve((_request, response) => {
      response.writeHead(200)
      const talk = () => void (response.destroyed || (response.write('x'.repeat(4096)) && setImmediate(talk)))
      response.on('drain', talk)
      talk()
      return undefined
    })
    expect(await calling(endless.url).call()).toMatchObject({ status: 200, cut: true })
  })

  it('whose answer is lost may have been taken: nobody can tell for a POST, and a PUT can be made again', async () => {
    const { port } = await serveTcp((socket) => void socket.once('data', () => socket.destroy()))
    const { call } = calling(`http://127.0.0.1:${port}`)
    expect((await refusal(call()))[0]).toBe('OUTCOME_UNKNOWN')
    expect((await refusal(call({ method: 'PATCH' })))[0]).toBe('OUTCOME_UNKNOWN')
    expect((await refusal(call({ method: 'PUT' })))[0]).toBe('ENDPOINT_UNREACHABLE')
    const slow = await serve(() => undefined)
    expect((await refusal(calling(slow.url, {}, { timeoutMs: 80 }).call()))[0]).toBe('OUTCOME_UNKNOWN')
  })

  it('that could not be sent at all can be made again', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`
    expect(await refusal(calling(url).call())).toEqual([
      'ENDPOINT_UNREACHABLE',
      '127.0.0.1 could not be reached: ECONNREFUSED',
    ])
  })

  it.each([
    ['POST', 400, 'ENDPOINT_REFUSED'],
    ['POST', 500, 'ENDPOINT_REFUSED'],
    ['POST', 502, 'OUTCOME_UNKNOWN'],
    ['POST', 504, 'OUTCOME_UNKNOWN'],
    ['POST', 429, 'ENDPOINT_REFUSED'],
    ['PUT', 429, 'ENDPOINT_UNREACHABLE'],
    ['GET', 503, 'ENDPOINT_UNREACHABLE'],
    ['GET', 404, 'ENDPOINT_REFUSED'],
  ] as const)('%s that is answered %d is %s', async (method, status, code) => {
    const { url, received } = await answering({ status, body: 'no such thing' })
    expect(await refusal(calling(url).call({ method }))).toEqual([
      code,
      `127.0.0.1 answered ${status} to ${method}: no such thing`,
    ])
    expect(received).toHaveLength(1)
  })

  it('may expect any status', async () => {
    const { url } = await answering({ status: 404 })
    expect(await calling(url).call({ method: 'GET', expectStatus: [404] })).toEqual({ status: 404 })
  })

  it('that changes something is not sent while the stop button is pressed', async () => {
    const { url, received } = await answering({})
    const brake = async () => {
      throw failure('STOPPED', 'olga pressed the stop button')
    }
    const { call } = calling(url, {}, { brake })
    expect((await refusal(call()))[0]).toBe('STOPPED')
    expect(received).toEqual([])
    await call({ method: 'GET' })
    expect(received).toHaveLength(1)
  })

  it('goes nowhere it may not go', async () => {
    const { url, received } = await answering({})
    const { call, check } = calling(url, { allow: [] })
    expect((await refusal(call()))[0]).toBe('ADDRESS_REFUSED')
    expect((await refusal(check()))[0]).toBe('ADDRESS_REFUSED')
    expect(received).toEqual([])
  })

  it('connects to the address that was checked, and asks for the name', async () => {
    const { url, received } = await answering({})
    const named = url.replace('127.0.0.1', 'no-such-name.invalid')
    expect(await calling(url).call({ url: named })).toEqual({ status: 200 })
    expect(received[0]?.headers.host).toBe(`no-such-name.invalid:${portOf(url)}`)
  })

  it('is checked without being sent', async () => {
    const { url, received } = await answering({})
    expect(await calling(url).check()).toEqual({ host: '127.0.0.1', addresses: ['127.0.0.1'] })
    expect(received).toEqual([])
  })
})

describe('the secret of an HTTP call', () => {
  /** That of the tests of OpenStack's HTTP client, for localhost. */
  const tls = async () => {
    const from = (name: string) =>
      readFile(new URL(`../openstack/fixtures/localhost-${name}.pem`, import.meta.url), 'utf8')
    return { cert: await from('cert'), key: await from('key') }
  }

  it('is shown to nobody over http://, to no other host, and not when it is empty or missing', async () => {
    const { url, received } = await answering({})
    const there = url.replace('http:', 'https:')
    const { call, check } = calling(url)
    expect(await refusal(call({ secret: 'tickets' }))).toEqual([
      'ADDRESS_REFUSED',
      'not called: the secret tickets is shown over https:// only',
    ])
    expect(await refusal(call({ secret: 'tickets', url: there.replace('127.0.0.1', 'evil.example') }))).toEqual([
      'ADDRESS_REFUSED',
      'not called: the secret tickets is not meant for evil.example',
    ])
    expect((await refusal(check({ secret: 'unheard-of', url: there })))[0]).toBe('SECRET_UNKNOWN')
    expect((await refusal(check({ secret: 'nothing', url: there })))[0]).toBe('CONFIG_INVALID')
    expect((await refusal(check({ secret: 'gone', url: there })))[0]).toBe('CONFIG_INVALID')
    expect(received).toEqual([])
  })

  it('is not shown to whoever answers for the name with a certificate that nobody has vouched for', async () => {
    const { url, received } = await serve(() => ({}), await tls())
    const { call } = calling(url)
    expect((await refusal(call({ secret: 'tickets' })))[0]).toBe('ENDPOINT_UNREACHABLE')
    expect(received).toEqual([])
  })

  it('cannot be set by the input of a runbook', () => {
    const given = (name: string) => HttpCall.safeParse({ method: 'GET', url: 'https://x', headers: { [name]: 'x' } })
    for (const name of ['authorization', 'x-auth-token', 'cookie', 'host', 'x-api-key', 'proxy-authorization'])
      expect(given(name).success).toBe(false)
    expect(given('x-team').success).toBe(true)
    expect(HttpCall.safeParse({ method: 'GET', url: 'x', headers: { a: 'b\r\nhost: c' } }).success).toBe(false)
  })
})
