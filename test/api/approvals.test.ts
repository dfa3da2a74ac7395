import { describe, expect, it } from 'vitest'
import { createApprovalLinks, personOf } from '../../api/approval-links.ts'
import { failure } from '../../core/errors.ts'
import type { Answer, Incident, IncidentCommand } from '../../core/incident.ts'
import type { Keys } from '../../temporal/keys.ts'
import { as, at, type Changes, expectProblem, nowMs, type World, world } from './app.ts'
import { asking, incidentId, planId } from './asking.ts'
import { memoryLog } from './memory-log.ts'

const keysOf = (active: string, ...ids: string[]): Keys => ({
  active,
  byId: new Map(ids.map((id) => [id, Buffer.alloc(32, id)])),
})

/** An incident that is asking, and what reaches its desk. */
async function asked(incident: Incident = asking(), changes: Changes = {}) {
  const commands: IncidentCommand[] = []
  const w = await world({
    incidents: { show: async () => incident },
    async command(_id, command) {
      commands.push(command)
      return incident
    },
    ...changes,
  })
  return { w, commands }
}

async function linkFor(w: World, name = 'bob', who = 'operator'): Promise<string> {
  const url = `/v1/incidents/${incidentId}/approval-links`
  const answer = await w.ask({ method: 'POST', url, headers: as(who), payload: { for: name } })
  expect(answer.statusCode).toBe(201)
  const link = new URL(answer.json().url)
  expect(link.origin).toBe('https://steward.example')
  return link.pathname
}

const press = (w: World, url: string, form: Record<string, string>) =>
  w.ask({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(form).toString(),
  })

describe('an approval link', () => {
  it('lives for as long as was asked for, and no longer than the question', async () => {
    const { w } = await asked()
    const url = `/v1/incidents/${incidentId}/approval-links`
    const make = (payload: object) => w.ask({ method: 'POST', url, headers: as('operator'), payload })
    expect((await make({ for: 'bob', expiresInSeconds: 600 })).json().expiresAt).toBe(at(600))
    expect((await make({ for: 'bob', expiresInSeconds: 86_400 })).json().expiresAt).toBe(at(1740))
    for (const odd of [{}, { for: ' ' }, { for: 'b'.repeat(65) }, { for: 'bob', expiresInSeconds: 1 }])
      expectProblem(await make(odd), 'INPUT_INVALID')
  })

  it('leads to where it was asked for when no other address is configured', async () => {
    const { w } = await asked(asking(), { publicUrl: undefined })
    const url = `/v1/incidents/${incidentId}/approval-links`
    const headers = { ...as('operator'), host: 'steward.internal:8774' }
    const answer = await w.ask({ method: 'POST', url, headers, payload: { for: 'bob' } })
    expect(answer.json().url).toMatch(/^http:\/\/steward\.internal:8774\/approve\//)
  })

  it('cannot be made by somebody for themselves, under whatever spelling', async () => {
    const { w } = await asked()
    const url = `/v1/incidents/${incidentId}/approval-links`
    for (const name of ['olga', ' OLGA', 'Olga', 'user-olga', '\uff4flga'])
      expectProblem(
        await w.ask({ method: 'POST', url, headers: as('operator'), payload: { for: name } }),
        'APPROVAL_OWN',
      )
  })

  it('is not made when nobody is asked anything', async () => {
    const { proposal, ...rest } = asking()
    for (const incident of [rest, { ...rest, proposal: { ...asking().proposal, ...proposal, expiresAt: at(0) } }]) {
      const { w } = await asked(incident as Incident)
      const url = `/v1/incidents/${incidentId}/approval-links`
      const answer = await w.ask({ method: 'POST', url, headers: as('operator'), payload: { for: 'bob' } })
      expectProblem(answer, 'APPROVAL_STALE')
    }
  })

  it('also fits into an address when everybody has a long name', async () => {
    const { w } = await asked()
    const url = await linkFor(w, '\u{1f600}'.repeat(32))
    expect((await w.ask({ url })).statusCode).toBe(200)
  })

  it('decides nothing by being opened, however often and by whomever', async () => {
    const { w, commands } = await asked()
    const url = await linkFor(w)
    for (const method of ['GET', 'HEAD', 'GET'] as const) expect((await w.ask({ method, url })).statusCode).toBe(200)
    expect(commands).toEqual([])
  })

  it('takes a yes with a reason to the incident, with who and by whose link', async () => {
    const { w, commands } = await asked()
    const answer = await press(w, await linkFor(w), { says: 'approved', why: ' looks right ' })
    expect([answer.statusCode, answer.body]).toEqual([200, expect.stringContaining('You said yes')])
    const byLink = { name: 'bob', issuerId: 'user-olga' }
    const by = { userId: 'link:bob@user-olga', name: 'bob (by a link of olga)', byLink }
    expect(commands).toEqual([{ does: 'answer', by, planId, says: 'approved', why: 'looks right' }])
  })

  it('takes a no without a reason', async () => {
    const { w, commands } = await asked()
    const answer = await press(w, await linkFor(w), { says: 'rejected', why: '' })
    expect(answer.body).toContain('The plan will not be carried out.')
    expect(commands).toMatchObject([{ says: 'rejected' }])
    expect(commands[0]).not.toHaveProperty('why')
  })

  it('says so when a second person is needed', async () => {
    const { w } = await asked(asking({ proposal: { ...asking().proposal, needs: 2 } as Incident['proposal'] }))
    const url = await linkFor(w)
    expect((await w.ask({ url })).body).toContain('2 persons must say yes')
    expect((await press(w, url, { says: 'approved' })).body).toContain('Steward still waits: 2 persons must say yes.')
  })

  it.each([
    ['APPROVAL_OWN', 403, 'bob has answered already'],
    ['APPROVAL_STALE', 409, 'the plan has changed'],
    ['INCIDENT_CLOSED', 409, 'it has <ended>'],
  ] as const)('shows the sentence of a refusal (%s)', async (code, status, sentence) => {
    const { w } = await asked(asking(), {
      command: async () => {
        throw failure(code, sentence)
      },
    })
    const answer = await press(w, await linkFor(w), { says: 'approved' })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8'])
    expect(answer.body).toContain(sentence.replace('<', '&lt;').replace('>', '&gt;'))
  })

  it('tells people to try again, and nothing else, when the engine does not answer', async () => {
    const { w } = await asked(asking(), {
      command: async () => {
        throw failure('ENGINE_UNREACHABLE', 'connect ECONNREFUSED 10.1.2.3:7233')
      },
    })
    const answer = await press(w, await linkFor(w), { says: 'approved' })
    expect(answer.statusCode).toBe(503)
    expect(answer.body).toContain('Nothing was decided.')
    expect(answer.body).not.toContain('10.1.2.3')
  })

  it.each([{}, { says: 'maybe' }, { says: 'approved', planId }, { says: 'approved', why: 'x'.repeat(501) }])(
    'takes no other form (%j)',
    async (form) => {
      const { w, commands } = await asked()
      const answer = await press(w, await linkFor(w), form)
      expect([answer.statusCode, commands]).toEqual([400, []])
      expect(answer.body).toContain('Go back and press one of the two buttons.')
    },
  )

  it('takes no JSON, which pages of others could send', async () => {
    const { w, commands } = await asked()
    const url = await linkFor(w)
    const answer = await w.ask({ method: 'POST', url, payload: { says: 'approved' } })
    expect([answer.statusCode, commands]).toEqual([415, []])
  })

  it('shows nothing to decide when its plan is not asked about any more', async () => {
    const former = await asked()
    const url = await linkFor(former.w)
    const another = { ...asking().proposal, planId: '11111111-9a4e-4f0e-9a55-0d9a6a1c2b3d' } as Incident['proposal']
    for (const incident of [asking({ proposal: another }), asking({ state: 'closed' })]) {
      const { w } = await asked(incident)
      const { body, statusCode } = await w.ask({ url })
      expect([statusCode, body]).toEqual([200, expect.stringContaining('This is not asked any more')])
      expect(body).not.toContain('<form')
    }
  })
})

describe('a link that is none', () => {
  it('of whatever kind, leads to the same page', async () => {
    const { w, commands } = await asked()
    const good = (await linkFor(w)).slice('/approve/'.length)
    const [body = '', mac = ''] = good.split('.')
    const forged = Buffer.from(Buffer.from(body, 'base64url').toString().replace('bob', 'eve')).toString('base64url')
    const stranger = createApprovalLinks(keysOf('z', 'z'))
    const content = { incidentId, planId, name: 'bob', issuer: { userId: 'u', name: 'n' }, expiresAt: at(600) }
    const tokens = [
      'x',
      `${body}.`,
      `.${mac}`,
      `${good}x`,
      `${forged}.${mac}`,
      `${body}.${mac.slice(0, -1)}`,
      `${body}.${mac.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`,
      stranger.sign(content),
    ]
    const pages = new Set<string>()
    for (const token of tokens)
      for (const answer of [
        await w.ask({ url: `/approve/${token}` }),
        await press(w, `/approve/${token}`, { says: 'approved' }),
      ]) {
        expect([token, answer.statusCode]).toEqual([token, 404])
        pages.add(answer.body)
      }
    expect([pages.size, commands]).toEqual([1, []])
  })

  it('is one that has expired, or whose incident is gone', async () => {
    const keys = keysOf('a', 'a')
    const sign = (expiresAt: string) =>
      createApprovalLinks(keys).sign({ incidentId, planId, name: 'bob', issuer: { userId: 'u', name: 'n' }, expiresAt })
    const { w, commands } = await asked(asking(), { keys })
    expect((await w.ask({ url: `/approve/${sign(at(1))}` })).statusCode).toBe(200)
    const late = await w.ask({ url: `/approve/${sign(at(0))}` })
    expect(late.statusCode).toBe(404)
    expect((await press(w, `/approve/${sign(at(0))}`, { says: 'approved' })).statusCode).toBe(404)
    const gone = await (await world({ keys })).ask({ url: `/approve/${sign(at(1))}` })
    expect([gone.statusCode, gone.body]).toEqual([404, late.body])
    expect(commands).toEqual([])
  })

  it('still works after the keys were rotated, and not when its key is gone', () => {
    const content = { incidentId, planId, name: 'bob', issuer: { userId: 'u', name: 'n' }, expiresAt: at(600) }
    const token = createApprovalLinks(keysOf('a', 'a')).sign(content)
    expect(createApprovalLinks(keysOf('b', 'a', 'b')).read(token, nowMs)).toEqual(content)
    expect(createApprovalLinks(keysOf('b', 'b')).read(token, nowMs)).toBeUndefined()
    expect(personOf(content)).toEqual({
      ...{ userId: 'link:bob@u', name: 'bob (by a link of n)' },
      byLink: { name: 'bob', issuerId: 'u' },
    })
  })
})

describe('the page', () => {
  it('shows plan, targets, reasons and who asks, and where the form goes', async () => {
    const { w } = await asked()
    const { body } = await w.ask({ url: await linkFor(w) })
    for (const text of [
      'bob, you are asked by olga.',
      'May Steward run relieve-host on cmp-1?',
      'move 2 servers off cmp-1',
      'web-1</td><td>cmp-1 → cmp-2',
      'db-1: locked by its owner',
      '3 hosts are unhealthy at once',
      'host/cmp-1',
      '2026-11-21 01:29:00 UTC',
      planId,
      '<form method="post">',
    ])
      expect(body).toContain(text)
  })

  it('loads nothing, runs nothing, is framed and kept by nobody, and tells nobody its address', async () => {
    const { w } = await asked()
    const url = await linkFor(w)
    for (const answer of [await w.ask({ url }), await press(w, url, {}), await w.ask({ url: '/approve/x' })]) {
      const { headers, body } = answer
      expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
      const policy = String(headers['content-security-policy'])
      expect(policy).toMatch(
        /^default-src 'none'; style-src 'sha256-[\w+/=]+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
      )
      expect(body).not.toMatch(/<script|<img|<link|src=|href=|style=|url\(|@import/i)
    }
  })

  it('shows texts of others as texts', async () => {
    const evil = '<script>alert(1)</script>"\'&\u202e'
    const { proposal } = asking()
    if (!proposal) throw new Error('it asks')
    const plan = {
      moves: [{ serverId: evil, serverName: evil, from: evil, to: evil, memoryMiB: 1, reason: evil }],
      skipped: [{ subject: evil, reason: evil }],
      before: 1,
      after: 1,
    }
    const answers: Answer[] = [{ planId, by: evil, userId: 'u', at: at(0), says: 'approved', why: evil }]
    const { w } = await asked(
      asking({
        host: evil,
        policy: evil,
        summary: evil,
        source: evil,
        answers,
        proposal: { ...proposal, runbook: evil, targets: [evil], sentence: evil, reasons: [evil], plan },
      }),
    )
    const { body } = await w.ask({ url: await linkFor(w, evil) })
    expect(body).not.toContain('<script')
    expect(body).not.toMatch(/\u202e/)
    expect(body.split('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;').length).toBeGreaterThan(16)
  })
})

describe('the log', () => {
  it('has who made and who used a link, and never the link', async () => {
    const { log, text, lines } = memoryLog()
    const { w } = await asked(asking(), { logger: log })
    const url = await linkFor(w)
    const token = url.slice('/approve/'.length)
    await w.ask({ url })
    await press(w, url, { says: 'approved' })
    await press(w, url, { says: 'perhaps' })
    const odd = [
      await w.ask({ method: 'PATCH', url }),
      await w.ask({ url: `${url}%zz` }),
      await w.ask({ url: `${url}/more` }),
      await w.ask({ url: `${url}${'x'.repeat(2000)}` }),
      await w.ask({ url: `/v1${url}` }),
    ]
    for (const { body } of odd) expect(body).not.toContain(token.slice(0, 40))
    expect(text()).not.toContain(token.slice(0, 40))
    expect(lines().map(({ msg }) => msg)).toEqual(expect.arrayContaining(['approval link made', 'answered by link']))
  })
})
