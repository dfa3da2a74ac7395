import { describe, expect, it } from 'vitest'
import { parseAccess } from '../../boot/access-file.ts'
import { as, expectProblem, nowMs, people, someone, type World, world } from './app.ts'

const url = '/v1/recurring-plans'
const nightly = {
  ...{ goal: 'consolidate', name: 'weekend', why: 'fewer hosts', windowMinutes: 180 },
  when: { cron: '0 2 * * *', timeZone: 'Europe/Berlin' },
}
const nobody = '0b6f3c7a-9d7e-4c0e-8f51-0d6f2c3b4a59'

const create = (w: World, changes: object = {}, who = 'operator') =>
  w.ask({ method: 'POST', url, headers: as(who), payload: { ...nightly, ...changes } })

describe('a recurring plan', () => {
  it('is taken in with the times at which plans will be made', async () => {
    const w = await world()
    const answer = await create(w)
    expect(answer.statusCode).toBe(201)
    const { upcoming, ...view } = answer.json()
    expect(answer.headers.location).toBe(`${url}/${view.id}`)
    expect(view).toMatchObject({
      ...{ name: 'weekend', state: 'active', by: 'olga', userId: 'user-olga', goal: 'consolidate', approve: 'ask' },
      ...{ windowMinutes: 180, options: {}, counted: 0, past: [] },
      when: { cron: '0 2 * * *', timeZone: 'Europe/Berlin', dst: 'once' },
    })
    expect(upcoming).toHaveLength(10)
    expect(upcoming[0]).toEqual({ at: '2026-11-22T01:00:00.000Z', local: '2026-11-22 02:00 +01:00 CET' })
    expect(w.recurringPlanned).toEqual([{ view, afterMs: nowMs }])
  })

  it('may follow a signal, with limits that do not take back each other', async () => {
    const w = await world()
    const answer = await create(w, { signal: { query: 'carbon' } })
    expect(answer.json().signal).toEqual({
      ...{ query: 'carbon', consolidateFrom: 0.6, spreadUpTo: 0.3, calmCpuPercent: 60, hardCpuPercent: 90 },
    })
    for (const [changes, says] of [
      [{ signal: { query: 'carbon', spreadUpTo: 0.7 } }, 'spreadUpTo: must be below'],
      [{ signal: { query: 'carbon' }, goal: 'balance' }, 'goes with the goal `consolidate`'],
      [{ goal: 'balance', options: { powerOff: true } }, 'only `consolidate` turns hosts off'],
    ] as const)
      expect(expectProblem(await create(w, changes), 'INPUT_INVALID').detail).toContain(says)
  })

  it('takes down no servers without a person, who may agree to moving those that are off', async () => {
    const w = await world()
    const refused = await create(w, { approve: 'auto', options: { cold: 'all' } })
    expect(expectProblem(refused, 'INPUT_INVALID').detail).toContain('which takes servers down; use `ask`')
    for (const accepted of [
      { approve: 'ask', options: { cold: 'all' } },
      { approve: 'auto', options: { cold: 'stopped' } },
    ])
      expect((await create(w, accepted)).json()).toMatchObject(accepted)
  })

  it('is shown and listed by pages', async () => {
    const w = await world()
    const ids = [(await create(w)).json().id, (await create(w)).json().id]
    const ask = async (path: string) => (await w.ask({ url: `${url}${path}`, headers: as('colleague') })).json()
    expect(await ask(`/${ids[0]}`)).toMatchObject({ id: ids[0], upcoming: expect.any(Array) })
    const first = await ask('?limit=1')
    const second = await ask(`?limit=1&page=${first.nextPage}`)
    expect([...first.recurringPlans, ...second.recurringPlans].map(({ id }) => id)).toEqual(ids)
    expect(second).not.toHaveProperty('nextPage')
    expectProblem(await w.ask({ url: `${url}/${nobody}`, headers: as('operator') }), 'PLAN_NOT_FOUND')
  })

  it('is paused, resumed and deleted in the name of whoever does it', async () => {
    const w = await world()
    const { id } = (await create(w)).json()
    for (const [method, path] of [
      ['POST', '/pause'],
      ['POST', '/resume'],
      ['DELETE', ''],
    ] as const)
      expect((await w.ask({ method, url: `${url}/${id}${path}`, headers: as('colleague') })).statusCode).toBe(200)
    const by = { userId: 'user-otto', name: 'otto' }
    expect(w.recurringCommanded).toEqual(['pause', 'resume', 'delete'].map((does) => [id, { does, by }]))
  })

  it.each([
    ['no time', { when: {} }],
    ['a date that never comes', { when: { cron: '0 0 30 2 *' } }],
    ['a time zone nobody knows', { when: { cron: '0 2 * * *', timeZone: 'Mars/Olympus' } }],
    ['plans beside each other', { when: { cron: '0 2 * * *', overlap: 'allow' } }],
    ['a window of a minute', { windowMinutes: 1 }],
    ['a window of two days', { windowMinutes: 2_880 }],
    ['the way back of nothing', { goal: 'undo' }],
    ['an option nobody knows', { options: { maxMove: 3 } }],
    ['a yes of nobody', { approve: 'never' }],
  ])('with %s is refused, and nothing is begun', async (_what, changes) => {
    const w = await world()
    expectProblem(await create(w, changes), 'INPUT_INVALID')
    expect(w.recurringPlanned).toEqual([])
  })
})

describe('a recurring plan that is carried out without a question', () => {
  /** Readers of the operations project may have plans made; operators may also say yes to them. */
  const file =
    'roles:\n  reader:\n    - { persona: planner, projects: [project-ops] }\n' +
    'personas:\n  planner: [plans:read, plans:write]\n'
  const policy = parseAccess(file, 'access.yaml', 'admin')
  const who = {
    ...people,
    planner: someone({ roles: ['reader'], projectId: 'project-ops' }),
    lent: { ...people.operator, trust: { id: 't', trustorUserId: 'user-olga' } as never },
  }
  const checkToken = async (token: string) => who[token as keyof typeof who]

  it('takes the right to say yes, when it is asked for and when it is resumed', async () => {
    const w = await world({ policy, checkToken })
    expect((await create(w, {}, 'planner')).statusCode).toBe(201)
    expectProblem(await create(w, { approve: 'auto' }, 'planner'), 'ROLE_MISSING')
    expectProblem(await create(w, { approve: 'auto' }, 'lent'), 'PERSON_NEEDED')
    const { id } = (await create(w, { approve: 'auto' })).json()
    const told = (what: string, name: string) =>
      w.ask({ method: 'POST', url: `${url}/${id}/${what}`, headers: as(name) })
    expect((await told('pause', 'planner')).statusCode).toBe(200)
    expectProblem(await told('resume', 'planner'), 'ROLE_MISSING')
    expect((await told('resume', 'operator')).statusCode).toBe(200)
    expect(w.recurringCommanded.map(([, { does }]) => does)).toEqual(['pause', 'resume'])
    expect(w.recurringPlanned.map(({ view }) => view.approve)).toEqual(['ask', 'auto'])
  })
})
