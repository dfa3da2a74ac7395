import type { HTTPMethods } from 'fastify'
import { describe, expect, it } from 'vitest'
import type { Access } from '../../api/access.ts'
import type { ErrorCode } from '../../core/catalogue.ts'
import { as, bearer, expectProblem, from, world } from './app.ts'

/** Every route of the REST API and who may use it. A route that is not here fails the last test of this file. */
const routes: [method: HTTPMethods, url: string, access: Access][] = [
  ['GET', '/healthz', 'open'],
  ['GET', '/readyz', 'open'],
  ['GET', '/metrics', 'open'],
  ['GET', '/openapi.json', 'open'],
  ['POST', '/v1/actions', 'tenant'],
  ['GET', '/v1/actions', 'tenant'],
  ['GET', '/v1/actions/:id', 'tenant'],
  ['DELETE', '/v1/actions/:id', 'tenant'],
  ['PUT', '/v1/delegations/remediation', 'operator'],
  ['GET', '/v1/delegations/remediation', 'operator'],
  ['DELETE', '/v1/delegations/remediation', 'operator'],
  ['GET', '/v1/incidents', 'operator'],
  ['GET', '/v1/incidents/:id', 'operator'],
  ['POST', '/v1/signals/alertmanager', 'alertmanager'],
  ['POST', '/v1/signals/logs', 'logs'],
]

const credentials: Record<string, Record<string, string>> = {
  'no credentials': {},
  'a token Keystone does not know': as('nobody'),
  'a token that is no header': as('\u00ff'),
  "a tenant's token": as('member'),
  "an operator's token": as('operator'),
  'the bearer token of the other kind of source': from(bearer.logs),
  'the bearer token of Alertmanager': from(bearer.alertmanager),
  'a bearer token nobody has': from('x'.repeat(24)),
  'a bearer token cut short': from(bearer.alertmanager.slice(0, -1)),
  'basic credentials': { authorization: `Basic ${Buffer.from(`am:${bearer.alertmanager}`).toString('base64')}` },
  'the bearer token as a Keystone token': as(bearer.alertmanager),
}

/** What each kind of credentials gets at a route; nothing means that it gets in. */
const refusals: Record<Exclude<Access, 'open'>, Record<string, ErrorCode | undefined>> = {
  tenant: {
    'a token Keystone does not know': 'TOKEN_INVALID',
    'a token that is no header': 'TOKEN_INVALID',
    'the bearer token as a Keystone token': 'TOKEN_INVALID',
    "a tenant's token": undefined,
    "an operator's token": undefined,
  },
  operator: {
    'a token Keystone does not know': 'TOKEN_INVALID',
    'a token that is no header': 'TOKEN_INVALID',
    'the bearer token as a Keystone token': 'TOKEN_INVALID',
    "a tenant's token": 'ROLE_MISSING',
    "an operator's token": undefined,
  },
  alertmanager: {
    'the bearer token of Alertmanager': undefined,
    'the bearer token of the other kind of source': 'SOURCE_REFUSED',
    'a bearer token nobody has': 'SOURCE_REFUSED',
    'a bearer token cut short': 'SOURCE_REFUSED',
  },
  logs: {
    'the bearer token of the other kind of source': undefined,
    'the bearer token of Alertmanager': 'SOURCE_REFUSED',
    'a bearer token nobody has': 'SOURCE_REFUSED',
    'a bearer token cut short': 'SOURCE_REFUSED',
  },
}

const url = (route: string) => route.replace(':id', 'b6f3c7a2-9d7e-4c0e-8f51-0d6f2c3b4a59')

describe('every route', () => {
  it.each(routes)('%s %s is for %s', async (method, route, access) => {
    const w = await world()
    for (const [name, headers] of Object.entries(credentials)) {
      // a body that no route could read: whoever is refused is refused before it is looked at
      const body = method !== 'GET' && { payload: '{"half' }
      const answer = await w.ask({
        method: method as 'POST',
        url: url(route),
        headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
        ...body,
      })
      const expected = expectedOf(access, name)
      if (expected === undefined) {
        expect([name, 401, 403]).not.toContain(answer.statusCode)
        continue
      }
      expect([name, answer.json().code]).toEqual([name, expected])
      expectProblem(answer, expected)
      const scheme = access === 'alertmanager' || access === 'logs' ? 'Bearer' : 'Keystone'
      expect(answer.headers['www-authenticate']).toBe(answer.statusCode === 401 ? scheme : undefined)
    }
    expect(w.trusts.size + w.started.length + w.reported.length).toBe(0)
  })
})

function expectedOf(access: Access, name: string): ErrorCode | undefined {
  if (access === 'open') return undefined
  return name in refusals[access] ? refusals[access][name] : 'TOKEN_MISSING'
}

describe('a route', () => {
  it('that does not say who may use it keeps the app from starting', async () => {
    const { app } = await world()
    app.get('/v1/secret', () => 'everything')
    await expect(app.ready()).rejects.toMatchObject({
      type: 'CONFIG_INVALID',
      message: 'route /v1/secret does not say who may use it',
    })
  })

  it('says who may use it, and is in the table above', async () => {
    const found = await collect()
    expect(found.length).toBeGreaterThan(routes.length)
    expect(found.filter(({ config }) => !config?.access)).toEqual([])
    const ours = found.filter(({ url: path, method }) => !/^\/docs(\/|$)/.test(path) && method !== 'HEAD')
    const listed = ours.map(({ method, url: path, config }) => `${method} ${path} ${config?.access}`)
    expect(new Set(listed)).toEqual(new Set(routes.map((one) => one.join(' '))))
  })

  it('has a HEAD only where it has a GET, for the same people', async () => {
    const found = await collect()
    for (const head of found.filter(({ method, url: path }) => method === 'HEAD' && !path.startsWith('/docs'))) {
      const get = found.find(({ method, url: path }) => method === 'GET' && path === head.url)
      expect(head.config?.access).toBe(get?.config?.access)
    }
  })

  it('of the page of the document is the only one open without being listed', async () => {
    const found = await collect()
    const docs = found.filter(({ url: path }) => /^\/docs(\/|$)/.test(path))
    expect(
      docs.every(({ method, config }) => ['GET', 'HEAD'].includes(String(method)) && config?.access === 'open'),
    ).toBe(true)
  })

  it('is looked for before credentials, which a route that does not exist has no use for', async () => {
    const w = await world()
    for (const path of ['/', '/v2/actions', '/v1', '/v1/actions/x/y', '/.env'])
      expectProblem(await w.ask({ url: path }), 'ROUTE_NOT_FOUND')
    for (const method of ['PATCH', 'OPTIONS'] as const)
      expectProblem(await w.ask({ method, url: '/v1/actions', headers: as('operator') }), 'ROUTE_NOT_FOUND')
    expect(w.requestIds).toEqual([])
  })
})

/** The routes of the real app, each with one method. */
async function collect() {
  const { app } = await world()
  await app.ready()
  return app.routes.flatMap((route) => [route.method].flat().map((method) => ({ ...route, method })))
}
