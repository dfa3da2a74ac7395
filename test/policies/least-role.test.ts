import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Call } from '../../core/call.ts'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { refuseInternalHints } from '../../policies/least-role.ts'
import { roleFor } from '../../policies/work.ts'

const all = ['reader', 'member', 'manager', 'admin']
const call = (method: Call['method'], path: string, body?: Call['body'], service = 'compute'): Call => ({
  service,
  method,
  path,
  ...(body && { body }),
})
const onServer = (body: Call['body']) => call('POST', '/servers/6f1c/action', body)

const calls: [what: string, call: Call, role: string][] = [
  ['reading servers', call('GET', '/servers'), 'reader'],
  ['reading volumes', call('GET', '/volumes', undefined, 'block-storage'), 'reader'],
  ['making a server', call('POST', '/servers', { server: {} }), 'member'],
  ['deleting a server', call('DELETE', '/servers/6f1c'), 'member'],
  ['changing a network', call('PUT', '/v2.0/networks/1', {}, 'network'), 'member'],
  ['stopping a server', onServer({ 'os-stop': null }), 'member'],
  ['an action Nova may learn later', onServer({ levitate: null }), 'member'],
  ['an action without a name', onServer({}), 'member'],
  ['migrating live', onServer({ 'os-migrateLive': { block_migration: 'auto' } }), 'manager'],
  ['migrating live to no host in particular', onServer({ 'os-migrateLive': { host: null } }), 'manager'],
  ['migrating live to a host', onServer({ 'os-migrateLive': { host: 'cmp-2' } }), 'admin'],
  ['migrating', onServer({ migrate: null }), 'manager'],
  ['evacuating', onServer({ evacuate: { host: 'cmp-2' } }), 'admin'],
  ['migrating to a host', onServer({ migrate: { host: 'cmp-2' } }), 'admin'],
  ['offloading a shelved server', onServer({ shelveOffload: null }), 'admin'],
  ['aborting a live migration', call('DELETE', '/servers/6f1c/migrations/7'), 'manager'],
  ['forcing a live migration', call('POST', '/servers/6f1c/migrations/7/action', { force_complete: null }), 'manager'],
  ['resetting a volume', call('POST', '/volumes/1/action', { 'os-reset_status': {} }, 'block-storage'), 'admin'],
  ['extending a volume', call('POST', '/volumes/1/action', { 'os-extend': {} }, 'block-storage'), 'member'],
  [
    'failing a load balancer over',
    call('PUT', '/v2/lbaas/loadbalancers/1/failover', undefined, 'load-balancer'),
    'admin',
  ],
  ['disabling a user', call('PATCH', '/v3/users/1', { user: {} }, 'identity'), 'admin'],
  ['giving a role', call('PUT', '/v3/projects/1/users/2/roles/3', undefined, 'identity'), 'admin'],
  ['resetting a state', onServer({ 'os-resetState': { state: 'active' } }), 'admin'],
  ['reading the services of Nova', call('GET', '/os-services'), 'admin'],
  ['reading one hypervisor', call('GET', '/os-hypervisors/7'), 'admin'],
  ['the same words in another service', call('GET', '/os-services', undefined, 'block-storage'), 'reader'],
  ['a path that only begins like an admin one', call('GET', '/os-servicesx'), 'reader'],
  ['an action of Nova in another service', call('POST', '/servers/1/action', { evacuate: {} }, 'x'), 'member'],
]

describe('the role to delegate', () => {
  it.each(calls)('for %s is the lowest that does', (_what, asked, role) => {
    expect(roleFor({ call: asked }, all)).toBe(role)
  })

  it.each(calls)('for %s is the next higher one the caller has', (_what, asked, role) => {
    for (const held of all) {
      const enough = all.indexOf(held) >= all.indexOf(role)
      if (enough) expect(roleFor({ call: asked }, [held])).toBe(held)
      else {
        const error = thrownBy(() => roleFor({ call: asked }, [held]))
        expect(codeOf(error)).toBe('ROLE_MISSING')
        expect(detailsOf(error)).toEqual({ needed: role })
      }
    }
  })

  it('is never one the caller does not have, nor one that is not enough', () => {
    const roles = fc.subarray([...all, 'auditor', 'Admin', 'swiftoperator'])
    fc.assert(
      fc.property(fc.constantFrom(...calls), roles, ([, asked, needed], held) => {
        const enough = held.filter((role) => all.includes(role) && all.indexOf(role) >= all.indexOf(needed))
        if (enough.length === 0) return codeOf(thrownBy(() => roleFor({ call: asked }, held))) === 'ROLE_MISSING'
        const chosen = roleFor({ call: asked }, held)
        return enough.includes(chosen) && enough.every((role) => all.indexOf(role) >= all.indexOf(chosen))
      }),
    )
  })

  it('does not depend on the order in which Keystone names the roles', () => {
    fc.assert(
      fc.property(fc.constantFrom(...calls), fc.shuffledSubarray(all, { minLength: 4 }), ([, asked], held) => {
        return roleFor({ call: asked }, held) === roleFor({ call: asked }, all)
      }),
    )
  })
})

describe('hints that steer Nova past its own checks', () => {
  it('are refused at any depth', () => {
    const junk = fc.jsonValue({ maxDepth: 3 }).filter((value) => !JSON.stringify(value).includes('_nova_'))
    const steps = fc.array(fc.oneof(fc.constantFrom('a', 'server', 'os:scheduler_hints'), fc.constant(0)), {
      maxLength: 6,
    })
    fc.assert(
      fc.property(steps, junk, junk, (path, before, after) => {
        const hint: unknown = { x: before, _nova_check_type: ['rebuild'], y: after }
        const body = path.reduce(
          (inner: unknown, step) => (step === 0 ? [before, inner] : { x: after, [step]: inner }),
          hint,
        )
        return (
          codeOf(thrownBy(() => refuseInternalHints(call('POST', '/servers', { body } as Call['body'])))) ===
          'INPUT_INVALID'
        )
      }),
    )
  })

  it('are no values, and no words that only look like it', () => {
    const body = { note: '_nova_check_type', nova_x: 1, a: { _novax: 1, x_nova_: [null, 0, ''] } }
    expect(refuseInternalHints(call('POST', '/servers', body))).toBeUndefined()
    expect(refuseInternalHints(call('GET', '/servers'))).toBeUndefined()
  })
})

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
