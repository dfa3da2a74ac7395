import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Incident } from '../../core/incident.ts'
import { delegationIdOf } from '../../temporal/delegation-id.ts'
import { at } from '../api/app.ts'
import { closedPort, serve } from '../openstack/server.ts'
import { installation, login, password, steward } from './steward.ts'

const stop = ['compute', 'post', '/servers/6f1c/action', '--body', '{"os-stop": null}', '--in', 'PT2H']
/** Names and values as they stand under each other. */
const fields = (out: string) =>
  Object.fromEntries(
    out
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('  ')), line.slice(line.indexOf('  ')).trim()]),
  )

describe('steward action', () => {
  it('creates, lists, shows and cancels', async () => {
    const { url, env, started } = await installation()
    const created = await steward(env, '--api', url, 'action', 'create', ...stop, '--name', 'stop at night')
    expect(created).toMatchObject({ err: '', code: 0 })
    const id = started[0]?.view.id ?? ''
    expect(fields(created.out)).toEqual({
      id,
      name: 'stop at night',
      state: 'scheduled',
      what: 'POST compute/servers/6f1c/action',
      due: at(7200),
      'not after': at(7200 + 3600),
      delegated: 'member',
    })
    const list = await steward(env, '--api', url, 'action', 'list')
    expect(list.out).toBe(
      [
        'DUE                       STATE      WHAT           ID',
        `${at(7200)}  scheduled  stop at night  ${id}`,
        '',
      ].join('\n'),
    )
    expect(fields((await steward(env, '--api', url, 'action', 'show', id)).out).state).toBe('scheduled')
    expect(fields((await steward(env, '--api', url, 'action', 'cancel', id)).out).state).toBe('cancelled')
  })

  it('prints what the API said when asked for JSON', async () => {
    const { url, env, started } = await installation()
    const { out } = await steward(env, '--api', url, '--json', 'action', 'create', ...stop)
    expect(JSON.parse(out)).toEqual(started[0]?.view)
    const list = await steward(env, '--api', url, '--json', 'action', 'list')
    expect(JSON.parse(list.out)).toEqual([started[0]?.view])
  })

  const serverId = '5c7d0f3e-8a1b-4c2d-9e3f-000000000001'
  const named = ['server.stop', '--with', `serverId=${serverId}`, '--in', 'PT2H', '--late', '10m']

  it('defers an action of the catalogue by its name', async () => {
    const { url, env, started } = await installation()
    const { out, err } = await steward(env, '--api', url, 'action', 'create', ...named, '--priority', '1')
    expect(err).toBe('')
    expect(fields(out)).toMatchObject({ what: `server.stop ${serverId}`, 'not after': at(7200 + 600) })
    expect(started[0]?.view).toMatchObject({ action: 'server.stop', with: { serverId }, priority: 1 })
  })

  it('defers a chain from a file', async () => {
    const { url, env, started } = await installation()
    const path = await mkdtemp(join(tmpdir(), 'steward-cli-'))
    onTestFinished(() => rm(path, { recursive: true }))
    const steps = [{ id: 'halt', action: 'server.stop', with: { serverId } }]
    await writeFile(join(path, 'steps.json'), JSON.stringify(steps))
    await steward(env, '--api', url, 'action', 'create', '--steps', `@${join(path, 'steps.json')}`, '--in', 'PT2H')
    expect(started[0]?.view.steps).toMatchObject(steps)
  })

  it.each([[[]], [['server.stop', 'twice']], [['server.stop', '--with', 'serverId']]])(
    'says what it needs when it is told %j',
    async (words) => {
      const { url, env, started } = await installation()
      const { err, code } = await steward(env, '--api', url, 'action', 'create', ...words, '--in', 'PT2H')
      expect([code, err]).toEqual([1, expect.stringMatching(/say what to do: NAME|give key=value/)])
      expect(started).toEqual([])
    },
  )

  it('changes, pauses, resumes, runs now, clones and replays', async () => {
    const { url, env, started, ordered } = await installation()
    await steward(env, '--api', url, 'action', 'create', ...named)
    const id = started[0]?.view.id ?? ''
    const tell = (...words: string[]) => steward(env, '--api', url, 'action', ...words)
    for (const command of ['pause', 'resume', 'run-now']) expect(await tell(command, id)).toMatchObject({ err: '' })
    expect(await tell('change', id, '--in', 'PT3H', '--name', 'later')).toMatchObject({ err: '', code: 0 })
    expect(ordered.map(([, { does }]) => does)).toEqual(['pause', 'resume', 'runNow', 'change'])
    expect(ordered.at(-1)?.[1]).toMatchObject({ name: 'later', runAt: at(3 * 3600) })
    await tell('clone', id, '--in', 'P1D')
    await tell('replay', id)
    expect(started.slice(1).map(({ view }) => [view.runAt, view.replayOf])).toEqual([
      [at(86_400), id],
      [at(0), id],
    ])
  })

  it('defers an action on many servers, and shows beforehand which are meant', async () => {
    const servers = [{ id: 's1', name: 'web-1', status: 'ACTIVE', tags: ['night-off'], metadata: {} }]
    const { url, env, started } = await installation({ servers })
    const meant = ['--tag', 'night-off', '--without-tag', 'keep']
    const { out } = await steward(env, '--api', url, 'action', 'targets', ...meant)
    expect(out).toBe('NAME   STATUS  ID\nweb-1  ACTIVE  s1\nnote: 1 server(s)\n')
    const created = await steward(env, '--api', url, 'action', 'create', 'server.stop', '--in', 'PT2H', ...meant)
    expect(fields(created.out)).toMatchObject({ what: 'server.stop on the servers that are meant' })
    expect(started[0]?.view.targets).toEqual({ select: { tags: ['night-off'], withoutTags: ['keep'] } })
    await steward(env, '--api', url, 'action', 'create', 'server.stop', '--in', 'PT2H', '--on', serverId)
    expect(started[1]?.view.targets).toEqual({ ids: [serverId] })
  })

  it('lists those that somebody should look at', async () => {
    const { env } = await installation()
    const api = await serve(() => ({ body: { actions: [] } }))
    await steward(env, '--api', api.url, 'action', 'list', '--dead')
    expect(api.received[0]?.path).toBe(
      '/v1/actions?limit=100&state=skipped&state=failed&state=outcome-unknown&state=delegation-lost',
    )
  })

  it('says how to see the rest of a long list', async () => {
    const { env } = await installation()
    const api = await serve(() => ({ body: { actions: [], nextPage: 'abc_-1' } }))
    const { out } = await steward(env, '--api', api.url, 'action', 'list', '--page', 'xyz')
    expect(out).toContain('there are more: --page abc_-1\n')
    expect(api.received[0]?.path).toBe('/v1/actions?limit=100&page=xyz')
    // a program reads the rows alone; what else there is to know does not come between them
    const read = await steward(env, '--api', api.url, '--json', 'action', 'list')
    expect([JSON.parse(read.out), read.err]).toEqual([[], 'note: there are more: --page abc_-1\n'])
  })

  it('says that there are none', async () => {
    const { url, env } = await installation()
    const { out } = await steward(env, '--api', url, 'action', 'list')
    expect(out).toBe('DUE  STATE  WHAT  ID\n(none)\n')
  })

  it('takes the body from a file, a time of day and a microversion', async () => {
    const { url, env, started } = await installation()
    const path = await mkdtemp(join(tmpdir(), 'steward-cli-'))
    onTestFinished(() => rm(path, { recursive: true }))
    await writeFile(join(path, 'body.json'), '{"reboot": {"type": "SOFT"}}')
    const when = ['--at', '2026-11-21T12:00:00+02:00', '--microversion', '2.96']
    const body = ['--body', `@${join(path, 'body.json')}`]
    await steward(env, '--api', url, 'action', 'create', 'compute', 'POST', '/servers/6f1c/action', ...body, ...when)
    expect(started[0]?.view).toMatchObject({
      runAt: '2026-11-21T10:00:00.000Z',
      call: { body: { reboot: { type: 'SOFT' } }, microversion: '2.96' },
    })
  })

  it('reaches the API with a slash at the end of its URL too', async () => {
    const { url, env } = await installation()
    expect(await steward(env, '--api', `${url}/`, 'action', 'list')).toMatchObject({ err: '', code: 0 })
  })

  it('sends Steward the token and nothing else of the login', async () => {
    const { env, keystone } = await installation()
    const api = await serve(() => ({ body: { actions: [] } }))
    await steward(env, '--api', api.url, 'action', 'list')
    expect(api.received).toMatchObject([{ path: '/v1/actions?limit=100', headers: { 'x-auth-token': 'token-1' } }])
    expect(JSON.stringify(api.received)).not.toContain(password)
    expect(keystone.tokens).toEqual(['token-1'])
  })
})

describe('steward catalogue', () => {
  it('lists the actions that have names', async () => {
    const { out } = await steward({}, 'catalogue')
    expect(out).toMatch(/^server\.stop +member +Stop a server$/m)
    expect(out).toMatch(/^server\.delete +member +destructive +Delete a server$/m)
  })

  it('shows one of them with its input', async () => {
    const { out } = await steward({}, 'catalogue', 'server.resize')
    expect(fields(out)).toMatchObject({ action: 'server.resize', role: 'member', undo: 'has one' })
    expect(out).toMatch(/^input +serverId: /m)
  })

  it('names the nearest ones for a name it does not know', async () => {
    const { err, code } = await steward({}, 'catalogue', 'server.explode')
    expect([code, err]).toEqual([1, expect.stringMatching(/no action server\.explode; server has .*stop/)])
  })
})

describe('steward delegate', () => {
  it('delegates, shows and takes back', async () => {
    const { url, env, trusts } = await installation()
    const made = await steward(env, '--api', url, 'delegate', '--role', 'admin', 'reader', '--for', 'P7D')
    expect(made).toMatchObject({ err: '', code: 0 })
    expect(fields(made.out)).toMatchObject({ state: 'active', roles: 'admin, reader', trust: 'trust-1' })
    expect([...trusts.values()]).toMatchObject([{ roles: ['admin', 'reader'] }])
    const shown = await steward(env, '--api', url, '--json', 'delegation', 'show')
    expect(JSON.parse(shown.out)).toMatchObject({ state: 'active', trustId: 'trust-1' })
    expect(fields((await steward(env, '--api', url, 'delegation', 'revoke')).out).state).toBe('revoked')
  })

  it('lists what was given, shows one and takes it back', async () => {
    const { url, env, started, swept } = await installation({
      holders: (trustId) => (trustId === 'trust-1' ? { kind: 'action', for: started[0]?.view.id ?? '' } : undefined),
    })
    await steward(env, '--api', url, 'action', 'create', ...stop)
    await steward(env, '--api', url, 'delegate', '--for', 'P7D')
    const { out } = await steward(env, '--api', url, 'delegation', 'list')
    const id = delegationIdOf('trust-1')
    expect(out).toMatch(/^ENDS +STATE +KIND +FOR +ROLES +OWNER +ID\n/)
    expect(out).toMatch(new RegExp(`Z  active   action   ${started[0]?.view.id}  member  [0-9a-f]{32}  ${id}\n`))
    expect(out).toMatch(new RegExp(`Z  unknown  unknown  - +admin   [0-9a-f]{32}  ${delegationIdOf('trust-2')}\n`))
    const part = await steward(env, '--api', url, 'delegation', 'list', '--limit', '1')
    const [, page = ''] = /^note: there are more: --page (.+)$/m.exec(part.out) ?? []
    const rest = await steward(env, '--api', url, '--json', 'delegation', 'list', '--page', page)
    expect(JSON.parse(rest.out)).toMatchObject({ delegations: [{ id: delegationIdOf('trust-2') }] })

    const shown = fields((await steward(env, '--api', url, 'delegation', 'show', id)).out)
    expect(shown).toMatchObject({ id, state: 'active', kind: 'action', for: started[0]?.view.id, roles: 'member' })
    const revoked = await steward(env, '--api', url, '--json', 'delegation', 'revoke', delegationIdOf('trust-2'))
    expect(JSON.parse(revoked.out)).toMatchObject({ state: 'unknown', roles: ['admin'] })
    expect(swept.map(([trustId]) => trustId)).toEqual(['trust-2'])
  })

  it('says what to do about one that ends soon', async () => {
    const show = async () => ({
      ...{ state: 'active' as const, trustId: 't', trustorUserId: 'u', trustorName: 'ana', projectId: 'p' },
      ...{ roles: ['admin'], createdAt: at(0), expiresAt: at(3600), warning: 'an operator runs `steward delegate`' },
    })
    const { url, env } = await installation({ delegations: { show } })
    expect(fields((await steward(env, '--api', url, 'delegation', 'show')).out)).toMatchObject({
      ...{ state: 'active', warning: 'an operator runs `steward delegate`' },
    })
  })

  it('says that there is none, and what to do', async () => {
    const { url, env } = await installation()
    const { err, code } = await steward(env, '--api', url, 'delegation', 'show')
    expect(code).toBe(1)
    expect(err).toMatch(/^steward: nobody has delegated .+\n {2}DELEGATION_MISSING: .+\n {2}An operator runs `steward/)
  })
})

describe('steward incident', () => {
  const incident: Incident = {
    id: '0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77',
    workflowId: 'incident/host-cpu-high/cmp-1',
    policy: 'host-cpu-high',
    host: 'cmp-1',
    state: 'escalated',
    summary: 'CPU\u001b[2J\u009b31m of \u202ecmp-1',
    source: 'am',
    openedAt: at(-60),
    signals: 3,
    rung: 0,
    answers: [],
    runs: [
      {
        runbook: 'relieve-host',
        workflowId: 'w',
        runId: 'r',
        outcome: 'failed',
        detail: 'no room',
        targets: ['host/cmp-1'],
        startedAt: at(-50),
      },
    ],
    timeline: [{ at: at(-60), text: 'opened\nforged line' }],
    reason: { code: 'PLAN_IMPOSSIBLE', detail: 'no room\r\nsteward: all is well' },
  }
  const incidents = { list: async () => [incident], show: async () => incident }

  it('lists and shows, and lets no text of others move the cursor', async () => {
    const { url, env } = await installation({ incidents })
    const list = await steward(env, '--api', url, 'incident', 'list', '--limit', '5')
    expect(list.out.trimEnd().split('\n')).toHaveLength(2)
    expect(list.out).toContain(incident.id)
    const shown = await steward(env, '--api', url, 'incident', 'show', incident.id)
    expect(fields(shown.out)).toMatchObject({
      ESCALATED: 'people are needed',
      what: 'CPU [2J 31m of  cmp-1',
      why: 'PLAN_IMPOSSIBLE: no room  steward: all is well',
      runs: '2026-11-21 00:59:10  relieve-host on host/cmp-1 failed: no room',
      'time line': '2026-11-21 00:59:00  opened forged line',
    })
    for (const { out } of [list, shown]) expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  it('prints the incident when asked for JSON', async () => {
    const { url, env } = await installation({ incidents })
    const shown = await steward(env, '--api', url, '--json', 'incident', 'show', incident.id)
    expect(JSON.parse(shown.out)).toEqual(incident)
  })
})

describe('steward explains', () => {
  it('that the API does not answer', async () => {
    const { env } = await installation()
    const url = `http://127.0.0.1:${await closedPort()}`
    const { err, code } = await steward(env, '--api', url, 'action', 'list')
    expect([err, code]).toEqual([`steward: Steward at ${url} does not answer (ECONNREFUSED)`, 1])
  })

  it('that something else answers', async () => {
    const { env } = await installation()
    const api = await serve(() => ({
      status: 404,
      body: '<html>nginx</html>',
      headers: { 'content-type': 'text/html' },
    }))
    const { err, code } = await steward(env, '--api', api.url, 'action', 'list')
    expect([err, code]).toEqual([`steward: ${api.url} answered 404: is that Steward?`, 1])
  })

  it('a problem of the API, with its code and what to do next', async () => {
    const { url, env } = await installation()
    const { err, out, code } = await steward(env, '--api', url, 'action', 'create', ...stop.with(-1, 'P1M'))
    expect([out, code]).toEqual(['', 1])
    expect(err).toMatch(/^steward: runIn: P1M is not a duration.+\n {2}INPUT_INVALID: .+\n {2}Correct what/)
  })

  it('a problem whose text would move the cursor, without moving it', async () => {
    const { env } = await installation()
    const problem = { code: 'INTERNAL', detail: 'a\u001b[2J\nb\u202ec' }
    const api = await serve(() => ({ status: 500, body: problem }))
    const { err } = await steward(env, '--api', api.url, 'action', 'list')
    expect(err.split('\n')[0]).toBe('steward: a [2J b c')
  })

  it('a code it does not know as something else than Steward', async () => {
    const { env } = await installation()
    for (const body of [{ code: 'toString', detail: 'x' }, { code: 'NEWER_THAN_THIS', detail: 'x' }, 'null', '']) {
      const api = await serve(() => ({ status: 500, body }))
      const { err } = await steward(env, '--api', api.url, 'action', 'list')
      expect(err).toBe(`steward: ${api.url} answered 500: is that Steward?`)
    }
  })

  it('a body that is no JSON before anything is sent to Steward', async () => {
    const { url, env, started } = await installation()
    const { err, code } = await steward(env, '--api', url, 'action', 'create', ...stop.with(4, '{os-stop}'))
    expect([err, code]).toEqual(['steward: --body is not JSON', 1])
    expect(started).toEqual([])
  })

  it('a login that Keystone refuses, without the password', async () => {
    const { url, env, keystone } = await installation()
    keystone.onLogin = () => ({ status: 401, body: { error: { message: `wrong: ${password}`, code: 401 } } })
    const { err, code } = await steward(env, '--api', url, 'action', 'list')
    expect(code).toBe(1)
    expect(err).toContain('SERVICE_LOGIN_REFUSED')
    expect(err).not.toContain(password)
  })

  it('a variable that is missing', async () => {
    const { OS_PASSWORD: _left, ...env } = login('http://127.0.0.1:1')
    const { err, code } = await steward(env, '--api', 'http://127.0.0.1:1', 'action', 'list')
    expect(code).toBe(1)
    expect(err).toMatch(/OS_PASSWORD is missing\n {2}CONFIG_INVALID: /)
  })
})
