import { describe, expect, it } from 'vitest'
import type { GivenDelegation, TrustHolder } from '../../core/delegation.ts'
import { failure } from '../../core/errors.ts'
import { delegationIdOf } from '../../temporal/delegation-id.ts'
import { as, at, type Changes, expectProblem, people, someone, stopServer, type World, world } from './app.ts'

const url = '/v1/delegations'
const idOf = (trust: number) => delegationIdOf(`trust-${trust}`)
const get = (w: World, who: string, path = '') => w.ask({ url: `${url}${path}`, headers: as(who) })
const revoke = (w: World, who: string, id: string) => w.ask({ method: 'DELETE', url: `${url}/${id}`, headers: as(who) })
const listed = async (w: World, who: string, query = ''): Promise<GivenDelegation[]> =>
  (await get(w, who, query)).json().delegations

/** Ana defers a call (trust 1) and repeats one (trust 2), eve defers one in the bank's project (trust 3). */
async function delegated(changes: Changes = {}) {
  const w = await world(changes)
  const post = (who: string, path: string, payload: object) =>
    w.ask({ method: 'POST', url: `/v1/${path}`, headers: as(who), payload })
  const action = await post('member', 'actions', stopServer())
  const { call } = stopServer()
  const recurrence = { cron: '0 22 * * *' }
  const recurring = await post('member', 'recurring-actions', { call, recurrence, delegateFor: 'P30D' })
  const foreign = await post('stranger', 'actions', stopServer())
  expect([action, recurring, foreign].map(({ statusCode }) => statusCode)).toEqual([201, 201, 201])
  const ids = { action: action.json().id, recurring: recurring.json().id, foreign: foreign.json().id }
  return { ...w, ids }
}
const heldBy = (holder?: TrustHolder): Changes => ({ holders: () => holder })

describe('the list of delegations', () => {
  it('shows people what they gave, whose end comes first first, and what acts with it', async () => {
    const w = await delegated()
    expect(await listed(w, 'member')).toEqual([
      {
        ...{ id: idOf(1), kind: 'action', for: w.ids.action, userId: 'user-ana', projectId: 'project-1' },
        ...{ roles: ['member'], state: 'active', expiresAt: expect.any(String) },
      },
      {
        ...{ id: idOf(2), kind: 'recurring-action', for: w.ids.recurring, userId: 'user-ana', projectId: 'project-1' },
        ...{ roles: ['member'], state: 'active', expiresAt: expect.any(String) },
      },
    ])
    expect((await listed(w, 'stranger')).map(({ id }) => id)).toEqual([idOf(3)])
    const owners = (await listed(w, 'colleague')).map(({ userId }) => userId)
    expect(owners.toSorted((a, b) => a.localeCompare(b))).toEqual(['user-ana', 'user-ana', 'user-eve'])
  })

  it('never shows the id of a trust', async () => {
    const w = await delegated()
    expect((await get(w, 'operator')).body).not.toContain('trust-')
  })

  it('comes in parts, each trust in one of them', async () => {
    const w = await delegated()
    const first = (await get(w, 'operator', '?limit=2')).json()
    expect(first.delegations).toHaveLength(2)
    const second = (await get(w, 'operator', `?limit=2&page=${first.nextPage}`)).json()
    expect(second).not.toHaveProperty('nextPage')
    const ids = [...first.delegations, ...second.delegations].map(({ id }: GivenDelegation) => id)
    expect(ids).toHaveLength(3)
    expect(new Set(ids)).toEqual(new Set([idOf(1), idOf(2), idOf(3)]))
  })

  it('leaves out one that ends while it is being read', async () => {
    const w = await delegated({ keystone: { getTrust: async () => undefined } })
    expect(await listed(w, 'operator')).toEqual([])
    expectProblem(await get(w, 'operator', `/${idOf(1)}`), 'DELEGATION_NOT_FOUND')
  })

  it.each([
    ['soon ends', { kind: 'remediation', for: 'delegation/remediation' }, 'expiring'],
    ['outlived its action', { kind: 'action', for: 'a', endedAt: at(-601) }, 'orphan'],
    ['nothing here knows', undefined, 'unknown'],
  ] as const)('says which one %s', async (_what, holder, state) => {
    const w = await delegated(heldBy(holder))
    const [first] = await listed(w, 'member')
    expect(first).toMatchObject({ kind: holder?.kind ?? 'unknown', state })
    if (!holder) expect(first).not.toHaveProperty('for')
  })

  it('says that Keystone is away', async () => {
    const listTrusts = () => Promise.reject(failure('KEYSTONE_UNREACHABLE', 'Keystone does not answer'))
    expectProblem(await get(await world({ keystone: { listTrusts } }), 'member'), 'KEYSTONE_UNREACHABLE')
  })
})

describe('a delegation', () => {
  it('is shown to whom it is of, and to operators; others do not find it', async () => {
    const w = await delegated()
    expect((await get(w, 'member', `/${idOf(1)}`)).json()).toMatchObject({ id: idOf(1), for: w.ids.action })
    expect((await get(w, 'operator', `/${idOf(3)}`)).json()).toMatchObject({ id: idOf(3), userId: 'user-eve' })
    expectProblem(await get(w, 'member', `/${idOf(3)}`), 'DELEGATION_NOT_FOUND')
    expectProblem(await get(w, 'operator', `/${idOf(9)}`), 'DELEGATION_NOT_FOUND')
    expectProblem(await get(w, 'operator', '/nonsense'), 'INPUT_INVALID')
  })

  it('of an action is taken back by cancelling that', async () => {
    const w = await delegated()
    expect((await revoke(w, 'member', idOf(1))).json()).toMatchObject({ id: idOf(1), state: 'active' })
    expect(w.ordered).toEqual([[w.ids.action, { does: 'cancel', by: { userId: 'user-ana', name: 'ana' } }]])
    expect(w.swept).toEqual([])
  })

  it('of a recurring action is taken back by ending that', async () => {
    const w = await delegated()
    expect((await revoke(w, 'member', idOf(2))).statusCode).toBe(200)
    expect(w.told).toEqual([{ does: 'cancel', by: { userId: 'user-ana', name: 'ana' } }])
  })

  it('of somebody else is taken back by operators only, in the project it is of', async () => {
    const w = await delegated()
    expectProblem(await revoke(w, 'member', idOf(3)), 'DELEGATION_NOT_FOUND')
    expect(w.ordered).toEqual([])
    expect((await revoke(w, 'operator', idOf(3))).statusCode).toBe(200)
    expect(w.ordered).toEqual([[w.ids.foreign, { does: 'cancel', by: { userId: 'user-olga', name: 'olga' } }]])
  })

  it('of remediation is taken back as such', async () => {
    const w = await world(heldBy({ kind: 'remediation', for: 'delegation/remediation' }))
    const standing = `${url}/remediation`
    await w.ask({ method: 'PUT', url: standing, headers: as('operator'), payload: {} })
    expect((await revoke(w, 'operator', idOf(1))).json()).toMatchObject({ kind: 'remediation', userId: 'user-olga' })
    expect((await w.ask({ url: standing, headers: as('operator') })).json().state).toBe('revoked')
  })

  it.each([
    ['that outlived its action', { kind: 'action', for: 'a', endedAt: at(-3600) }],
    ['whose action has just ended', { kind: 'action', for: 'a', endedAt: at(-1) }],
    ['that nothing here knows', undefined],
  ] as const)('%s is deleted through itself', async (_what, holder) => {
    const w = await delegated(heldBy(holder))
    expect((await revoke(w, 'member', idOf(1))).statusCode).toBe(200)
    expect(w.swept).toEqual([['trust-1', 'ana']])
    expect(w.ordered).toEqual([])
  })

  it('whose call is being made stays, and says so', async () => {
    const command = () => Promise.reject(failure('ACTION_CLOSED', 'it is being carried out'))
    const w = await delegated({ actions: { command } })
    expectProblem(await revoke(w, 'member', idOf(1)), 'ACTION_CLOSED')
  })

  it('is not taken back through a trust of its owner', async () => {
    const trust = { id: 't', trustorUserId: 'user-ana', impersonation: true }
    const w = await world({ checkToken: async () => someone({ ...people.member, trust }) })
    expectProblem(await revoke(w, 'member', idOf(1)), 'PERSON_NEEDED')
  })
})

describe('the time the standing delegation has left', () => {
  const delegation = (change: object) => ({
    show: async () => ({
      ...{ state: 'active' as const, trustId: 't', trustorUserId: 'u', trustorName: 'ana', projectId: 'p' },
      ...{ roles: ['admin'], createdAt: at(0), expiresAt: at(3600), ...change },
    }),
  })
  const gauge = async (changes: Changes) =>
    /^steward_delegation_seconds_left (.+)$/m.exec((await (await world(changes)).ask({ url: '/metrics' })).body)?.[1]

  it.each([
    ['is counted down', delegation({}), '3600'],
    ['is over when it was lost', delegation({ state: 'lost' }), '0'],
    ['is over when it has expired', delegation({ state: 'expired' }), '0'],
    ['is not told when it was taken back', delegation({ state: 'revoked' }), undefined],
    ['is not told when there is none', {}, undefined],
    ['keeps nobody waiting while Temporal is away', { show: () => new Promise<never>(() => undefined) }, undefined],
  ] as const)('%s', async (_what, delegations, seconds) => {
    expect(await gauge({ delegations })).toBe(seconds)
  })
})
