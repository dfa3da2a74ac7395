import { describe, expect, it } from 'vitest'
import { whyRoutes } from '../../api/routes/why.ts'
import { failure } from '../../core/errors.ts'
import type { Why } from '../../core/why.ts'
import { alone, seesCloud } from './alone.ts'
import { as, at, expectProblem } from './app.ts'

const found: Why = {
  about: 'host/cmp-1',
  at: at(0),
  answer: 'it is acting',
  reasons: [{ weight: 'tells', sentence: 'opened', figures: { signals: 1 } }],
}

async function why(sees = seesCloud) {
  const asked: [about: string, projectId: string | undefined][] = []
  const desk = {
    async ask(about: string, projectId?: string) {
      asked.push([about, projectId])
      if (about.startsWith('incident/')) throw failure('INCIDENT_NOT_FOUND', 'there is none')
      return found
    },
  }
  const app = await alone(whyRoutes, { desk, seesCloud: sees })
  const ask = (about: string, who = 'operator') =>
    app.inject({ url: `/v1/why?about=${encodeURIComponent(about)}`, headers: as(who) })
  return { asked, ask }
}

describe('why', () => {
  it('is answered about a host, an alert, a run, an action', async () => {
    const { ask, asked } = await why()
    for (const about of ['host/cmp-1', 'alert/a b/2026', 'run/run/restart-service/cmp-1/nova-compute', 'action/1']) {
      expect((await ask(about)).json()).toEqual(found)
      expect(asked.pop()).toEqual([about, undefined])
    }
  })

  it('is not answered about something else', async () => {
    const { ask, asked } = await why()
    for (const about of ['', 'cmp-1', 'host/', 'zone/nova', `host/${'x'.repeat(501)}`])
      expectProblem(await ask(about), 'INPUT_INVALID')
    expect(asked).toEqual([])
    expectProblem(await ask('incident/1'), 'INCIDENT_NOT_FOUND')
  })

  it('is for those who have the permission', async () => {
    const { ask, asked } = await why()
    expectProblem(await ask('action/1', 'member'), 'ROLE_MISSING')
    expect(asked).toEqual([])
  })

  it('is answered to who does not see the cloud about actions of the own project only', async () => {
    const { ask, asked } = await why(() => false)
    expect((await ask('action/1')).statusCode).toBe(200)
    expect(asked).toEqual([['action/1', 'project-1']])
    for (const about of ['host/cmp-1', 'incident/1', 'run/1', 'alert/1'])
      expectProblem(await ask(about), 'ROLE_MISSING')
    expect(asked).toHaveLength(1)
  })
})
