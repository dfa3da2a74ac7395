import { describe, expect, it } from 'vitest'
import { lets, notLet, type SeenCall } from '../../policies/access-rules.ts'

const stop: SeenCall = { services: ['compute'], method: 'POST', paths: ['/v2.1/servers/6f1c/action'] }
const rule = (path: string, service = 'compute', method = 'POST') => ({ service, method, path })

describe('an access rule', () => {
  it.each([
    ['the path itself', '/v2.1/servers/6f1c/action', true],
    ['* for one segment', '/v2.1/servers/*/action', true],
    ['{tag} for one segment', '/v2.1/servers/{server_id}/action', true],
    ['* for a part of a segment', '/v2.1/servers/6*/action', true],
    ['** for anything', '/v2.1/**', true],
    ['** for anything, also in the middle', '/**/action', true],
    ['* for nothing', '/v2.1/servers/6f1c*/action', false],
    ['* for two segments', '/v2.1/*/action', false],
    ['the beginning of the path alone', '/v2.1/servers', false],
    ['the end of the path alone', '/servers/*/action', false],
    ['another version, by a dot that stands for anything', '/v2x1/servers/*/action', false],
    ['a longer path', '/v2.1/servers/*/action/**', false],
  ])('that has %s: %s', (_what, path, passes) => {
    expect(lets(rule(path), stop)).toBe(passes)
  })

  it('is for one service and one method', () => {
    expect(lets(rule('/**', 'network'), stop)).toBe(false)
    expect(lets(rule('/**', 'compute', 'GET'), stop)).toBe(false)
  })

  it('is met under any name the catalogue has for the service, and any path the service may see', () => {
    const list: SeenCall = {
      services: ['block-storage', 'volumev3'],
      method: 'GET',
      paths: ['/volume/v3/volumes', '/v3/volumes'],
    }
    for (const path of list.paths)
      for (const service of list.services) expect(lets(rule(path, service, 'GET'), list)).toBe(true)
  })
})

it('calls that no rule lets pass are told', () => {
  const look: SeenCall = { ...stop, method: 'GET' }
  expect(notLet([rule('/**')], [stop, look])).toEqual([look])
  expect(notLet([], [stop])).toEqual([stop])
})
