import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { Incident, IncidentCommand } from '../../core/incident.ts'
import { as, at, expectProblem, someone, world } from './app.ts'

const incident: Incident = {
  id: '0193a7f0-5a51-7c3f-8d60-2f9d0f4c1e77',
  workflowId: 'incident/host-cpu-high/cmp-1',
  policy: 'host-cpu-high',
  host: 'cmp-1',
  state: 'closed',
  summary: 'CPU of cmp-1 above 90 %',
  source: 'am',
  openedAt: at(-600),
  endedAt: at(0),
  signals: 3,
  rung: 0,
  answers: [],
  runs: [
    {
      runbook: 'relieve-host',
      workflowId: 'w',
      runId: 'r',
      outcome: 'succeeded',
      detail: '2 moves',
      targets: ['host/cmp-1'],
      startedAt: at(-500),
    },
  ],
  reason: { detail: 'the signal cleared' },
  timeline: [{ at: at(-600), text: 'opened' }],
}

describe('incidents', () => {
  it('are listed, as many as asked for', async () => {
    const limits: unknown[] = []
    const list = async (limit: number, filter: object = {}) => {
      limits.push(limit, filter)
      return [incident]
    }
    const w = await world({ incidents: { list } })
    const answer = await w.ask({ url: '/v1/incidents?limit=7', headers: as('operator') })
    expect(answer.json()).toEqual({ incidents: [incident] })
    await w.ask({ url: '/v1/incidents', headers: as('operator') })
    await w.ask({ url: '/v1/incidents?state=asking&host=cmp-1&policy=host-cpu-high', headers: as('operator') })
    const filter = { state: 'asking', host: 'cmp-1', policy: 'host-cpu-high' }
    expect(limits).toEqual([7, {}, 100, {}, 100, filter])
    for (const query of ['?limit=0', '?limit=1001', '?limit=1.5', '?state=melting', '?binary=nova-compute'])
      expectProblem(await w.ask({ url: `/v1/incidents${query}`, headers: as('operator') }), 'INPUT_INVALID')
    expect(limits).toHaveLength(6)
  })

  it('are shown by id', async () => {
    const w = await world({ incidents: { show: async (id) => ({ ...incident, id }) } })
    const answer = await w.ask({ url: `/v1/incidents/${incident.id}`, headers: as('operator') })
    expect(answer.json()).toEqual(incident)
    for (const id of ['7', "x' OR RunId != '", `${incident.id}'`])
      expectProblem(
        await w.ask({ url: `/v1/incidents/${encodeURIComponent(id)}`, headers: as('operator') }),
        'INPUT_INVALID',
      )
  })

  it('that do not exist are a 404', async () => {
    const w = await world()
    expectProblem(await w.ask({ url: `/v1/incidents/${incident.id}`, headers: as('operator') }), 'INCIDENT_NOT_FOUND')
  })

  it('of a shape that the document does not promise are not sent', async () => {
    const show = async () => ({ ...incident, state: 'melting' }) as unknown as Incident
    const w = await world({ incidents: { show } })
    const answer = await w.ask({ url: `/v1/incidents/${incident.id}`, headers: as('operator') })
    expect(expectProblem(answer, 'INTERNAL').detail).not.toContain('melting')
  })
})

describe('what a person does with an incident', () => {
  const by = { userId: 'user-olga', name: 'olga' }
  const planId = '7b0c4a52-9a4e-4f0e-9a55-0d9a6a1c2b3d'
  const url = (does: string) => `/v1/incidents/${incident.id}/${does}`

  /** The desk, and what came to it. */
  async function desk() {
    const taken: [id: string, command: IncidentCommand][] = []
    const w = await world({
      incidents: { show: async () => incident },
      async command(id, command) {
        taken.push([id, command])
        return { ...incident, acknowledgedBy: command.by.name }
      },
    })
    const post = (does: string, payload?: object) =>
      w.ask({ method: 'POST', url: url(does), headers: as('operator'), ...(payload && { payload }) })
    return { taken, post }
  }

  it.each<[does: string, payload: object | undefined, command: object]>([
    ['acknowledge', undefined, {}],
    ['acknowledge', {}, {}],
    ['comment', { text: ' the fan is loud ' }, { text: 'the fan is loud' }],
    ['take-over', undefined, {}],
    ['take-over', { why: 'mine' }, { why: 'mine' }],
    ['hand-back', {}, {}],
    ['hand-back', { why: 'done' }, { why: 'done' }],
    ['close', { why: 'a drill' }, { why: 'a drill' }],
    ['answer', { planId, says: 'approved' }, { planId, says: 'approved' }],
    ['answer', { planId, says: 'rejected', why: 'not now' }, { planId, says: 'rejected', why: 'not now' }],
  ])('%s %j comes to its desk with who did it', async (does, payload, command) => {
    const { taken, post } = await desk()
    const answer = await post(does, payload)
    expect([answer.statusCode, answer.json()]).toEqual([200, { ...incident, acknowledgedBy: 'olga' }])
    expect(taken).toEqual([[incident.id, { does, by, ...command }]])
  })

  it.each<[does: string, payload: object | undefined]>([
    ['acknowledge', { by }],
    ['comment', undefined],
    ['comment', { text: '  ' }],
    ['comment', { text: 'x'.repeat(501) }],
    ['close', {}],
    ['take-over', { why: '' }],
    ['answer', { says: 'approved' }],
    ['answer', { planId: 'the last one', says: 'approved' }],
    ['answer', { planId, says: 'yes' }],
    ['answer', { planId, says: 'approved', by }],
  ])('%s %j does not', async (does, payload) => {
    const { taken, post } = await desk()
    expectProblem(await post(does, payload), 'INPUT_INVALID')
    expect(taken).toEqual([])
  })

  it.each(['INCIDENT_NOT_FOUND', 'INCIDENT_CLOSED', 'APPROVAL_STALE', 'APPROVAL_OWN', 'ENGINE_UNREACHABLE'] as const)(
    'is refused as the desk refuses it (%s)',
    async (code) => {
      const command = () => Promise.reject(failure(code, 'no'))
      const w = await world({ command, incidents: { show: async () => incident } })
      const payload = { planId, says: 'approved' }
      const answer = await w.ask({ method: 'POST', url: url('answer'), headers: as('operator'), payload })
      expect(expectProblem(answer, code).detail).toBe('no')
    },
  )

  it('is not done through a trust, which says nothing of who holds it', async () => {
    const trusted = someone({ roles: ['admin'], trust: { id: 't', trustorUserId: 'user-olga', impersonation: true } })
    const w = await world({ checkToken: async () => trusted, incidents: { show: async () => incident } })
    const ask = (method: 'GET' | 'POST', path: string) => w.ask({ method, url: path, headers: as('x') })
    expect((await ask('GET', `/v1/incidents/${incident.id}`)).statusCode).toBe(200)
    for (const does of ['acknowledge', 'take-over', 'answer', 'approval-links'])
      expectProblem(await ask('POST', url(does)), 'PERSON_NEEDED')
  })
})
