import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import { as, at, expectProblem, nowMs, stopServer, type World, world } from './app.ts'

const { call } = stopServer()
const nightly = { cron: '0 22 * * mon-fri', timeZone: 'Europe/Berlin' }
const wish = (changes: object = {}) => ({ name: 'off at night', call, recurrence: nightly, ...changes })
const url = '/v1/recurring-actions'

const create = (w: World, payload: object = wish(), who = 'member') =>
  w.ask({ method: 'POST', url, headers: as(who), payload })

async function repeating(who = 'member') {
  const w = await world()
  const { id } = (await create(w, wish(), who)).json()
  const ask = (method: 'POST' | 'PATCH' | 'DELETE' | 'GET', path: string, payload?: object, by = 'member') =>
    w.ask({ method, url: `${url}/${id}${path}`, headers: as(by), ...(payload && { payload }) })
  return { w, id: id as string, ask }
}

describe('a preview', () => {
  const preview = async (payload: object) =>
    (await world()).ask({ method: 'POST', url: `${url}/preview`, headers: as('reader'), payload })

  it('lists the next occurrences in local time and UTC, across a change of clocks, and saves nothing', async () => {
    const recurrence = { calendar: { times: ['02:30'] }, timeZone: 'Europe/Berlin', start: '2027-03-27T00:00:00Z' }
    const answer = await preview({ recurrence, count: 3 })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      occurrences: [
        { at: '2027-03-27T01:30:00.000Z', local: expect.stringContaining('2027-03-27 02:30') },
        {
          at: '2027-03-28T01:00:00.000Z',
          local: expect.stringContaining('2027-03-28 03:00'),
          note: 'moved: 02:30 does not exist',
        },
        { at: '2027-03-29T00:30:00.000Z', local: expect.stringContaining('2027-03-29 02:30') },
      ],
      warnings: [],
    })
  })

  it.each([
    [{ cron: '0 0 31 2 *' }, 'recurrence: it never happens: no date matches'],
    [{ interval: 'PT1S' }, 'recurrence: an interval of PT1S is shorter than 60 s'],
    [{ cron: '0 0 * * *', timeZone: 'Mars/Olympus' }, 'recurrence: there is no time zone Mars/Olympus'],
  ])('of %j says why it will not do', async (recurrence, detail) => {
    expect(expectProblem(await preview({ recurrence }), 'INPUT_INVALID').detail).toBe(detail)
  })
})

describe('a recurring action', () => {
  it('is started with one trust of the fewest roles, until the delegation ends', async () => {
    const w = await world()
    const answer = await create(w)
    expect(answer.statusCode).toBe(201)
    const [[trustId, trust] = []] = w.trusts
    expect(trust).toMatchObject({ trusteeUserId: 'user-steward', roles: ['member'] })
    const until = new Date(nowMs + 90 * 86_400_000).toISOString()
    expect(w.repeated).toEqual([{ view: answer.json(), trustId, afterMs: nowMs }])
    expect(answer.json()).toMatchObject({
      ...{ name: 'off at night', state: 'active', projectId: 'project-1', userId: 'user-ana', roles: ['member'] },
      ...{ call, recurrence: nightly, maxLatenessSeconds: 3600, delegated: { since: at(0), until } },
      ...{ counted: 0, running: [], past: [] },
    })
    expect(trust?.expiresAt.getTime()).toBeGreaterThanOrEqual(Date.parse(until) + 600_000)
    expect(answer.headers.location).toBe(`${url}/${answer.json().id}`)
  })

  it('is delegated for no longer than it recurs', async () => {
    const w = await world()
    const answer = await create(w, wish({ recurrence: { ...nightly, end: at(7 * 86_400) }, maxLatenessSeconds: 60 }))
    expect(answer.json().delegated.until).toBe(at(7 * 86_400 + 60))
  })

  it.each([
    ['never happens', wish({ recurrence: { cron: '0 0 30 2 *' } }), 'member', 'INPUT_INVALID'],
    ['has two kinds of times', wish({ recurrence: { ...nightly, interval: 'P1D' } }), 'member', 'INPUT_INVALID'],
    ['is delegated for longer than may be', wish({ delegateFor: 'P400D' }), 'member', 'TIME_TOO_FAR'],
    ['is delegated for months of unknown length', wish({ delegateFor: 'P3M' }), 'member', 'INPUT_INVALID'],
    ['calls a service there is none of', wish({ call: { ...call, service: 'volume' } }), 'member', 'SERVICE_UNKNOWN'],
    ['leaves its endpoint', wish({ call: { ...call, path: '/../x' } }), 'member', 'PATH_REFUSED'],
    ['is wanted by an application credential', wish(), 'robot', 'DELEGATION_REFUSED'],
  ] as const)('that %s is refused, and no trust is left', async (_what, payload, who, code) => {
    const w = await world()
    expectProblem(await create(w, payload, who), code)
    expect([w.trusts.size, w.repeated.length]).toEqual([0, 0])
  })

  it('that cannot be started leaves no trust', async () => {
    const start = async () => {
      throw failure('ENGINE_UNREACHABLE', 'Temporal does not answer')
    }
    const w = await world({ recurring: { start } })
    expectProblem(await create(w), 'ENGINE_UNREACHABLE')
    expect(w.trusts.size).toBe(0)
  })

  it('is seen and commanded by its project, and by nobody else', async () => {
    const { w, id, ask } = await repeating()
    expect((await ask('GET', '')).json().id).toBe(id)
    const list = (who: string) => w.ask({ url, headers: as(who) })
    expect((await list('reader')).json().recurringActions).toHaveLength(1)
    expect((await list('stranger')).json().recurringActions).toEqual([])
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/pause'],
      ['POST', '/run-now'],
      ['DELETE', ''],
    ] as const)
      expectProblem(await ask(method, path, undefined, 'stranger'), 'ACTION_NOT_FOUND')
    expect(w.told).toEqual([])
  })

  it('takes commands, with who gave them', async () => {
    const { w, ask } = await repeating()
    const by = { userId: 'user-ana', name: 'ana' }
    await ask('POST', '/pause')
    await ask('POST', '/resume')
    await ask('POST', '/snooze', { until: at(3600) })
    await ask('POST', '/run-now')
    await ask('DELETE', '')
    expect(w.told).toEqual([
      { does: 'pause', by },
      { does: 'resume', by },
      { does: 'snooze', until: at(3600), by },
      { does: 'runNow', by },
      { does: 'cancel', by },
    ])
  })

  it('may be held up by anybody of its project; only its owner makes more of it', async () => {
    const { w, ask } = await repeating('operator')
    expect((await ask('POST', '/pause')).statusCode).toBe(200)
    expect((await ask('DELETE', '')).statusCode).toBe(200)
    expectProblem(await ask('POST', '/run-now'), 'DELEGATION_REFUSED')
    expectProblem(await ask('PATCH', '', { recurrence: { interval: 'PT1H' } }), 'DELEGATION_REFUSED')
    expect(w.told.map(({ does }) => does)).toEqual(['pause', 'cancel'])
  })

  it('is changed with its present trust when the call stays, and with another one when not', async () => {
    const { w, ask } = await repeating()
    const recurrence = { interval: 'PT6H' }
    expect((await ask('PATCH', '', { name: 'four times a day', recurrence })).statusCode).toBe(200)
    expect(w.told.at(-1)).toMatchObject({ does: 'change', name: 'four times a day', recurrence })
    expect(w.told.at(-1)).not.toHaveProperty('delegated')
    expect(w.trusts.size).toBe(1)
    const start = { ...call, body: { 'os-start': null } }
    await ask('PATCH', '', { call: start })
    expect(w.trusts.size).toBe(2)
    expect(w.told.at(-1)).toMatchObject({ work: { call: start }, delegated: { trustId: 'trust-2', roles: ['member'] } })
    await ask('PATCH', '', { delegateFor: 'P10D' })
    expect(w.told.at(-1)).toMatchObject({ delegated: { trustId: 'trust-3', until: at(10 * 86_400) } })
    expectProblem(await ask('PATCH', '', {}), 'INPUT_INVALID')
  })

  it('whose change is refused leaves no new trust', async () => {
    const { w, ask } = await repeating()
    expectProblem(await ask('PATCH', '', { recurrence: { cron: '0 0 31 2 *' }, delegateFor: 'P10D' }), 'INPUT_INVALID')
    expect(w.trusts.size).toBe(1)
  })
})
