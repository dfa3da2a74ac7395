import { describe, expect, it } from 'vitest'
import { reportRoutes } from '../../api/routes/reports.ts'
import { failure } from '../../core/errors.ts'
import { GovernorConfig, noState } from '../../core/governor.ts'
import { incidentOf } from '../policies/report-incidents.ts'
import { alone } from './alone.ts'
import { as, at, cpuHigh, expectProblem, nowMs } from './app.ts'

async function reports({ truncated = false, governs = async () => noState } = {}) {
  const asked: [number, number][] = []
  const incidents = [incidentOf({ openedAt: at(-600), endedAt: at(-500) })]
  const app = await alone(reportRoutes, {
    history: {
      async opened(sinceMs, untilMs) {
        asked.push([sinceMs, untilMs])
        return { incidents, truncated }
      },
    },
    governor: { state: governs },
    config: { policies: [cpuHigh], governor: GovernorConfig.parse({}) },
    now: () => nowMs,
  })
  return {
    asked,
    ask: (query: string, who = 'operator') => app.inject({ url: `/v1/reports/runbooks${query}`, headers: as(who) }),
  }
}

describe('the report of runbooks', () => {
  it('is about the last 30 days, and has a row for every policy and runbook', async () => {
    const { ask, asked } = await reports({ truncated: true })
    const report = (await ask('')).json()
    expect(asked).toEqual([[nowMs - 30 * 86_400_000, nowMs]])
    expect(report).toMatchObject({ truncated: true, all: { incidents: 1, falseFireRate: 1 } })
    expect(report.policies.map(({ name }: { name: string }) => name)).toEqual(['compute-down', 'host-cpu-high'])
    expect(report.runbooks.map(({ name }: { name: string }) => name)).toEqual(['relieve-host'])
  })

  it('is about the time asked for', async () => {
    const { ask, asked } = await reports()
    await ask(`?${new URLSearchParams({ since: '2026-11-01T02:00:00+02:00', until: at(-60) })}`)
    expect(asked).toEqual([[Date.parse('2026-11-01T00:00:00Z'), nowMs - 60_000]])
    for (const query of ['?since=P1D', `?since=${at(1)}`, '?runbook=x'])
      expectProblem(await ask(query), 'INPUT_INVALID')
    expect(asked).toHaveLength(1)
  })

  it('is for operators, and a problem when the governor does not answer', async () => {
    const { ask } = await reports({
      async governs() {
        throw failure('ENGINE_UNREACHABLE', 'Temporal does not answer')
      },
    })
    expectProblem(await ask('', 'member'), 'ROLE_MISSING')
    expectProblem(await ask(''), 'ENGINE_UNREACHABLE')
  })
})
