import { describe, expect, it } from 'vitest'
import { ChainStep } from '../../core/chain.ts'
import { codeOf, detailsOf, messageOf } from '../../core/errors.ts'
import { isOneWork, noneOrOneWork, titleOf, type Work, workOf } from '../../core/work.ts'
import { looksAhead } from '../../policies/ahead.ts'
import { chainOf, checkWork, leasedTargets, roleFor, tailMs, targetsOfWork } from '../../policies/work.ts'
import { id } from './catalogue/examples.ts'

const call = {
  service: 'compute',
  method: 'POST',
  path: `/servers/${id.server}/action`,
  body: { 'os-stop': null },
} as const
const stop = { action: 'server.stop', with: { serverId: id.server } }
const chain = (...steps: object[]): Work => ({ steps: steps.map((step) => ChainStep.parse(step)) })
const snap = { id: 'snap', action: 'server.snapshot', with: { serverId: id.server, name: 'nightly' } }
const move = { id: 'move', action: 'server.live-migrate', with: { serverId: id.server } }
const drop = { id: 'drop', action: 'image.delete', with: { imageId: { $from: 'snap', pointer: '/image_id' } } }
const thrownBy = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (error) {
    return error
  }
}

describe('work', () => {
  it('says what to do in one way', () => {
    expect([{ call }, stop, chain(snap), { action: 'server.stop' }].map(isOneWork)).toEqual([true, true, true, true])
    const wrong: Work[] = [{}, { call, ...stop }, { ...stop, ...chain(snap) }, { with: {} }, { call, with: {} }]
    expect(wrong.map(isOneWork)).toEqual(wrong.map(() => false))
    expect(noneOrOneWork({})).toBe(true)
    expect(noneOrOneWork({ with: {} })).toBe(false)
  })

  it('is nothing but what it says', () => {
    const view = { id: 'x', state: 'done', ...stop }
    expect(workOf(view)).toEqual(stop)
    expect(workOf({ call })).toEqual({ call })
    expect(workOf({ action: 'server.stop' })).toEqual({ action: 'server.stop', with: {} })
  })

  it('has a title for people', () => {
    expect(titleOf({ call })).toBe(`POST compute/servers/${id.server}/action`)
    expect(titleOf(stop)).toBe(`server.stop ${id.server}`)
    expect(titleOf(chain(snap, drop, { id: 'raw', action: call }))).toBe(
      `server.snapshot → image.delete → POST compute/servers/${id.server}/action`,
    )
  })

  it('is a chain of one step when it is no chain', () => {
    expect(chainOf({ call }).steps).toMatchObject([{ id: 'call', action: call, onFailure: 'stop', retries: 0 }])
    expect(chainOf(stop).steps).toMatchObject([{ action: 'server.stop', with: stop.with }])
    expect(chainOf(chain(snap, drop)).steps.map((step) => step.id)).toEqual(['snap', 'drop'])
  })
})

describe('work is refused', () => {
  const wrong: [what: string, work: Work, code: string, says: RegExp][] = [
    ['of a name the catalogue does not have', { action: 'server.explode' }, 'INPUT_INVALID', /server has .*stop/],
    ['without the input it needs', { action: 'server.stop', with: {} }, 'INPUT_INVALID', /^with\.serverId: /],
    ['with input it does not take', { ...stop, with: { ...stop.with, force: true } }, 'INPUT_INVALID', /force/],
    ['with an id that leads elsewhere', { ...stop, with: { serverId: '../x' } }, 'INPUT_INVALID', /serverId/],
    ['with a hint that steers Nova', { call: { ...call, body: { _nova_x: 1 } } }, 'INPUT_INVALID', /_nova_x/],
    [
      'with such a hint in a step',
      chain({ id: 'a', action: { ...call, body: { _nova_x: 1 } } }),
      'INPUT_INVALID',
      /_nova_x/,
    ],
    [
      'with a call that looks at other steps',
      { call: { ...call, body: { a: { $from: 'b' } } } },
      'INPUT_INVALID',
      /reference/,
    ],
    ['with two steps of one name', chain(snap, snap), 'INPUT_INVALID', /snap is taken/],
    [
      'that Keystone lets nobody delegate',
      { action: 'application-credential.delete', with: { userId: id.user, applicationCredentialId: id.credential } },
      'DELEGATION_REFUSED',
      /application-credential\.delete: /,
    ],
  ]
  it.each(wrong)('%s', (_what, work, code, says) => {
    const error = thrownBy(() => checkWork(work))
    expect([codeOf(error), messageOf(error)]).toEqual([code, expect.stringMatching(says)])
  })

  it('but not when all is well', () => {
    for (const work of [{ call }, stop, chain(snap, drop)]) expect(() => checkWork(work)).not.toThrow()
  })
})

describe('the role to delegate for work', () => {
  const all = ['reader', 'member', 'manager', 'admin']
  it('is the highest that any of its steps needs', () => {
    expect(roleFor(stop, all)).toBe('member')
    expect(roleFor(chain(snap, move), all)).toBe('manager')
    expect(roleFor({ call: { ...call, method: 'GET' } }, all)).toBe('member')
  })

  it('is refused with the name of what needs more than the caller has', () => {
    const error = thrownBy(() => roleFor(chain(snap, move), ['member']))
    expect([codeOf(error), messageOf(error), detailsOf(error)]).toEqual([
      ...['ROLE_MISSING', 'server.live-migrate needs the role manager'],
      { needed: 'manager' },
    ])
  })
})

describe('how long work may take beyond its first call', () => {
  it('is nothing for a call, and what it is waited for at most for an action', () => {
    expect(tailMs({ call }, 60_000)).toBe(0)
    expect(tailMs(stop, 60_000)).toBe(600_000)
  })

  it('adds up over a chain, with the way back where there is one', () => {
    const forth = tailMs(chain(snap, drop), 60_000)
    expect(forth).toBeGreaterThan(60_000)
    expect(tailMs(chain(snap, { ...drop, onFailure: 'undo' }), 60_000)).toBe(2 * (forth - 60_000) + 60_000)
  })
})

describe('what work is about', () => {
  it('is held while it is done, where others may want it too', () => {
    expect(leasedTargets({ call })).toEqual([`server/${id.server}`])
    expect(leasedTargets({ action: 'server.stop', input: stop.with })).toEqual([`server/${id.server}`])
    expect(leasedTargets({ action: 'image.delete', input: { imageId: id.image } })).toEqual([])
    expect(leasedTargets({ call: { ...call, method: 'GET' } })).toEqual([])
  })

  it('is told beforehand, as far as it is known', () => {
    expect(targetsOfWork(chain(snap, drop))).toEqual([`server/${id.server}`])
  })

  it('is looked at beforehand, each thing once', () => {
    const paths = (work: Work) => looksAhead(work).map(({ read }) => `${read.method} ${read.path}`)
    expect(paths({ call })).toEqual([`GET /servers/${id.server}`])
    expect(paths(chain({ ...stop, id: 'a' }, { ...stop, id: 'b' }, drop))).toEqual([`GET /servers/${id.server}`])
    expect(paths({ call: { service: 'network', method: 'POST', path: '/v2.0/networks' } })).toEqual([])
  })

  it('may be gone already when it is to be deleted', () => {
    const mayBeGone = (work: Work) => looksAhead(work).map((look) => look.mayBeGone())
    expect(mayBeGone({ action: 'server.delete', with: { serverId: id.server } })).toEqual([true])
    expect(mayBeGone(stop)).toEqual([false])
  })
})
