import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import { as, at, expectProblem, stopServer, type World, world } from './app.ts'

const ask = (w: World, method: 'POST' | 'PATCH' | 'DELETE' | 'GET', path = '', payload?: object, who = 'member') =>
  w.ask({ method, url: `/v1/actions${path}`, headers: as(who), ...(payload && { payload }) })
const serverId = '5c7d0f3e-8a1b-4c2d-9e3f-000000000001'
const stop = { action: 'server.stop', with: { serverId }, runIn: 'PT2H' }

/** A world with one action in it, and its id. */
async function withAction(payload: object = stopServer()) {
  const w = await world()
  const { id } = (await ask(w, 'POST', '', payload)).json()
  return { w, id: String(id) }
}

describe('work by name', () => {
  it('is taken in as it was given, with the role its action needs', async () => {
    const w = await world()
    const answer = await ask(w, 'POST', '', stop)
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toMatchObject({ action: 'server.stop', with: { serverId }, roles: ['member'] })
    expect(answer.json()).not.toHaveProperty('call')
  })

  it('gets a trust that lasts until its end has been waited for', async () => {
    const w = await world()
    await ask(w, 'POST', '', stop)
    const [trust] = w.trusts.values()
    const spareSeconds = ((trust?.expiresAt.getTime() ?? 0) - Date.parse(at(2 * 3600 + 3600))) / 1000
    // ten minutes for the stop itself, and the margin
    expect(spareSeconds).toBeGreaterThanOrEqual(1200)
  })

  it('is several steps in a row', async () => {
    const w = await world()
    const steps = [
      { id: 'snap', action: 'server.snapshot', with: { serverId, name: 'nightly' } },
      { id: 'move', action: 'server.live-migrate', with: { serverId }, onFailure: 'undo' },
    ]
    const answer = await ask(w, 'POST', '', { steps, runIn: 'PT2H' }, 'operator')
    expect(answer.json()).toMatchObject({ steps, roles: ['manager'] })
    expectProblem(await ask(w, 'POST', '', { steps, runIn: 'PT2H' }, 'member'), 'ROLE_MISSING')
  })

  it.each([
    ['two ways at once', { ...stopServer(), action: 'server.stop' }, /call, action .*and steps/],
    ['no way at all', { runIn: 'PT2H' }, /call, action .*and steps/],
    ['a name nobody knows', { ...stop, action: 'server.explode' }, /no action server\.explode/],
    ['input that does not fit', { ...stop, with: { serverId: 'x/../y' } }, /serverId/],
  ])('is refused with %s', async (_what, payload, says) => {
    const w = await world()
    expect(expectProblem(await ask(w, 'POST', '', payload), 'INPUT_INVALID').detail).toMatch(says)
    expect(w.trusts.size + w.started.length).toBe(0)
  })
})

describe('a look ahead, when an action is made,', () => {
  it('refuses what names something that is not there, and leaves no trust', async () => {
    const w = await world({ lookAhead: async () => ({ code: 'TARGET_MISSING', detail: 'there is no such server' }) })
    expect(expectProblem(await ask(w, 'POST', '', stop), 'TARGET_MISSING').detail).toBe('there is no such server')
    expect(w.trusts.size + w.started.length).toBe(0)
  })

  it('is left out for what will be there in time', async () => {
    const w = await world({ lookAhead: async () => ({ code: 'TARGET_MISSING', detail: 'there is no such server' }) })
    expect((await ask(w, 'POST', '', { ...stop, unchecked: true })).statusCode).toBe(201)
  })

  it('warns of a quota that is too small now', async () => {
    const short = { code: 'QUOTA_SHORT', detail: 'compute cores: 18 in use of 20, 4 wanted' }
    const w = await world({ lookAhead: async () => short })
    const answer = await ask(w, 'POST', '', stop)
    expect([answer.statusCode, answer.json().warning]).toEqual([201, short])
  })

  it('that could not be made is told with the action', async () => {
    const w = await world({
      async lookAhead() {
        throw failure('CLOUD_UNREACHABLE', 'Nova does not answer')
      },
    })
    const answer = await ask(w, 'POST', '', stop)
    expect([answer.statusCode, answer.json().warning]).toEqual([
      201,
      { code: 'CLOUD_UNREACHABLE', detail: expect.stringContaining('Nova does not answer') },
    ])
  })
})

describe('when an action is due', () => {
  it('may be now', async () => {
    const w = await world()
    expect((await ask(w, 'POST', '', { ...stop, runIn: 'PT0S' })).json().runAt).toBe(at(0))
  })

  it('may be anywhere in a window, to spread the load', async () => {
    const w = await world()
    const times = new Set<string>()
    for (let n = 0; n < 8; n++) {
      const { runAt } = (await ask(w, 'POST', '', { ...stop, windowSeconds: 3600 })).json()
      expect(runAt >= at(7200) && runAt < at(7200 + 3600)).toBe(true)
      times.add(runAt)
    }
    expect(times.size).toBeGreaterThan(1)
  })

  it('ends at the moment its owner gives', async () => {
    const w = await world()
    const notAfter = at(7200 + 60)
    expect((await ask(w, 'POST', '', { ...stop, notAfter })).json().notAfter).toBe(notAfter)
    expectProblem(await ask(w, 'POST', '', { ...stop, notAfter: at(60) }), 'INPUT_INVALID')
    expectProblem(await ask(w, 'POST', '', { ...stop, notAfter: at(7200 + 86_401) }), 'INPUT_INVALID')
  })
})

describe('an Idempotency-Key', () => {
  const send = (w: World, key: string, payload: object, who = 'member') =>
    w.ask({ method: 'POST', url: '/v1/actions', headers: { ...as(who), 'idempotency-key': key }, payload })

  it('gives the same action for the same request, and one trust', async () => {
    const w = await world()
    const [first, again] = [await send(w, 'night-1', stop), await send(w, 'night-1', stop)]
    expect([first.statusCode, again.statusCode, again.json()]).toEqual([201, 201, first.json()])
    expect([w.started.length, w.trusts.size]).toEqual([1, 1])
  })

  it('is refused for another request', async () => {
    const w = await world()
    await send(w, 'night-1', stop)
    expectProblem(await send(w, 'night-1', { ...stop, runIn: 'PT3H' }), 'IDEMPOTENCY_KEY_REUSED')
    expect([w.started.length, w.trusts.size]).toEqual([1, 1])
  })

  it('is of one person in one project', async () => {
    const w = await world()
    for (const who of ['member', 'operator', 'stranger']) expect((await send(w, 'k', stop, who)).statusCode).toBe(201)
    expect(new Set(w.started.map(({ view }) => view.id)).size).toBe(3)
  })

  it('leaves no second trust when both requests come at the same moment', async () => {
    const w = await world({ actions: { taken: async () => undefined } })
    const answers = await Promise.all([send(w, 'k', stop), send(w, 'k', stop)])
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 409])
    expect([w.started.length, w.trusts.size]).toEqual([1, 1])
  })
})

describe('an action that waits', () => {
  it.each(['pause', 'resume', 'run-now'])('is told to %s by whoever asks', async (command) => {
    const { w, id } = await withAction()
    expect((await ask(w, 'POST', `/${id}/${command}`)).statusCode).toBe(200)
    const does = command === 'run-now' ? 'runNow' : command
    expect(w.ordered).toEqual([[id, { does, by: { userId: 'user-ana', name: 'ana' } }]])
  })

  it('gets another name with the trust it has', async () => {
    const { w, id } = await withAction()
    await ask(w, 'PATCH', `/${id}`, { name: 'other' })
    expect(w.ordered).toMatchObject([[id, { does: 'change', name: 'other' }]])
    expect(w.ordered[0]?.[1]).not.toHaveProperty('delegated')
    expect(w.trusts.size).toBe(1)
  })

  it('gets another time with another trust that lasts as long', async () => {
    const { w, id } = await withAction()
    await ask(w, 'PATCH', `/${id}`, { runIn: 'P2D' })
    expect(w.ordered).toMatchObject([
      [id, { runAt: at(2 * 86_400), notAfter: at(2 * 86_400 + 3600), delegated: { trustId: 'trust-2' } }],
    ])
    const later = w.trusts.get('trust-2')?.expiresAt.getTime() ?? 0
    expect(later).toBeGreaterThan(Date.parse(at(2 * 86_400 + 3600)))
  })

  it('gets other work with the role that needs', async () => {
    const { w, id } = await withAction(stopServer())
    await ask(w, 'PATCH', `/${id}`, { action: 'server.stop', with: { serverId } })
    expect(w.ordered).toMatchObject([
      [id, { work: { action: 'server.stop', with: { serverId } }, runAt: at(7200), delegated: { roles: ['member'] } }],
    ])
  })

  it('is not changed by anybody but whose rights it uses', async () => {
    const { w, id } = await withAction()
    for (const [method, path, payload] of [
      ['PATCH', `/${id}`, { runIn: 'PT1H' }],
      ['POST', `/${id}/run-now`, undefined],
    ] as const)
      expectProblem(await ask(w, method, path, payload, 'operator'), 'DELEGATION_REFUSED')
    expectProblem(await ask(w, 'PATCH', `/${id}`, { runIn: 'PT1H' }, 'stranger'), 'ACTION_NOT_FOUND')
    expect([w.ordered, w.trusts.size]).toEqual([[], 1])
  })

  it('leaves no trust behind when the change is refused', async () => {
    const w = await world({
      actions: {
        async command() {
          throw failure('ACTION_CLOSED', 'it is running')
        },
      },
    })
    const { id } = (await ask(w, 'POST', '', stop)).json()
    expectProblem(await ask(w, 'PATCH', `/${id}`, { runIn: 'PT1H' }), 'ACTION_CLOSED')
    expect([...w.trusts.keys()]).toEqual(['trust-1'])
  })

  it.each([
    ['nothing', {}],
    ['two times', { runAt: at(60), runIn: 'PT1H' }],
    ['input without an action', { with: {} }],
  ])('is not changed by %s', async (_what, change) => {
    const { w, id } = await withAction()
    expectProblem(await ask(w, 'PATCH', `/${id}`, change), 'INPUT_INVALID')
  })
})

describe('an action is done once more', () => {
  it('at another time, with the rights of whoever asks, and says of which it is the replay', async () => {
    const { w, id } = await withAction({ ...stop, name: 'night' })
    const answer = await ask(w, 'POST', `/${id}/clone`, { runIn: 'PT0S' }, 'operator')
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toMatchObject({
      ...{ name: 'night', action: 'server.stop', with: { serverId }, runAt: at(0), notAfter: at(3600) },
      ...{ userId: 'user-olga', replayOf: id, state: 'scheduled' },
    })
    expect(answer.json().id).not.toBe(id)
    expect(w.trusts.size).toBe(2)
  })

  it('but not that of another project', async () => {
    const { w, id } = await withAction()
    expectProblem(await ask(w, 'POST', `/${id}/clone`, { runIn: 'PT0S' }, 'stranger'), 'ACTION_NOT_FOUND')
  })
})

describe('the list of actions', () => {
  it('is of those in the states that are asked for', async () => {
    const { w, id } = await withAction()
    const idsOf = async (query: string) =>
      ((await ask(w, 'GET', `?${query}`)).json().actions as { id: string }[]).map((one) => one.id)
    expect(await idsOf('state=scheduled')).toEqual([id])
    expect(await idsOf('state=failed&state=skipped')).toEqual([])
    expect(await idsOf('state=failed&state=scheduled')).toEqual([id])
    expectProblem(await ask(w, 'GET', '?state=asleep'), 'INPUT_INVALID')
  })
})

describe('an action on many targets', () => {
  const targets = { ids: [serverId, '5c7d0f3e-8a1b-4c2d-9e3f-000000000002'] }
  const stopMany = { action: 'server.stop', targets, runIn: 'PT2H' }

  it('is taken in with its targets', async () => {
    const w = await world()
    const answer = await ask(w, 'POST', '', stopMany)
    expect(answer.json()).toMatchObject({ action: 'server.stop', with: {}, targets, roles: ['member'] })
  })

  it.each([
    ['a target that is said twice', { ...stopMany, with: { serverId } }, 'INPUT_INVALID'],
    ['a selector that says nothing', { ...stopMany, targets: { select: {} } }, 'INPUT_INVALID'],
    ['targets of a call', { ...stopServer(), targets }, 'INPUT_INVALID'],
    [
      'a volume that is to be selected as a server',
      { ...stopMany, action: 'volume.delete', targets: { select: { tags: ['x'] } } },
      'INPUT_INVALID',
    ],
  ] as const)('is refused with %s', async (_what, payload, code) => {
    const w = await world()
    expectProblem(await ask(w, 'POST', '', payload), code)
    expect(w.trusts.size).toBe(0)
  })

  it('shows beforehand which servers are meant, and makes no trust for that', async () => {
    const server = (n: number, tags: string[]) => ({
      id: `s${n}`,
      name: `web-${n}`,
      status: 'ACTIVE',
      tags,
      metadata: {},
    })
    const w = await world({ servers: [server(1, ['night-off']), server(2, []), server(3, ['night-off', 'keep'])] })
    const found = async (select: object) => (await ask(w, 'POST', '/targets', { select }, 'reader')).json()
    expect(await found({ tags: ['night-off'], withoutTags: ['keep'] })).toEqual({
      ...{ total: 1, servers: [{ id: 's1', name: 'web-1', status: 'ACTIVE' }] },
    })
    expect(await found({ tags: ['nobody'] })).toEqual({ total: 0, servers: [] })
    expect(w.trusts.size).toBe(0)
  })
})
