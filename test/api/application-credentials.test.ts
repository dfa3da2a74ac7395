import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Caller } from '../../api/callers.ts'
import type { ErrorCode } from '../../core/catalogue.ts'
import type { Delegation } from '../../core/delegation.ts'
import { failure } from '../../core/errors.ts'
import { notLet } from '../../policies/access-rules.ts'
import { as, at, type Changes, expectProblem, someone, stopServer, type World, world } from './app.ts'
import type { KnownCredential } from './credentials.ts'
import { memoryLog } from './memory-log.ts'

const secret = 'CANARY-secret-9f3c'
const id = 'cred-1'
const given = { id, secret }
const rule = (method: string, path: string, service = 'compute') => ({ service, method, path })
const all = [rule('POST', '/v2.1/servers/*/action'), rule('GET', '/v2.1/servers/**')]

/** A restricted credential of ana's with the role member and no end; `changes` are laid over what a login gives. */
const credential = (changes: Partial<Caller> = {}, more: Partial<KnownCredential> = {}): KnownCredential => ({
  secret,
  token: someone({ isApplicationCredential: true, applicationCredential: { id, restricted: true }, ...changes }),
  end: 'never',
  ...more,
})
const withRules = (accessRules: ReturnType<typeof rule>[], more: Partial<KnownCredential> = {}) =>
  credential({ applicationCredential: { id, restricted: true, accessRules } }, more)
const knowing = (known = credential(), changes: Changes = {}) => world({ credentials: { [id]: known }, ...changes })

const defer = (w: World, payload: object = stopServer({ applicationCredential: given }), who = 'robot') =>
  w.ask({ method: 'POST', url: '/v1/actions', headers: as(who), payload })

const nothingIsLeft = (w: World) => expect([w.started, w.repeated, [...w.trusts]]).toEqual([[], [], []])

describe('an action with an application credential', () => {
  it('is taken in without a trust, also from a caller whose own token came from one', async () => {
    const w = await knowing()
    const answer = await defer(w)
    expect(answer.statusCode).toBe(201)
    const view = answer.json()
    expect(view).toMatchObject({
      ...{ state: 'scheduled', userId: 'user-ana', projectId: 'project-1', roles: ['reader', 'member'] },
      delegatedBy: { kind: 'application-credential', applicationCredentialId: id },
    })
    expect(view.delegatedBy).not.toHaveProperty('warnings')
    expect(w.started).toEqual([{ view, applicationCredential: given, maxLatenessMs: 3_600_000 }])
    expect([...w.trusts]).toEqual([])
  })

  it('shows its secret to nobody who reads the action', async () => {
    const w = await knowing()
    const { id: actionId } = (await defer(w)).json()
    for (const url of [`/v1/actions/${actionId}`, '/v1/actions'])
      expect((await w.ask({ url, headers: as('member') })).body).not.toContain(secret)
  })

  it('is looked at beforehand with the credential', async () => {
    const looked: Delegation[] = []
    const lookAhead = async (delegation: Delegation) => {
      looked.push(delegation)
      return { code: 'TARGET_MISSING', detail: 'there is no compute/servers/6f1c' }
    }
    const w = await knowing(credential(), { lookAhead })
    expectProblem(await defer(w), 'TARGET_MISSING')
    expect(looked).toMatchObject([{ applicationCredential: given }])
    nothingIsLeft(w)
  })

  it('is the same one for the same key, whatever the secret is by then', async () => {
    const w = await knowing()
    const ask = (payload: object) =>
      w.ask({ method: 'POST', url: '/v1/actions', headers: { ...as('robot'), 'idempotency-key': 'k' }, payload })
    const first = await ask(stopServer({ applicationCredential: given }))
    const again = await ask(stopServer({ applicationCredential: { id, secret: 'another' } }))
    expect(again.json().id).toBe(first.json().id)
    expectProblem(
      await ask(stopServer({ applicationCredential: { ...given, id: 'cred-2' } })),
      'IDEMPOTENCY_KEY_REUSED',
    )
    expect(w.started).toHaveLength(1)
  })

  it('says that an unrestricted one is more than it takes', async () => {
    const w = await knowing(credential({ applicationCredential: { id, restricted: false } }))
    const { delegatedBy } = (await defer(w)).json()
    expect(delegatedBy.warnings).toEqual([expect.stringMatching(/^it is unrestricted, .* restricted one .* would do$/)])
  })

  it('says that nobody knows whether one that cannot be read lasts', async () => {
    const w = await knowing(withRules(all, { end: undefined }))
    const { delegatedBy } = (await defer(w)).json()
    expect(delegatedBy.warnings).toEqual([
      `whether it lasts until ${at(3 * 3600)} is not known: its access rules keep it from being read`,
    ])
    // no token outlives its credential
    const soon = await defer(w, stopServer({ runIn: 'PT10M', maxLatenessSeconds: 60, applicationCredential: given }))
    expect(soon.json().delegatedBy).not.toHaveProperty('warnings')
  })

  const refused: [why: string, known: KnownCredential, code: ErrorCode, says: RegExp][] = [
    [
      'has another secret',
      credential({}, { secret: 'x' }),
      'CREDENTIAL_REFUSED',
      /is not accepted by Keystone: .*auth/,
    ],
    ['is of somebody else', credential({ userId: 'user-eve' }), 'CREDENTIAL_REFUSED', /cred-1 is not yours$/],
    [
      'is for another project',
      credential({ projectId: 'project-2', projectName: 'bank' }),
      'CREDENTIAL_REFUSED',
      /is for another project than your token, which is for shop$/,
    ],
    [
      'lacks the role',
      credential({ roles: ['reader'] }),
      'ROLE_MISSING',
      /needs the role member; the application credential has reader$/,
    ],
    [
      'ends before the latest moment of the action',
      credential({}, { end: new Date(at(3 * 3600 - 1)) }),
      'CREDENTIAL_REFUSED',
      new RegExp(`expires ${at(3 * 3600 - 1)}, and is needed until ${at(3 * 3600)}`),
    ],
    [
      'has no access rule for the call',
      withRules([rule('GET', '/v2.1/servers/**')]),
      'ACCESS_RULE_MISSING',
      /leave out \[{"service":"compute","method":"POST","path":"\/v2.1\/servers\/6f1c\/action"}\]$/,
    ],
    [
      'has access rules for the call, but none for the looks at its server',
      withRules([rule('POST', '/v2.1/servers/{id}/action')]),
      'ACCESS_RULE_MISSING',
      /GET","path":"\/v2.1\/servers\/6f1c\/os-instance-actions"}.*GET","path":"\/v2.1\/servers\/6f1c"}/,
    ],
    [
      'has its access rules for another service',
      withRules(all.map((one) => ({ ...one, service: 'network' }))),
      'ACCESS_RULE_MISSING',
      /compute/,
    ],
  ]
  it.each(refused)('that %s is refused, without a word of the secret', async (_why, known, code, says) => {
    const { log, text } = memoryLog()
    const w = await knowing(known, { logger: log })
    const answer = await defer(w)
    expect(expectProblem(answer, code).detail).toMatch(says)
    expect(text()).toContain(code)
    for (const seen of [answer.body, text()]) expect(seen).not.toContain(secret)
    nothingIsLeft(w)
  })

  it('may have the access rules of the manual to stop servers, and Steward can read its end', async () => {
    const manual = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8')
    const [, rules = ''] = /--access-rules '(\[[^']*\])'/.exec(manual) ?? []
    const w = await knowing(withRules(JSON.parse(rules)))
    const serverId = '5c7d0f3e-8a1b-4c2d-9e3f-000000000001'
    const work = { action: 'server.stop', with: { serverId } }
    expect((await defer(w, { runIn: 'PT2H', ...work, applicationCredential: given })).statusCode).toBe(201)
    const own = { services: ['identity'], method: 'GET', paths: ['/v3/users/u1/application_credentials/c1'] } as const
    expect(notLet(JSON.parse(rules), [own])).toEqual([])
  })

  it('is taken in when its end is that of the action, and its access rules have all calls', async () => {
    const w = await knowing(withRules(all, { end: new Date(at(3 * 3600)) }))
    expect((await defer(w)).statusCode).toBe(201)
  })

  it('is a 503 while Keystone cannot be asked about it', async () => {
    const authenticate = () => Promise.reject(failure('KEYSTONE_UNREACHABLE', 'away'))
    const w = await knowing(credential(), { keystone: { authenticate } })
    expectProblem(await defer(w), 'KEYSTONE_UNREACHABLE')
    nothingIsLeft(w)
  })

  it.each([
    ['without its secret', { id }],
    ['with a secret that is empty', { id, secret: '' }],
    ['with an id that is a path', { id: '../x', secret }],
    ['with something else', { ...given, user: 'ana' }],
  ])('given %s is not understood, and is not repeated', async (_what, applicationCredential) => {
    const w = await knowing()
    const answer = await defer(w, stopServer({ applicationCredential }))
    expectProblem(answer, 'INPUT_INVALID')
    expect(answer.body).not.toContain(secret)
  })
})

describe('a caller whose token came from an application credential', () => {
  it('is told to give one, with the access rules that are enough', async () => {
    const w = await world()
    const { detail } = expectProblem(await defer(w, stopServer()), 'DELEGATION_REFUSED')
    expect(detail).toMatch(/give `applicationCredential`, .* the role member; these access rules are enough: \[/)
    const told = JSON.parse(detail.slice(detail.indexOf('[')))
    expect(told).toContainEqual(rule('POST', '/v2.1/servers/6f1c/action'))
    // what it was told is true
    const next = await knowing(withRules(told))
    expect((await defer(next)).statusCode).toBe(201)
  })

  const unrestricted = async () =>
    someone({ isApplicationCredential: true, applicationCredential: { id, restricted: false } })

  it('makes a trust where it is unrestricted and Keystone lets it', async () => {
    const w = await world({ checkToken: unrestricted })
    expect((await defer(w, stopServer())).json().delegatedBy).toEqual({ kind: 'trust' })
    expect(w.trusts.size).toBe(1)
  })

  it('is told the same when Keystone does not let it', async () => {
    const createTrust = () => Promise.reject(failure('DELEGATION_REFUSED', 'Delegated tokens cannot manage trusts.'))
    const w = await world({ checkToken: unrestricted, keystone: { createTrust } })
    expect(expectProblem(await defer(w, stopServer()), 'DELEGATION_REFUSED').detail).toMatch(/access rules are enough/)
  })
})

describe('an action that is there', () => {
  const taken = async () => {
    const w = await knowing()
    const { id: actionId } = (await defer(w, stopServer(), 'member')).json()
    const ask = (method: 'PATCH' | 'POST', path: string, payload: object) =>
      w.ask({ method, url: `/v1/actions/${actionId}${path}`, headers: as('robot'), payload })
    return { w, ask }
  }

  it('is changed to another time, or just to other rights, with an application credential', async () => {
    const { w, ask } = await taken()
    for (const change of [{ runIn: 'PT3H' }, {}]) {
      const answer = await ask('PATCH', '', { ...change, applicationCredential: given })
      expect(answer.statusCode).toBe(200)
      expect(w.ordered.at(-1)?.[1]).toMatchObject({
        does: 'change',
        delegated: { applicationCredential: given, roles: ['reader', 'member'] },
      })
      expect(answer.body).not.toContain(secret)
    }
    expectProblem(await ask('PATCH', '', { runIn: 'PT3H' }), 'DELEGATION_REFUSED')
  })

  it('is done once more with an application credential', async () => {
    const { w, ask } = await taken()
    const answer = await ask('POST', '/clone', { runIn: 'PT0S', applicationCredential: given })
    expect(answer.statusCode).toBe(201)
    expect(w.started.at(-1)).toMatchObject({ applicationCredential: given })
  })
})

describe('a recurring action', () => {
  const wish = { call: stopServer().call, recurrence: { cron: '0 22 * * *' }, applicationCredential: given }
  const create = (w: World, payload: object = wish) =>
    w.ask({ method: 'POST', url: '/v1/recurring-actions', headers: as('robot'), payload })

  it('is started with an application credential for all its calls', async () => {
    const w = await knowing()
    const answer = await create(w)
    expect(answer.statusCode).toBe(201)
    expect(answer.json().delegatedBy).toEqual({ kind: 'application-credential', applicationCredentialId: id })
    expect(w.repeated).toMatchObject([{ view: answer.json(), applicationCredential: given }])
    expect(answer.body).not.toContain(secret)
    expect([...w.trusts]).toEqual([])
  })

  it('is refused one that ends before the delegation does', async () => {
    const w = await knowing(credential({}, { end: new Date(at(86_400)) }))
    expect(expectProblem(await create(w), 'CREDENTIAL_REFUSED').detail).toMatch(/expires .*, and is needed until/)
    expect((await create(w, { ...wish, delegateFor: 'PT20H' })).statusCode).toBe(201)
  })

  it('is given another one later', async () => {
    const w = await knowing()
    const { id: recurringId } = (await create(w)).json()
    const url = `/v1/recurring-actions/${recurringId}`
    const answer = await w.ask({
      method: 'PATCH',
      url,
      headers: as('robot'),
      payload: { applicationCredential: given },
    })
    expect(answer.statusCode).toBe(200)
    expect(w.told.at(-1)).toMatchObject({ does: 'change', delegated: { applicationCredential: given } })
  })
})
