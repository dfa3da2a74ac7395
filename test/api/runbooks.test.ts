import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { Run } from '../../core/runbook.ts'
import { as, expectProblem, type World, world } from './app.ts'
import { runOf } from './runbooks.ts'

const servers = [randomUUID()]
const good = { input: { servers }, why: 'the shop is closed at night' }

const delegated = (roles: string[]) => ({
  delegations: {
    active: async () => ({
      ...({ state: 'active', trustId: 't', trustorUserId: 'u', trustorName: 'olga', projectId: 'p', roles } as const),
      ...{ createdAt: '2026-11-20T00:00:00Z', expiresAt: '2027-01-01T00:00:00Z' },
    }),
  },
})

const post = (w: World, url: string, payload: object, headers: object = {}) =>
  w.ask({ method: 'POST', url: `/v1${url}`, headers: { ...as('operator'), ...headers }, payload })
const start = (w: World, payload: object = good, headers?: object) =>
  post(w, '/runbooks/night-off/runs', payload, headers)

describe('an operator sees', () => {
  it('which runbooks there are, with the schema of what each takes', async () => {
    const w = await world()
    const answer = await w.ask({ method: 'GET', url: '/v1/runbooks', headers: as('operator') })
    const nightOff = answer.json().runbooks.find(({ name }: { name: string }) => name === 'night-off')
    expect(nightOff).toMatchObject({
      ...{ risk: 'move', source: 'built-in', dryRunByDefault: true },
      needs: { actions: ['server.stop', 'server.start'] },
      input: { type: 'object', properties: { servers: { type: 'array' } }, required: ['servers'] },
    })
  })

  it('that there is no such runbook, and where to look', async () => {
    const w = await world()
    const answer = await w.ask({ method: 'GET', url: '/v1/runbooks/make-coffee', headers: as('operator') })
    expectProblem(answer, 'RUNBOOK_UNKNOWN')
  })
})

describe('a run started by hand', () => {
  it('only says what it would do unless told otherwise', async () => {
    const w = await world(delegated(['member']))
    const answer = await start(w)
    expect(answer.statusCode).toBe(201)
    expect(answer.json()).toMatchObject({
      runbook: 'night-off',
      dryRun: true,
      by: 'olga',
      why: good.why,
      input: good.input,
    })
    expect(answer.headers.location).toBe(`/v1/runs/${answer.json().id}`)
    expect((await start(w, { ...good, dryRun: false })).json()).toMatchObject({ dryRun: false })
  })

  it.each([
    ['nothing', {}, /servers/],
    ['something else', { servers, colour: 'red' }, /additional properties.*colour/],
    ['too many', { servers: Array.from({ length: 501 }, () => randomUUID()) }, /500/],
  ])('is refused with %s as input, before anything is begun', async (_name, input, says) => {
    const w = await world(delegated(['member']))
    const problem = expectProblem(await start(w, { ...good, input }), 'INPUT_INVALID')
    expect(problem.detail).toMatch(says)
  })

  it('needs a reason', async () => {
    expectProblem(await start(await world(delegated(['member'])), { input: good.input }), 'INPUT_INVALID')
  })

  it('is refused while the rights it needs are not delegated, naming the role', async () => {
    const problem = expectProblem(await start(await world(delegated(['reader']))), 'DELEGATION_TOO_WEAK')
    expect(problem.detail).toContain('member')
    expectProblem(await start(await world()), 'DELEGATION_MISSING')
    expect((await start(await world(delegated(['admin'])))).statusCode).toBe(201)
  })

  it('is the same run when the same request comes again with its key, and no other request may have the key', async () => {
    const w = await world(delegated(['member']))
    const key = { 'idempotency-key': 'once' }
    const first = await start(w, good, key)
    expect((await start(w, good, key)).json()).toEqual(first.json())
    expectProblem(await start(w, { ...good, dryRun: false }, key), 'IDEMPOTENCY_KEY_REUSED')
  })

  it('can be started again with the same input, and one of an incident cannot', async () => {
    const w = await world(delegated(['member']))
    const { id } = (await start(w)).json()
    const again = await post(w, `/runs/${id}/again`, { why: 'another night' })
    expect(again.json()).toMatchObject({ runbook: 'night-off', input: good.input, why: 'another night', dryRun: true })
    const ofIncident = async (): Promise<Run> => {
      const { input: _unknown, ...run } = runOf(id, { ...good, runbook: 'relieve-host', dryRun: false, by: 'policy' })
      return run
    }
    const other = await world({ ...delegated(['member']), runs: { show: ofIncident } })
    expectProblem(await post(other, `/runs/${id}/again`, { why: 'another night' }), 'RUN_UNREPEATABLE')
  })

  it('is cancelled and answered by people, under the name of whoever is asked', async () => {
    const said: unknown[] = []
    const id = randomUUID()
    const shown = async () => runOf(id, { ...good, runbook: 'night-off', dryRun: false, by: 'olga' })
    const w = await world({
      runs: {
        answer: async (_id, answer) => {
          said.push(answer)
          return shown()
        },
        cancel: async () => {
          throw failure('RUN_ENDED', 'it has succeeded')
        },
      },
    })
    const questionId = randomUUID()
    expect((await post(w, `/runs/${id}/answer`, { questionId, yes: true })).statusCode).toBe(200)
    expect(said).toEqual([{ questionId, yes: true, by: 'olga' }])
    expectProblem(await post(w, `/runs/${id}/cancel`, {}), 'RUN_ENDED')
  })

  it('is moved to the current code for a reason, under the name of whoever wants it; one that has ended is not', async () => {
    const said: unknown[] = []
    const id = randomUUID()
    const version = { build: 'b', isCurrent: true, isServed: true }
    const w = await world({
      runs: {
        move: async (_id, grounds) => {
          said.push(grounds)
          if (said.length === 3) throw failure('RUN_ENDED', 'it has succeeded')
          return { ...runOf(id, { ...good, runbook: 'night-off', dryRun: false, by: 'olga' }), version }
        },
      },
    })
    const moved = await post(w, `/runs/${id}/move`, { why: 'a bug was mended' })
    expect(moved.statusCode).toBe(200)
    expect(moved.json()).toMatchObject({ id, version })
    expect((await post(w, `/runs/${id}/move`, {})).statusCode).toBe(200)
    expect(said).toEqual([
      { by: 'olga', why: 'a bug was mended' },
      { by: 'olga', why: 'to the current code' },
    ])
    expectProblem(await post(w, `/runs/${id}/move`, {}), 'RUN_ENDED')
  })
})
