import { describe, expect, it } from 'vitest'
import { as, world } from './app.ts'

const canary = 'c2VjcmV0LWNhbmFyeQ'
const serverId = '7c2f0b6e-5f3e-4a53-9a47-3c0d6b2a0001'
const rebuild = { server: { user_data: canary, adminPass: canary, name: 'web', metadata: { api_token: canary } } }
const works = [
  { call: { service: 'compute', method: 'POST', path: '/servers', body: rebuild } },
  { steps: [{ id: 'a', action: { service: 'compute', method: 'POST', path: '/servers', body: rebuild } }] },
  { action: 'server.set-metadata', with: { serverId, metadata: { db_password: canary } } },
]

describe('work that holds secrets', () => {
  it.each(works)('is carried out as it was given, and never shown again: %#', async (work) => {
    const w = await world()
    const payload = { ...work, runIn: 'PT1H', unchecked: true }
    const created = await w.ask({ method: 'POST', url: '/v1/actions', headers: as('member'), payload })
    expect([created.statusCode, created.body]).toEqual([201, expect.stringContaining('(hidden)')])
    const { id } = created.json()
    const recurrence = { cron: '0 22 * * *', timeZone: 'UTC' }
    const again = await w.ask({
      ...{ method: 'POST', url: '/v1/recurring-actions', headers: as('member') },
      payload: { ...work, recurrence },
    })
    expect([again.statusCode, again.body]).toEqual([201, expect.stringContaining('(hidden)')])
    const urls = ['/v1/actions', `/v1/actions/${id}`, '/v1/recurring-actions', again.headers.location as string]
    for (const url of urls) {
      const shown = await w.ask({ url, headers: as('reader') })
      expect([shown.statusCode, shown.body]).toEqual([200, expect.stringContaining('(hidden)')])
      expect(shown.body).not.toContain(canary)
    }
    expect(created.body + again.body).not.toContain(canary)
    expect(JSON.stringify(w.started[0]?.view)).toContain(canary)
    expect(JSON.stringify(w.repeated[0]?.view)).toContain(canary)
  })
})
