import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../core/catalogue.ts'
import { failure } from '../../core/errors.ts'
import { as, expectProblem, people, someone, type World, world } from './app.ts'

const url = '/v1/delegations/remediation'
const put = (w: World, payload: object, who = 'operator') => w.ask({ method: 'PUT', url, headers: as(who), payload })

describe('the standing delegation', () => {
  it('is made, shown and taken back by an operator', async () => {
    const w = await world()
    const made = await put(w, { roles: ['admin'], expiresIn: 'P7D' })
    expect(made.statusCode).toBe(200)
    expect(made.json()).toMatchObject({
      state: 'active',
      trustId: 'trust-1',
      trustorUserId: 'user-olga',
      trustorName: 'olga',
      projectId: 'project-1',
      roles: ['admin'],
    })
    expect([...w.trusts.values()]).toMatchObject([{ trusteeUserId: 'user-steward', roles: ['admin'] }])
    const show = () => w.ask({ url, headers: as('operator') })
    expect((await show()).json()).toEqual(made.json())
    expect((await w.ask({ method: 'DELETE', url, headers: as('operator') })).json().state).toBe('revoked')
    expect((await show()).json().state).toBe('revoked')
  })

  it('delegates admin for ninety days when nothing else is said', async () => {
    const w = await world()
    const { roles, createdAt, expiresAt } = (await put(w, {})).json()
    expect(roles).toEqual(['admin'])
    const days = (Date.parse(expiresAt) - Date.parse(createdAt)) / 86_400_000
    expect(days).toBeGreaterThanOrEqual(90)
    expect(days).toBeLessThan(90.01)
  })

  it('says that there is none', async () => {
    const w = await world()
    for (const method of ['GET', 'DELETE'] as const)
      expectProblem(await w.ask({ method, url, headers: as('operator') }), 'DELEGATION_MISSING')
  })

  const refused: [why: string, payload: object, code: ErrorCode, says: RegExp][] = [
    ['a role one does not have', { roles: ['admin', 'auditor'] }, 'ROLE_MISSING', /the role auditor/],
    ['no role', { roles: [] }, 'INPUT_INVALID', /\/roles: /],
    ['eleven roles', { roles: Array.from({ length: 11 }, () => 'admin') }, 'INPUT_INVALID', /\/roles: /],
    ['a role that is a number', { roles: [1] }, 'INPUT_INVALID', /\/roles\/0: /],
    ['more days than the maximum', { expiresIn: 'P371D' }, 'TIME_TOO_FAR', /at most 370 days/],
    ['a duration in months', { expiresIn: 'P3M' }, 'INPUT_INVALID', /P3M is not a duration/],
    ['a duration of nothing', { expiresIn: 'P0D' }, 'INPUT_INVALID', /P0D is not a duration/],
    ['a project of its own choice', { projectId: 'project-2' }, 'INPUT_INVALID', /"projectId"/],
    ['a trustor of its own choice', { trustorUserId: 'user-ana' }, 'INPUT_INVALID', /"trustorUserId"/],
  ]
  it.each(refused)('is refused with %s', async (_why, payload, code, says) => {
    const w = await world()
    expect(expectProblem(await put(w, payload), code).detail).toMatch(says)
    expect([...w.trusts]).toEqual([])
  })

  it('cannot be given by a login with an application credential', async () => {
    const checkToken = async () => ({ ...someone(people.operator), isApplicationCredential: true })
    const w = await world({ checkToken })
    expectProblem(await put(w, {}), 'DELEGATION_REFUSED')
    expect([...w.trusts]).toEqual([])
  })

  it('leaves no trust behind when Temporal does not take it', async () => {
    const delegations = { put: () => Promise.reject(failure('ENGINE_UNREACHABLE', 'Temporal does not answer')) }
    const w = await world({ delegations })
    expectProblem(await put(w, {}), 'ENGINE_UNREACHABLE')
    expect(w.requestIds.map(([call]) => call)).toEqual(['validate', 'createTrust', 'deleteTrust'])
    expect([...w.trusts]).toEqual([])

    const deleteTrust = () => Promise.reject(failure('CLOUD_REFUSED', 'Keystone refused to delete trust'))
    const worse = await world({ delegations, keystone: { deleteTrust } })
    expectProblem(await put(worse, {}), 'ENGINE_UNREACHABLE')
  })
})
