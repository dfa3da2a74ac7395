import { randomBytes } from 'node:crypto'
import type { InjectOptions } from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { buildCodecServer } from '../../api/codec-server.ts'
import { createCodec } from '../../temporal/codec.ts'

const origin = 'http://127.0.0.1:8233'
const keysOf = (id: string) => ({ active: id, byId: new Map([[id, randomBytes(32)]]) })
const keys = keysOf('k-1')

const plain = (text: string) => ({
  metadata: { encoding: Buffer.from('json/plain').toString('base64') },
  data: Buffer.from(JSON.stringify(text)).toString('base64'),
})

/** A payload as Temporal's page has it: sealed by Steward, bytes in base64. */
async function sealed(text: string, by = keys) {
  const { metadata, data } = plain(text)
  const payload = {
    metadata: { encoding: Buffer.from(metadata.encoding, 'base64') },
    data: Buffer.from(data, 'base64'),
  }
  const [one] = await createCodec(by).encode([payload])
  const bytes = Object.entries(one?.metadata ?? {}).map(([name, value]) => [name, base64(value)])
  return { metadata: Object.fromEntries(bytes), data: base64(one?.data) }
}
const base64 = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString('base64')

function ask(options: InjectOptions, origins: readonly string[] = [origin]) {
  const app = buildCodecServer(keys, origins)
  onTestFinished(() => app.close())
  return app.inject({ method: 'POST', url: '/decode', headers: { origin }, ...options })
}

describe('the codec endpoint', () => {
  it('decrypts for a page of a listed origin, and leaves alone what was never encrypted', async () => {
    const payload = { payloads: [await sealed('one'), plain('two'), await sealed('three')] }
    const answer = await ask({ payload })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({ payloads: [plain('one'), plain('two'), plain('three')] })
    expect(answer.headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'origin' })
  })

  it.each([
    undefined,
    'null',
    '*',
    'http://127.0.0.1:8234',
    'https://127.0.0.1:8233',
    'http://127.0.0.1:8233.evil.example',
    'http://evil.example',
  ])('answers nothing to the origin %s', async (from) => {
    for (const method of ['POST', 'OPTIONS', 'GET'] as const) {
      const payload = method === 'POST' ? { payload: { payloads: [await sealed('secret')] } } : {}
      const answer = await ask({ method, headers: from === undefined ? {} : { origin: from }, ...payload })
      expect(answer.statusCode).toBe(403)
      expect(answer.json()).toEqual({ error: 'this origin may not decode' })
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })

  it('answers nobody when no origin is listed', async () => {
    expect((await ask({ payload: { payloads: [] } }, [])).statusCode).toBe(403)
  })

  it('tells a browser beforehand what it may send', async () => {
    const headers = { origin, 'access-control-request-method': 'POST' }
    const answer = await ask({ method: 'OPTIONS', headers })
    expect(answer.statusCode).toBe(204)
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'content-type,x-namespace,authorization',
    })
  })

  it.each([
    ['GET', '/decode'],
    ['PUT', '/decode'],
    ['POST', '/encode'],
    ['POST', '/'],
    ['GET', '/keys.json'],
  ] as const)('has no %s %s', async (method, url) => {
    expect((await ask({ method, url, ...(method !== 'GET' && { payload: { payloads: [] } }) })).statusCode).toBe(404)
  })

  it.each([
    ['no payloads', {}],
    ['null', 'null'],
    ['payloads that are no list', { payloads: 'all' }],
    ['a payload that is none', { payloads: [7] }],
    ['a payload of another shape', { payloads: [{ metadata: 'none' }] }],
    ['half a JSON', '{"payloads": ['],
  ])('refuses %s without falling over', async (_what, payload) => {
    const answer = await ask({ headers: { origin, 'content-type': 'application/json' }, payload })
    expect(answer.statusCode).toBe(400)
    expect(answer.body).not.toMatch(/node_modules| at .+:\d+/)
  })

  it('refuses what another installation encrypted, naming the key only', async () => {
    const answer = await ask({ payload: { payloads: [await sealed('theirs', keysOf('k-2'))] } })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toEqual({ error: 'the key file does not hold key k-2' })
  })

  it('refuses what was changed on its way', async () => {
    const payload = await sealed('one')
    const bytes = Buffer.from(payload.data, 'base64')
    bytes[20] = (bytes[20] ?? 0) ^ 1
    const answer = await ask({ payload: { payloads: [{ ...payload, data: bytes.toString('base64') }] } })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toEqual({ error: 'this cannot be decoded' })
  })
})
