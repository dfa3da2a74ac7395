import { describe, expect, it } from 'vitest'
import { world } from './app.ts'

interface Operation {
  tags?: string[]
  summary?: string
  security?: Record<string, string[]>[]
  requestBody?: { content: Record<string, { schema: object }> }
  parameters?: { name: string; in: string; required?: boolean }[]
  responses: Record<string, { content?: Record<string, { schema: Record<string, unknown> }> }>
}
interface Document {
  openapi: string
  info: { title: string; version: string }
  paths: Record<string, Record<string, Operation>>
  components: { securitySchemes: Record<string, object> }
}

async function documented() {
  const w = await world()
  const answer = await w.ask({ url: '/openapi.json' })
  const document: Document = answer.json()
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  )
  return { w, answer, document, operations }
}

describe('the document', () => {
  it('is OpenAPI 3.1 and says what it is about', async () => {
    const { answer, document } = await documented()
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(document.openapi).toBe('3.1.0')
    expect(document.info).toMatchObject({ title: 'Steward', version: '0.0.0-test' })
  })

  it('has every route but the files of its own page, and no other', async () => {
    const { w, operations } = await documented()
    const registered = w.app.routes
      .flatMap(({ method, url }) => [method].flat().map((one) => `${one} ${url.replace(/:(\w+)/g, '{$1}')}`))
      .filter((name) => !name.startsWith('HEAD ') && !/ \/docs(\/|$)/.test(name))
    expect(registered.length).toBeGreaterThan(10)
    expect(operations.map(({ name }) => name).sort()).toEqual(registered.sort())
  })

  it('says of every operation what it does, and under which heading', async () => {
    const { operations } = await documented()
    for (const { name, operation } of operations) {
      expect([name, operation.tags]).toEqual([name, [expect.any(String)]])
      expect([name, operation.summary]).toEqual([name, expect.stringMatching(/^[A-Z].{10,}/)])
      expect([name, Object.keys(operation.responses).some((status) => status.startsWith('2'))]).toEqual([name, true])
    }
  })

  it('says which credentials every operation needs', async () => {
    const { document, operations } = await documented()
    expect(Object.keys(document.components.securitySchemes)).toEqual(['keystone', 'source'])
    const bySecurity = (scheme: string | undefined) =>
      operations
        .filter(({ operation }) => Object.keys(operation.security?.[0] ?? {})[0] === scheme)
        .map(({ name }) => name)
    expect(bySecurity(undefined).sort()).toEqual([
      'GET /approve/{token}',
      'GET /healthz',
      'GET /metrics',
      'GET /openapi.json',
      'GET /readyz',
      'POST /approve/{token}',
    ])
    expect(bySecurity('source').sort()).toEqual(['POST /v1/signals/alertmanager', 'POST /v1/signals/logs'])
    expect(bySecurity('keystone')).toHaveLength(operations.length - 8)
  })

  it('describes the problems of every operation under /v1', async () => {
    const { operations } = await documented()
    for (const { name, operation } of operations.filter((one) => one.name.includes(' /v1/'))) {
      const problems = Object.entries(operation.responses).filter(([status]) => status >= '400')
      const needed = [
        '401',
        '503',
        ...(operation.security?.some((one) => 'keystone' in one) ? ['403'] : []),
        ...(name.includes('{id}') ? ['404'] : []),
        ...((operation.requestBody ?? operation.parameters) ? ['400'] : []),
      ]
      expect([name, problems.map(([status]) => status)]).toEqual([name, expect.arrayContaining(needed)])
      for (const [, { content }] of problems) {
        expect(content).toMatchObject({
          'application/problem+json': {
            schema: {
              required: expect.arrayContaining(['type', 'title', 'status', 'code', 'detail', 'next', 'instance']),
            },
          },
        })
      }
    }
  })

  it('says what bodies look like, with the media type a route takes', async () => {
    const { document } = await documented()
    const bodyOf = (path: string, method: string) => document.paths[path]?.[method]?.requestBody?.content
    expect(Object.keys(bodyOf('/v1/signals/logs', 'post') ?? {})).toEqual(['application/x-ndjson'])
    expect(bodyOf('/v1/actions', 'post')).toMatchObject({
      'application/json': {
        schema: { type: 'object', additionalProperties: false, properties: { runIn: {} } },
      },
    })
  })

  it('has a page that runs nothing from elsewhere', async () => {
    const w = await world()
    const answer = await w.ask({ url: '/docs/' })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toMatch(/^text\/html/)
    const policy = String(answer.headers['content-security-policy'])
    const rules = new Map(
      policy.split(';').map((rule) => [rule.trim().split(' ', 1)[0], rule.trim().split(' ').slice(1)]),
    )
    expect(rules.get('default-src')).toEqual(["'self'"])
    for (const allowed of rules.get('script-src') ?? ['missing']) expect(allowed).toMatch(/^'(self|sha256-.+)'$/)
    expect(answer.body).not.toMatch(/(src|href)="https?:/)
  })
})

describe('every answer', () => {
  it.each(['/healthz', '/openapi.json', '/v1/actions', '/nowhere'])(
    'of %s forbids guessing and framing',
    async (url) => {
      const w = await world()
      const { headers } = await w.ask({ url })
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
        'content-security-policy': expect.stringContaining("default-src 'self'"),
      })
      expect(headers).not.toHaveProperty('x-powered-by')
      expect(headers).not.toHaveProperty('access-control-allow-origin')
    },
  )
})
