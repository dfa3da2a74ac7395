import { describe, expect, it } from 'vitest'
import { closedPort, serve } from '../openstack/server.ts'
import { installation, steward } from './steward.ts'

const ndjson = (...lines: object[]) => ({
  headers: { 'content-type': 'application/x-ndjson' },
  body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
})

describe('steward audit export', () => {
  it('writes all parts as one file, oldest first and without the cursors', async () => {
    const { env } = await installation()
    const parts = [
      ndjson({ id: 'a' }, { id: 'b' }, { next: 'cursor 1' }),
      ndjson({ id: 'c' }, { next: 'cursor 2' }),
      ndjson(),
    ]
    const api = await serve(() => parts.shift())
    const args = [
      '--since',
      '2026-11-20T00:00:00Z',
      '--until',
      '2026-11-21T00:00:00Z',
      '--host',
      'cmp-1',
      '--project',
      'p',
    ]
    const { out, err, code } = await steward(env, '--api', api.url, 'audit', 'export', ...args)
    expect([out, err, code]).toEqual(['{"id":"a"}\n{"id":"b"}\n{"id":"c"}\n', '', 0])
    const queries = api.received.map(({ path }) => Object.fromEntries(new URL(path, api.url).searchParams))
    const asked = {
      ...{ since: '2026-11-20T00:00:00.000Z', until: '2026-11-21T00:00:00.000Z', host: 'cmp-1', project: 'p' },
    }
    expect(queries).toEqual([asked, { ...asked, after: 'cursor 1' }, { ...asked, after: 'cursor 2' }])
  })

  it('is of the last day when no time is given, with one end for all parts', async () => {
    const { env } = await installation()
    const api = await serve(() => ndjson())
    const before = Date.now()
    await steward(env, '--api', api.url, 'audit', 'export')
    const { since = '', until = '' } = Object.fromEntries(new URL(api.received[0]?.path ?? '', api.url).searchParams)
    expect(Date.parse(until)).toBeGreaterThanOrEqual(before)
    expect(Math.abs(Date.parse(until) - Date.parse(since) - 86_400_000)).toBeLessThan(1_000)
  })

  it('ends with an error when the API breaks off, refuses, or is not there', async () => {
    const { env } = await installation()
    const broken = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      response.write('{"id":"a"}\n', () => response.destroy())
      return undefined
    })
    expect((await steward(env, '--api', broken.url, 'audit', 'export')).code).toBe(1)
    const refusing = await serve(() => ({ status: 403, body: { code: 'ROLE_MISSING', detail: 'not yours' } }))
    expect((await steward(env, '--api', refusing.url, 'audit', 'export')).err).toContain('ROLE_MISSING')
    const { err } = await steward(env, '--api', `http://127.0.0.1:${await closedPort()}`, 'audit', 'export')
    expect(err).toContain('does not answer')
  })

  it('says what is wrong with a time before it asks', async () => {
    const { env } = await installation()
    const api = await serve(() => ndjson())
    for (const since of ['yesterday', '2026-13-40', '0h']) {
      const { code } = await steward(env, '--api', api.url, 'audit', 'export', '--since', since)
      expect(code).toBe(1)
    }
    expect(api.received).toEqual([])
  })
})
