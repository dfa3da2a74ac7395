import { describe, expect, it } from 'vitest'
import type { Incident } from '../../core/incident.ts'
import { as, at, expectProblem, world } from './app.ts'

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
  runs: [{ runbook: 'relieve-host', workflowId: 'w', runId: 'r', outcome: 'succeeded', detail: '2 moves' }],
  reason: { detail: 'the signal cleared' },
  timeline: [{ at: at(-600), text: 'opened' }],
}

describe('incidents', () => {
  it('are listed, as many as asked for', async () => {
    const limits: number[] = []
    const list = async (limit: number) => {
      limits.push(limit)
      return [incident]
    }
    const w = await world({ incidents: { list } })
    const answer = await w.ask({ url: '/v1/incidents?limit=7', headers: as('operator') })
    expect(answer.json()).toEqual({ incidents: [incident] })
    await w.ask({ url: '/v1/incidents', headers: as('operator') })
    expect(limits).toEqual([7, 100])
    for (const query of ['?limit=0', '?limit=1001', '?limit=1.5', '?state=closed'])
      expectProblem(await w.ask({ url: `/v1/incidents${query}`, headers: as('operator') }), 'INPUT_INVALID')
    expect(limits).toEqual([7, 100])
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
