import { describe, expect, it } from 'vitest'
import { isPermission } from '../../api/access.ts'
import { parseAccess } from '../../boot/access-file.ts'
import { accessPolicy, permissionNames } from '../../core/access.ts'
import type { ErrorCode } from '../../core/catalogue.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import { fakeKeystone, keystoneFault, tokenBody } from '../openstack/fake-keystone.ts'
import { as, bearer, expectProblem, from, people, someone, world } from './app.ts'

/**
 * Every route of the REST API and who gets in. A route that is not here, or asks for something else than stands here,
 * fails. `+` gets in · `m` TOKEN_MISSING · `i` TOKEN_INVALID · `r` ROLE_MISSING · `p` PERSON_NEEDED · `s` SOURCE_REFUSED
 */
const table = `
METHOD ROUTE                                     ACCESS            nobody bad expired unscoped service reader member other manager admin trust operator alertmanager logs
GET    /healthz                                  open              +      +   +       +        +       +      +      +     +       +     +     +        +            +
GET    /readyz                                   open              +      +   +       +        +       +      +      +     +       +     +     +        +            +
GET    /metrics                                  open              +      +   +       +        +       +      +      +     +       +     +     +        +            +
GET    /openapi.json                             open              +      +   +       +        +       +      +      +     +       +     +     +        +            +
GET    /approve/:token                           open              +      +   +       +        +       +      +      +     +       +     +     +        +            +
POST   /approve/:token                           open              +      +   +       +        +       +      +      +     +       +     +     +        +            +
GET    /v1/actions                               actions:read      m      i   i       i        r       +      +      +     +       +     +     +        m            m
GET    /v1/actions/:id                           actions:read      m      i   i       i        r       +      +      +     +       +     +     +        m            m
POST   /v1/actions                               actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
PATCH  /v1/actions/:id                           actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
DELETE /v1/actions/:id                           actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
POST   /v1/actions/targets                       actions:read      m      i   i       i        r       +      +      +     +       +     +     +        m            m
POST   /v1/actions/:id/pause                     actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
POST   /v1/actions/:id/resume                    actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
POST   /v1/actions/:id/run-now                   actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
POST   /v1/actions/:id/clone                     actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
POST   /v1/recurring-actions/preview             actions:read      m      i   i       i        r       +      +      +     +       +     +     +        m            m
GET    /v1/recurring-actions                     actions:read      m      i   i       i        r       +      +      +     +       +     +     +        m            m
GET    /v1/recurring-actions/:id                 actions:read      m      i   i       i        r       +      +      +     +       +     +     +        m            m
GET    /v1/recurring-actions/:id/occurrences/:at actions:read      m      i   i       i        r       +      +      +     +       +     +     +        m            m
POST   /v1/recurring-actions                     actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
PATCH  /v1/recurring-actions/:id                 actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
POST   /v1/recurring-actions/:id/pause           actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
POST   /v1/recurring-actions/:id/resume          actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
POST   /v1/recurring-actions/:id/snooze          actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
POST   /v1/recurring-actions/:id/run-now         actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
DELETE /v1/recurring-actions/:id                 actions:write     m      i   i       i        r       r      +      +     +       +     +     +        m            m
GET    /v1/incidents                             incidents:read    m      i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/incidents/:id                         incidents:read    m      i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/incidents/:id/acknowledge             incidents:act     m      i   i       i        r       r      r      r     r       r     p     +        m            m
POST   /v1/incidents/:id/comment                 incidents:act     m      i   i       i        r       r      r      r     r       r     p     +        m            m
POST   /v1/incidents/:id/take-over               incidents:act     m      i   i       i        r       r      r      r     r       r     p     +        m            m
POST   /v1/incidents/:id/hand-back               incidents:act     m      i   i       i        r       r      r      r     r       r     p     +        m            m
POST   /v1/incidents/:id/close                   incidents:act     m      i   i       i        r       r      r      r     r       r     p     +        m            m
POST   /v1/incidents/:id/answer                  approvals:answer  m      i   i       i        r       r      r      r     r       r     p     +        m            m
POST   /v1/incidents/:id/approval-links          approvals:answer  m      i   i       i        r       r      r      r     r       r     p     +        m            m
GET    /v1/governor                              governor:read     m      i   i       i        r       r      r      r     r       r     +     +        m            m
PUT    /v1/governor/modes/:scope                 governor:mode     m      i   i       i        r       r      r      r     r       r     p     +        m            m
DELETE /v1/governor/modes/:scope                 governor:mode     m      i   i       i        r       r      r      r     r       r     p     +        m            m
GET    /v1/stop                                  governor:read     m      i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/stop                                  governor:stop     m      i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/resume                                governor:resume   m      i   i       i        r       r      r      r     r       r     p     +        m            m
GET    /v1/leases                                leases:read       m      i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/leases                                leases:write      m      i   i       i        r       r      r      r     r       r     p     +        m            m
PUT    /v1/leases/:id                            leases:write      m      i   i       i        r       r      r      r     r       r     p     +        m            m
DELETE /v1/leases/:id                            leases:write      m      i   i       i        r       r      r      r     r       r     p     +        m            m
GET    /v1/plans                                 plans:read        m      i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/plans/:id                             plans:read        m      i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/plans/:id/document                    plans:read        m      i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/plans                                 plans:write       m      i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/plans/:id/approve                     plans:execute     m      i   i       i        r       r      r      r     r       r     p     +        m            m
POST   /v1/plans/:id/stop                        plans:write       m      i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/plans/:id/undo                        plans:write       m      i   i       i        r       r      r      r     r       r     +     +        m            m
DELETE /v1/plans/:id                             plans:write       m      i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/recurring-plans                       plans:read        m      i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/recurring-plans/:id                   plans:read        m      i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/recurring-plans                       plans:write       m      i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/recurring-plans/:id/pause             plans:write       m      i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/recurring-plans/:id/resume            plans:write       m      i   i       i        r       r      r      r     r       r     +     +        m            m
DELETE /v1/recurring-plans/:id                   plans:write       m      i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/audit                                 audit:read        m      i   i       i        r       +      +      +     +       +     +     +        m            m
GET    /v1/reports/runbooks                      reports:read      m      i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/why                                   why:read          m      i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/delegations/remediation               delegations:read  m      i   i       i        r       r      r      r     r       r     +     +        m            m
PUT    /v1/delegations/remediation               delegations:write m      i   i       i        r       r      r      r     r       r     p     +        m            m
DELETE /v1/delegations/remediation               delegations:write m      i   i       i        r       r      r      r     r       r     p     +        m            m
GET    /v1/delegations                           actions:read      m      i   i       i        r       +      +      +     +       +     +     +        m            m
GET    /v1/delegations/:id                       actions:read      m      i   i       i        r       +      +      +     +       +     +     +        m            m
DELETE /v1/delegations/:id                       delegations:revoke m     i   i       i        r       +      +      +     +       +     p     +        m            m
GET    /v1/runbooks                              runbooks:read      m     i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/runbooks/:name                        runbooks:read      m     i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/runbooks/:name/runs                   runbooks:run       m     i   i       i        r       r      r      r     r       r     p     +        m            m
GET    /v1/runs                                  runbooks:read      m     i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/runs/:id                              runbooks:read      m     i   i       i        r       r      r      r     r       r     +     +        m            m
GET    /v1/runs/:id/history                      runbooks:read      m     i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/runs/:id/cancel                       runbooks:run       m     i   i       i        r       r      r      r     r       r     p     +        m            m
POST   /v1/runs/:id/move                         runbooks:run       m     i   i       i        r       r      r      r     r       r     p     +        m            m
POST   /v1/runs/:id/answer                       runbooks:run       m     i   i       i        r       r      r      r     r       r     p     +        m            m
POST   /v1/runs/:id/again                        runbooks:run       m     i   i       i        r       r      r      r     r       r     p     +        m            m
GET    /v1/notifications                         notifications:read m     i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/notifications/test                    notifications:test m     i   i       i        r       r      r      r     r       r     +     +        m            m
POST   /v1/signals/alertmanager                  alertmanager      m      m   m       m        m       m      m      m     m       m     m     m        +            s
POST   /v1/signals/logs                          logs              m      m   m       m        m       m      m      m     m       m     m     m        s            +
`
const meaning: Record<string, ErrorCode | undefined> = {
  '+': undefined,
  m: 'TOKEN_MISSING',
  i: 'TOKEN_INVALID',
  r: 'ROLE_MISSING',
  p: 'PERSON_NEEDED',
  s: 'SOURCE_REFUSED',
}

const [head = [], ...rows] = table
  .trim()
  .split('\n')
  .map((line) => line.split(/ +/))
const callers = head.slice(3)
const routes = rows.map(([method = '', url = '', access = '', ...cells]) => ({ method, url, access, cells }))

const roles = (...names: string[]) => ({ roles: names.map((name) => ({ name })) })
/** In this installation operators have a role of their own, so that `admin` is only the admin of a project. */
const operatorRole = 'cloud-operator'
const all = ['reader', 'member', 'manager', 'admin', operatorRole]

/** What Keystone says of each one's token; of the others it knows nothing. */
const tokens: Record<string, object> = {
  unscoped: tokenBody({ scope: 'unscoped' }),
  service: tokenBody({ changes: roles('service') }),
  reader: tokenBody({ changes: roles('reader') }),
  member: tokenBody({ changes: roles('reader', 'member') }),
  other: tokenBody({ changes: { ...roles('reader', 'member'), project: { id: 'project-2', name: 'bank' } } }),
  manager: tokenBody({ changes: roles('reader', 'member', 'manager') }),
  admin: tokenBody({ changes: roles('reader', 'member', 'manager', 'admin') }),
  trust: tokenBody({ scope: 'trust', changes: roles(...all) }),
  operator: tokenBody({ changes: roles(...all) }),
}
const sources: Record<string, Record<string, string>> = {
  nobody: {},
  alertmanager: from(bearer.alertmanager),
  logs: from(bearer.logs),
}

async function guarded() {
  const fake = await fakeKeystone()
  fake.onOther = ({ headers }) => {
    const body = tokens[String(headers['x-subject-token'])]
    return body ? { body } : keystoneFault(404, 'Could not find token.')
  }
  const keystone = createKeystone({ authUrl: fake.authUrl, http: createHttp() })
  return world({ checkToken: (token, asked) => keystone.validate(token, asked), policy: accessPolicy(operatorRole) })
}

const pathOf = (route: string) =>
  route
    .replace(':id', 'b6f3c7a2-9d7e-4c0e-8f51-0d6f2c3b4a59')
    .replace(':name', 'night-off')
    .replace(':at', '2026-11-21T00:00:00Z')
    .replace(':scope', 'all')
    .replace(':token', 'x')

describe('every route', () => {
  it.each(routes)('$method $url lets in whom $access lets in', async ({ method, url, access, cells }) => {
    const w = await guarded()
    expect(cells).toHaveLength(callers.length)
    for (const [index, caller] of callers.entries()) {
      // a body that no route could read: whoever is refused is refused before it is looked at
      const body = method !== 'GET' && { payload: '{"half' }
      const answer = await w.ask({
        method: method as 'POST',
        url: pathOf(url),
        headers: { ...(sources[caller] ?? as(caller)), ...(body && { 'content-type': 'application/json' }) },
        ...body,
      })
      const expected = meaning[cells[index] ?? '']
      if (expected === undefined) {
        expect([caller, cells[index]]).toEqual([caller, '+'])
        expect([caller, 401, 403]).not.toContain(answer.statusCode)
        continue
      }
      expect([caller, answer.json().code]).toEqual([caller, expected])
      expectProblem(answer, expected)
      const scheme = access === 'alertmanager' || access === 'logs' ? 'Bearer' : 'Keystone'
      expect(answer.headers['www-authenticate']).toBe(answer.statusCode === 401 ? scheme : undefined)
    }
    expect(w.trusts.size + w.started.length + w.reported.length).toBe(0)
  })

  it.each([
    ['a token that is no header', as('\u00ff'), 'TOKEN_INVALID', 'TOKEN_MISSING'],
    ['the bearer token as a Keystone token', as(bearer.alertmanager), 'TOKEN_INVALID', 'TOKEN_MISSING'],
    ['a bearer token nobody has', from('x'.repeat(24)), 'TOKEN_MISSING', 'SOURCE_REFUSED'],
    ['a bearer token cut short', from(bearer.alertmanager.slice(0, -1)), 'TOKEN_MISSING', 'SOURCE_REFUSED'],
    [
      'basic credentials',
      { authorization: `Basic ${Buffer.from(`am:${bearer.alertmanager}`).toString('base64')}` },
      'TOKEN_MISSING',
      'TOKEN_MISSING',
    ],
  ] as const)('refuses %s', async (_name, headers, forPeople, forSources) => {
    const w = await guarded()
    for (const { method, url, access } of routes.filter((route) => route.access !== 'open')) {
      const answer = await w.ask({ method: method as 'POST', url: pathOf(url), headers })
      expectProblem(answer, isPermission(access as 'open') ? forPeople : forSources)
    }
  })
})

describe('a refusal', () => {
  it('names the permission and the roles that give it', async () => {
    const w = await world()
    const refused = async (method: 'GET' | 'POST', url: string, who: string) =>
      expectProblem(await w.ask({ method, url, headers: as(who) }), 'ROLE_MISSING').detail
    expect(await refused('GET', '/v1/incidents', 'member')).toBe(
      'this needs the permission incidents:read, which these roles give: admin',
    )
    expect(await refused('POST', '/v1/actions', 'reader')).toBe(
      'this needs the permission actions:write, which these roles give: member, manager, admin',
    )
  })
})

describe('the audit', () => {
  it('of all projects is only for who sees the cloud', async () => {
    const asked: unknown[] = []
    const w = await world({
      async *auditEvents({ projectId }) {
        asked.push(projectId)
        yield* []
      },
    })
    for (const who of ['member', 'stranger', 'operator'])
      expect((await w.ask({ url: '/v1/audit', headers: as(who) })).statusCode).toBe(200)
    expect(asked).toEqual(['project-1', 'project-2', undefined])
    expectProblem(await w.ask({ url: '/v1/audit?project=project-2', headers: as('member') }), 'ROLE_MISSING')
    expectProblem(await w.ask({ url: '/v1/audit?host=cmp-1', headers: as('member') }), 'ROLE_MISSING')
  })
})

describe('an access file', () => {
  const file = `
roles:
  reader:
    - persona: reader
    - { persona: observer, projects: [project-ops] }
personas:
  observer: [incidents:read, governor:read]
`
  const policy = parseAccess(file, 'access.yaml', 'admin')
  const inOps = someone({ roles: ['reader'], projectId: 'project-ops' })
  const who = { ...people, observer: inOps }
  const checkToken = async (token: string) => who[token as keyof typeof who]

  it('opens the incidents to readers of the operations project, and to no other reader', async () => {
    const w = await world({ policy, checkToken })
    const statusOf = async (url: string, name: string) => (await w.ask({ url, headers: as(name) })).statusCode
    expect(await statusOf('/v1/incidents', 'observer')).toBe(200)
    expect(await statusOf('/v1/governor', 'observer')).toBe(200)
    expect(await statusOf('/v1/leases', 'observer')).toBe(403)
    for (const name of ['reader', 'member', 'stranger']) expect(await statusOf('/v1/incidents', name)).toBe(403)
    const refused = await w.ask({ method: 'POST', url: '/v1/stop', headers: as('observer'), payload: { why: 'x' } })
    expectProblem(refused, 'ROLE_MISSING')
  })

  it('does not tell strangers which project that is', async () => {
    const w = await world({ policy, checkToken })
    const { detail } = expectProblem(await w.ask({ url: '/v1/incidents', headers: as('reader') }), 'ROLE_MISSING')
    expect(detail).toBe(
      'this needs the permission incidents:read, which these roles give: reader (in certain projects), admin',
    )
  })
})

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
    expect(new Set(listed)).toEqual(new Set(routes.map(({ method, url, access }) => `${method} ${url} ${access}`)))
  })

  it('asks for a permission that there is', () => {
    const known = ['open', 'alertmanager', 'logs', ...permissionNames]
    for (const { access } of routes) expect(known).toContain(access)
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
