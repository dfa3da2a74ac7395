import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../core/catalogue.ts'
import { as, at, expectProblem, people, stopServer, type World, world } from './app.ts'

const defer = (w: World, payload: object, who = 'member') =>
  w.ask({ method: 'POST', url: '/v1/actions', headers: as(who), payload })

/** Nothing may be left of a request that was refused. */
function expectNothingLeft({ trusts, started }: World) {
  expect([...trusts]).toEqual([])
  expect(started).toEqual([])
}

describe('deferring a call', () => {
  it('makes a trust with one role and starts the action with it', async () => {
    const w = await world()
    const answer = await defer(w, stopServer({ name: 'stop at night' }))
    expect(answer.statusCode).toBe(201)
    const view = answer.json()
    expect(view).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'stop at night',
      state: 'scheduled',
      projectId: 'project-1',
      userId: 'user-ana',
      roles: ['member'],
      delegatedBy: { kind: 'trust' },
      call: stopServer().call,
      priority: 3,
      runAt: at(2 * 3600),
      notAfter: at(3 * 3600),
      createdAt: at(0),
    })
    expect(answer.headers.location).toBe(`/v1/actions/${view.id}`)
    expect(w.started).toEqual([{ view, trustId: 'trust-1', maxLatenessMs: 3_600_000 }])
    expect([...w.trusts.values()]).toMatchObject([{ trusteeUserId: 'user-steward', roles: ['member'] }])
  })

  it('makes a trust that outlives the latest moment of the call', async () => {
    const w = await world()
    await defer(w, stopServer({ maxLatenessSeconds: 86_400 }))
    const [trust] = w.trusts.values()
    const spareSeconds = ((trust?.expiresAt.getTime() ?? 0) - Date.parse(at(2 * 3600 + 86_400))) / 1000
    expect(spareSeconds).toBeGreaterThanOrEqual(600)
    expect(spareSeconds).toBeLessThan(900)
  })

  it('takes a due time with any offset', async () => {
    const w = await world()
    const answer = await defer(w, { ...stopServer({ runAt: '2026-11-21T09:00:00+07:00' }), runIn: undefined })
    expect(answer.json().runAt).toBe(at(3600))
  })

  it('takes a call that only reads with the lowest role', async () => {
    const w = await world()
    const answer = await defer(w, stopServer({}, { method: 'GET', path: '/servers', body: undefined }), 'member')
    expect(answer.json().roles).toEqual(['reader'])
  })
})

type Refused = [why: string, code: ErrorCode, payload: object, says: RegExp]
const refused: Refused[] = [
  ['an unknown field', 'INPUT_INVALID', stopServer({ colour: 1 }), /"colour"/],
  ['a priority there is not', 'INPUT_INVALID', stopServer({ priority: 6 }), /\/priority: /],
  ['a project of its own choice', 'INPUT_INVALID', stopServer({ projectId: 'project-2' }), /"projectId"/],
  ['a user of its own choice', 'INPUT_INVALID', stopServer({ userId: 'user-olga' }), /"userId"/],
  ['a trust of its own choice', 'INPUT_INVALID', stopServer({ trustId: 'trust-9' }), /"trustId"/],
  ['an unknown field in the call', 'INPUT_INVALID', stopServer({}, { url: 'http://evil' }), /"url"/],
  ['a name that is a number', 'INPUT_INVALID', stopServer({ name: 7 }), /\/name: /],
  ['a name of 201 characters', 'INPUT_INVALID', stopServer({ name: 'x'.repeat(201) }), /\/name: /],
  ['a method HTTP does not have', 'INPUT_INVALID', stopServer({}, { method: 'BREW' }), /\/call\/method: /],
  ['a body that is a list', 'INPUT_INVALID', stopServer({}, { body: [] }), /\/call\/body: /],
  ['a microversion of words', 'INPUT_INVALID', stopServer({}, { microversion: 'latest' }), /\/call\/microversion: /],
  ['a lateness of a day and a second', 'INPUT_INVALID', stopServer({ maxLatenessSeconds: 86_401 }), /maxLateness/],
  ['no time', 'INPUT_INVALID', { call: stopServer().call }, /either runAt or runIn/],
  ['two times', 'INPUT_INVALID', stopServer({ runAt: at(60) }), /either runAt or runIn/],
  ['a time without offset', 'INPUT_INVALID', { call: stopServer().call, runAt: '2026-11-22T00:00:00' }, /\/runAt: /],
  ['a day that is none', 'INPUT_INVALID', { call: stopServer().call, runAt: '2026-02-30T00:00:00Z' }, /\/runAt: /],
  ['a duration in months', 'INPUT_INVALID', stopServer({ runIn: 'P1M' }), /P1M is not a duration/],
  ['a duration in years', 'INPUT_INVALID', stopServer({ runIn: 'P1Y' }), /P1Y is not a duration/],
  ['a duration that is none', 'INPUT_INVALID', stopServer({ runIn: '2 hours' }), /\/runIn: /],
  ['a time that is past', 'TIME_PAST', { call: stopServer().call, runAt: at(-1) }, /is past/],
  ['this very moment', 'TIME_PAST', { call: stopServer().call, runAt: at(0) }, /is past/],
  ['a time beyond the maximum', 'TIME_TOO_FAR', stopServer({ runIn: 'P371D' }), /more than 370 days/],
  ['the year 9999', 'TIME_TOO_FAR', { call: stopServer().call, runAt: '9999-12-31T23:59:59Z' }, /more than 370/],
  ['a service nobody has', 'SERVICE_UNKNOWN', stopServer({}, { service: 'dns' }), /no public endpoint of dns/],
  ['a hint that steers Nova', 'INPUT_INVALID', stopServer({}, { body: { a: [{ _nova_x: 1 }] } }), /_nova_x/],
  ...[
    'https://evil.example/',
    '//evil.example/',
    'servers',
    '/servers/../../v3/users',
    '/servers/%2e%2e/admin',
    '/servers/%252e%252e/admin',
    '/servers\\..\\admin',
    '/servers/%5c..',
    '/servers/\r\nX-Auth-Token: x',
    '/servers/\u0000',
    '/servers/\u009b31m',
    '/servers#fragment',
    '/@evil.example/..;/x',
    '/servers/%zz',
  ].map(
    (path): Refused => [`the path ${JSON.stringify(path)}`, 'PATH_REFUSED', stopServer({}, { path }), /^the path /],
  ),
]

describe('deferring a call is refused, and leaves nothing behind,', () => {
  it.each(refused)('with %s', async (_why, code, payload, says) => {
    const w = await world()
    expect(expectProblem(await defer(w, payload, 'operator'), code).detail).toMatch(says)
    expectNothingLeft(w)
  })

  const raw: [why: string, code: ErrorCode, contentType: string, payload: string | Buffer][] = [
    ['2 MB', 'BODY_TOO_LARGE', 'application/json', JSON.stringify(stopServer({ name: 'x'.repeat(2 << 20) }))],
    ['XML', 'MEDIA_TYPE_UNSUPPORTED', 'application/xml', '<action/>'],
    ['a form', 'MEDIA_TYPE_UNSUPPORTED', 'application/x-www-form-urlencoded', 'runIn=PT2H'],
    ['plain text', 'MEDIA_TYPE_UNSUPPORTED', 'text/plain', JSON.stringify(stopServer())],
    ['lines of JSON', 'MEDIA_TYPE_UNSUPPORTED', 'application/x-ndjson', JSON.stringify(stopServer())],
    ['half a JSON', 'INPUT_INVALID', 'application/json', '{"runIn": "PT2H", "secret'],
    ['nothing', 'INPUT_INVALID', 'application/json', ''],
    ['null', 'INPUT_INVALID', 'application/json', 'null'],
    ['bytes that are no UTF-8', 'INPUT_INVALID', 'application/json', Buffer.from([0x7b, 0xff, 0x7d])],
    ['__proto__', 'INPUT_INVALID', 'application/json', '{"call": {"body": {"__proto__": {"x": 1}}}}'],
    ['constructor.prototype', 'INPUT_INVALID', 'application/json', '{"constructor": {"prototype": {"x": 1}}}'],
  ]
  it.each(raw)('when the body is %s', async (_why, code, contentType, payload) => {
    const w = await world()
    const headers = { ...as('member'), 'content-type': contentType }
    const answer = await w.ask({ method: 'POST', url: '/v1/actions', headers, payload })
    expect(expectProblem(answer, code).detail).not.toContain('secret')
    expectNothingLeft(w)
  })

  it.each([101, 10_000, 60_000])('when the body has %i levels', async (levels) => {
    const w = await world()
    const deep = JSON.stringify(stopServer({}, { body: { a: '@' } })).replace(
      '"@"',
      `${'['.repeat(levels)}${']'.repeat(levels)}`,
    )
    const headers = { ...as('member'), 'content-type': 'application/json' }
    const answer = await w.ask({ method: 'POST', url: '/v1/actions', headers, payload: deep })
    expect(expectProblem(answer, 'INPUT_INVALID').detail).toMatch(/more than 100 levels/)
    expectNothingLeft(w)
  })

  it('when the body is compressed, which is never inflated', async () => {
    const w = await world()
    const headers = { ...as('member'), 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const answer = await w.ask({ method: 'POST', url: '/v1/actions', headers, payload: JSON.stringify(stopServer()) })
    expectProblem(answer, 'MEDIA_TYPE_UNSUPPORTED')
    expect(answer.headers['accept-encoding']).toBe('identity')
    expectNothingLeft(w)
  })

  it('whatever JSON it is, with a problem and never with a 5xx', async () => {
    const w = await world()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.jsonValue(), fc.record({ runIn: fc.string(), runAt: fc.jsonValue(), call: fc.jsonValue() })),
        async (value) => {
          const headers = { ...as('member'), 'content-type': 'application/json' }
          const payload = JSON.stringify(value)
          const answer = await w.ask({ method: 'POST', url: '/v1/actions', headers, payload })
          expect(answer.statusCode).toBe(400)
        },
      ),
      { numRuns: 100 },
    )
    expectNothingLeft(w)
  })
})

describe('the actions of a project', () => {
  it('are listed, as many as asked for', async () => {
    const w = await world()
    await defer(w, stopServer())
    await defer(w, stopServer())
    const list = async (query: string) => w.ask({ url: `/v1/actions${query}`, headers: as('member') })
    expect((await list('')).json().actions).toHaveLength(2)
    expect((await list('?limit=1')).json().actions).toHaveLength(1)
    for (const query of ['?limit=0', '?limit=1001', '?limit=all', '?all_projects=true', '?project_id=project-2'])
      expectProblem(await list(query), 'INPUT_INVALID')
  })

  it('are shown and cancelled by id', async () => {
    const w = await world()
    const { id } = (await defer(w, stopServer())).json()
    const url = `/v1/actions/${id}`
    expect((await w.ask({ url, headers: as('member') })).json()).toMatchObject({ id, state: 'scheduled' })
    const cancelled = await w.ask({ method: 'DELETE', url, headers: as('member') })
    expect(cancelled.json()).toMatchObject({ id, state: 'cancelled' })
  })

  it.each(['GET', 'DELETE'] as const)('%s refuses an id that is none', async (method) => {
    const w = await world()
    for (const id of ['7', 'action', '00000000-0000-0000-0000-00000000000g', "x' OR 1=1", 'a'.repeat(300)])
      expectProblem(
        await w.ask({ method, url: `/v1/actions/${encodeURIComponent(id)}`, headers: as('member') }),
        'INPUT_INVALID',
      )
  })

  it('come in pages, each of which names the next one', async () => {
    const w = await world()
    const ids = []
    for (let at = 0; at < 3; at++) ids.push((await defer(w, stopServer())).json().id)
    const first = (await w.ask({ url: '/v1/actions?limit=2', headers: as('member') })).json()
    expect(first.actions).toHaveLength(2)
    const next = (await w.ask({ url: `/v1/actions?limit=2&page=${first.nextPage}`, headers: as('member') })).json()
    expect(next.actions).toHaveLength(1)
    expect(next).not.toHaveProperty('nextPage')
    expect([...first.actions, ...next.actions].map(({ id }) => id)).toEqual(ids)
    for (const page of ['', 'a b', 'x'.repeat(3000), '%00'])
      expectProblem(await w.ask({ url: `/v1/actions?page=${page}`, headers: as('member') }), 'INPUT_INVALID')
  })

  it('never come from anybody but the project of the token', async () => {
    expect(people.stranger.projectId).not.toBe(people.member.projectId)
    const w = await world()
    const { id } = (await defer(w, stopServer())).json()
    expect((await w.ask({ url: '/v1/actions', headers: as('stranger') })).json()).toEqual({ actions: [] })
    for (const method of ['GET', 'DELETE'] as const)
      expectProblem(await w.ask({ method, url: `/v1/actions/${id}`, headers: as('stranger') }), 'ACTION_NOT_FOUND')
  })
})
