import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Call } from '../../core/call.ts'
import { serverActionOf } from '../../policies/server-actions.ts'

const act = (body: Call['body'] | undefined, changes: Partial<Call> = {}): Call => ({
  service: 'compute',
  method: 'POST',
  path: '/servers/6f1c/action',
  ...(body && { body }),
  ...changes,
})

describe('an action on a server', () => {
  it.each([
    ['os-stop', 'stop', ['SHUTOFF']],
    ['os-start', 'start', ['ACTIVE']],
    ['pause', 'pause', ['PAUSED']],
    ['shelve', 'shelve', ['SHELVED', 'SHELVED_OFFLOADED']],
    ['os-migrateLive', 'live-migration', []],
    ['reboot', 'reboot', []],
    ['evacuate', 'evacuate', []],
    ['createImage', 'createImage', []],
  ])('%s is recorded as %s, and needs nothing in %j', (name, recordedAs, settled) => {
    expect(serverActionOf(act({ [name]: null }))).toEqual({ serverId: '6f1c', recordedAs, settled })
  })

  const unheardOf: [Call['body'] | undefined][] = [[{ levitate: null }], [{}], [undefined]]
  it.each(unheardOf)('with the body %j is one of which nothing is known but the server', (body) => {
    expect(serverActionOf(act(body))).toEqual({ serverId: '6f1c', settled: [] })
  })

  it.each([
    ['of another service', { service: 'baremetal' }],
    ['of another method', { method: 'PUT' }],
    ['on another path', { path: '/servers/6f1c/metadata' }],
    ['without a server', { path: '/servers//action' }],
    ['below an action', { path: '/servers/6f1c/action/x' }],
    ['with a query', { path: '/servers/6f1c/action?x=1' }],
    ['elsewhere', { path: '/v2.1/servers/6f1c/action' }],
  ] as [string, Partial<Call>][])('is none when it is a call %s', (_where, changes) => {
    expect(serverActionOf(act({ 'os-stop': null }, changes))).toBeUndefined()
  })

  it('that only stops or starts is never settled in a state another one leads to', () => {
    const stop = serverActionOf(act({ 'os-stop': null }))
    const start = serverActionOf(act({ 'os-start': null }))
    expect(stop?.settled.filter((status) => start?.settled.includes(status))).toEqual([])
  })

  it('keeps the id of the server as it was given', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_.~%-]{1,64}$/), (id) => {
        return serverActionOf(act({ 'os-stop': null }, { path: `/servers/${id}/action` }))?.serverId === id
      }),
    )
  })
})
