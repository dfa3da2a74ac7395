import type { Client } from '@temporalio/client'
import { defaultPayloadConverter, WorkflowNotFoundError } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import { describe, expect, it } from 'vitest'
import type { ActionView } from '../../core/action.ts'
import type { ErrorCode } from '../../core/catalogue.ts'
import { failure } from '../../core/errors.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import { createActions } from '../../temporal/actions.ts'
import { closedPort } from '../openstack/server.ts'
import { as, at, type Changes, expectProblem, people, stopServer, type World, world } from './app.ts'

const defer = (w: World, who: string, payload: object = stopServer(), headers: object = {}) =>
  w.ask({ method: 'POST', url: '/v1/actions', headers: { ...as(who), ...headers }, payload })

describe('who asks', () => {
  it('needs a token that Keystone accepts now', async () => {
    const w = await world()
    const none = await w.ask({ method: 'POST', url: '/v1/actions', payload: stopServer() })
    expectProblem(none, 'TOKEN_MISSING')
    expectProblem(await defer(w, '   '), 'TOKEN_MISSING')
    const expired = await defer(w, 'expired')
    expectProblem(expired, 'TOKEN_INVALID')
    for (const { headers } of [none, expired]) expect(headers['www-authenticate']).toBe('Keystone')
    expect(w.started).toEqual([])
  })

  it('is not turned away with a space around the token', async () => {
    const w = await world()
    expect((await defer(w, ' member ')).statusCode).toBe(201)
  })

  it('cannot be an application credential, and is told why', async () => {
    const w = await world()
    expect(expectProblem(await defer(w, 'robot'), 'DELEGATION_REFUSED').detail).toMatch(/application credentials/)
    expect([...w.trusts]).toEqual([])
  })

  it('needs more than to be a reader, whatever the call does', async () => {
    const w = await world()
    for (const payload of [stopServer(), stopServer({}, { method: 'GET', path: '/servers', body: undefined })])
      expectProblem(await defer(w, 'reader', payload), 'ROLE_MISSING')
    const id = 'b6f3c7a2-9d7e-4c0e-8f51-0d6f2c3b4a59'
    const cancelled = await w.ask({ method: 'DELETE', url: `/v1/actions/${id}`, headers: as('reader') })
    expectProblem(cancelled, 'ROLE_MISSING')
    expect([w.started, [...w.trusts]]).toEqual([[], []])
  })

  it.each([
    ['member', 'manager', stopServer({}, { body: { 'os-migrateLive': { block_migration: 'auto', host: null } } })],
    ['member', 'admin', stopServer({}, { body: { 'os-migrateLive': { host: 'cmp-2' } } })],
    ['member', 'admin', stopServer({}, { method: 'GET', path: '/os-services', body: undefined })],
  ])('as %s is told that the call needs the role %s', async (who, role, payload) => {
    const w = await world()
    const { detail } = expectProblem(await defer(w, who, payload), 'ROLE_MISSING')
    expect(detail).toMatch(new RegExp(`needs the role ${role}$`))
    expect([...w.trusts]).toEqual([])
  })

  it('is what Keystone says, whatever the headers of the request say', async () => {
    const w = await world()
    const forged = {
      'x-roles': 'admin',
      'x-user-id': 'user-olga',
      'x-user-name': 'olga',
      'x-project-id': 'project-2',
      'x-identity-status': 'Confirmed',
      'x-service-token': 'operator',
      'x-is-admin-project': 'True',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-user': 'olga',
      forwarded: 'for=127.0.0.1',
    }
    const answer = await defer(w, 'member', stopServer(), forged)
    expect(answer.json()).toMatchObject({ userId: 'user-ana', projectId: 'project-1', roles: ['member'] })
    const incidents = await w.ask({ url: '/v1/incidents', headers: { ...as('member'), ...forged } })
    expectProblem(incidents, 'ROLE_MISSING')
    expectProblem(await w.ask({ url: '/v1/actions', headers: forged }), 'TOKEN_MISSING')
  })

  it('is a 503, not a 401, while Keystone cannot be asked', async () => {
    const keystone = createKeystone({ authUrl: `http://127.0.0.1:${await closedPort()}`, http: createHttp() })
    const w = await world({ checkToken: (token, options) => keystone.validate(token, options) })
    const answer = await defer(w, 'member')
    expectProblem(answer, 'KEYSTONE_UNREACHABLE')
    expect(answer.headers['retry-after']).toBe('5')
    expect(answer.headers['www-authenticate']).toBeUndefined()
  })

  it('hears when to come back, if Keystone said it', async () => {
    const checkToken = () => Promise.reject(failure('KEYSTONE_UNREACHABLE', 'busy', { retryAfterSeconds: 42 }))
    const w = await world({ checkToken })
    expect((await defer(w, 'member')).headers['retry-after']).toBe('42')
  })
})

describe('nothing half made is left', () => {
  const engineDown = { start: () => Promise.reject(failure('ENGINE_UNREACHABLE', 'Temporal does not answer')) }

  it('when Temporal does not take the action: the trust is deleted again', async () => {
    const w = await world({ actions: engineDown })
    const answer = await defer(w, 'member')
    expectProblem(answer, 'ENGINE_UNREACHABLE')
    expect(answer.headers['retry-after']).toBe('5')
    expect(w.requestIds.map(([call]) => call)).toEqual(['validate', 'createTrust', 'deleteTrust'])
    expect([...w.trusts]).toEqual([])
  })

  it('and when the trust cannot be deleted either, the answer is still that Temporal is down', async () => {
    const deleteTrust = () => Promise.reject(failure('CLOUD_REFUSED', 'Keystone refused to delete trust'))
    const w = await world({ actions: engineDown, keystone: { deleteTrust } })
    expectProblem(await defer(w, 'member'), 'ENGINE_UNREACHABLE')
  })

  const outside: [what: string, changes: Changes, code: ErrorCode][] = [
    [
      'Keystone refuses the trust',
      { keystone: { createTrust: () => Promise.reject(failure('DELEGATION_REFUSED', 'Keystone refused: no')) } },
      'DELEGATION_REFUSED',
    ],
    [
      'the caller has lost the role meanwhile',
      { keystone: { createTrust: () => Promise.reject(failure('ROLE_MISSING', 'the caller does not hold member')) } },
      'ROLE_MISSING',
    ],
    [
      'the answer of Keystone to the trust is lost',
      { keystone: { createTrust: () => Promise.reject(failure('OUTCOME_UNKNOWN', 'the answer was lost')) } },
      'OUTCOME_UNKNOWN',
    ],
    [
      "Steward's own login is refused",
      { trusteeUserId: () => Promise.reject(failure('SERVICE_LOGIN_REFUSED', 'Keystone refused the login')) },
      'SERVICE_LOGIN_REFUSED',
    ],
  ]
  it.each(outside)('when %s', async (_what, changes, code) => {
    const w = await world(changes)
    expectProblem(await defer(w, 'member'), code)
    expect(w.started).toEqual([])
  })
})

describe("another project's action", () => {
  const id = 'b6f3c7a2-9d7e-4c0e-8f51-0d6f2c3b4a59'
  const view: ActionView = {
    id,
    state: 'scheduled',
    projectId: 'project-1',
    userId: 'user-ana',
    roles: ['member'],
    call: { service: 'compute', method: 'DELETE', path: '/servers/6f1c' },
    runAt: at(60),
    createdAt: at(0),
  }
  const done: string[] = []
  const loadedDataConverter = { payloadConverter: defaultPayloadConverter, payloadCodecs: [] }
  /** An engine that holds one action of project-1. */
  const engine = {
    connection: { withDeadline: (_deadline: number, ask: () => Promise<unknown>) => ask() },
    workflow: {
      getHandle: (workflowId: string) => ({
        async describe() {
          if (workflowId === `action/${id}`) return { memo: { view } }
          throw new WorkflowNotFoundError('not found', workflowId, undefined)
        },
        async executeUpdate() {
          done.push(workflowId)
          return { ...view, state: 'cancelled' }
        },
      }),
    },
    // an index that is wrong: it gives the action to everybody
    workflowService: {
      listWorkflowExecutions: async () => ({
        executions: [
          {
            ...{ execution: { workflowId: `action/${id}`, runId: 'r' }, type: { name: 'scheduledAction' }, status: 1 },
            ...{ startTime: msToTs(1), historyLength: { toNumber: () => 1 } },
            memo: { fields: { view: defaultPayloadConverter.toPayload(view) } },
          },
        ],
      }),
    },
    options: { namespace: 'default', loadedDataConverter },
  } as unknown as Client

  it.each(['GET', 'DELETE'] as const)('%s answers as if there were none', async (method) => {
    const w = await world({ actions: createActions(engine) })
    const told = async (which: string) => {
      const answer = await w.ask({ method, url: `/v1/actions/${which}`, headers: as('stranger') })
      const { instance: _own, ...problem } = answer.json()
      expect(problem.code).toBe('ACTION_NOT_FOUND')
      return { status: answer.statusCode, text: JSON.stringify(problem).replaceAll(which, 'ID') }
    }
    expect(await told(id)).toEqual(await told('00000000-0000-4000-8000-000000000000'))
    expect(done).toEqual([])
  })

  it('is not in the list, even if the index says so', async () => {
    const w = await world({ actions: createActions(engine) })
    const list = async (who: string) => (await w.ask({ url: '/v1/actions', headers: as(who) })).json().actions
    expect(await list('member')).toEqual([view])
    expect(await list('stranger')).toEqual([])
  })

  it('is shown to, and cancelled by, its own project', async () => {
    expect(people.member.projectId).toBe(view.projectId)
    const w = await world({ actions: createActions(engine) })
    expect((await w.ask({ url: `/v1/actions/${id}`, headers: as('member') })).json()).toEqual(view)
    const answer = await w.ask({ method: 'DELETE', url: `/v1/actions/${id}`, headers: as('member') })
    expect(answer.json().state).toBe('cancelled')
    expect(done).toEqual([`action/${id}`])
  })

  it('that has ended cannot be cancelled any more', async () => {
    const ended = createActions({
      ...engine,
      workflow: { getHandle: () => ({ describe: async () => ({ memo: { view: { ...view, state: 'done' } } }) }) },
    } as unknown as Client)
    const w = await world({ actions: ended })
    const answer = await w.ask({ method: 'DELETE', url: `/v1/actions/${id}`, headers: as('member') })
    expect(expectProblem(answer, 'ACTION_CLOSED').detail).toBe(`action ${id} is done`)
  })
})
