import { describe, expect, it } from 'vitest'
import { noState } from '../../core/governor.ts'
import { Policy } from '../../core/policy.ts'
import { reportOn } from '../../policies/report.ts'
import { serve } from '../openstack/server.ts'
import { answerOf, at, incidentOf, nowMs, proposalOf, reportInput, runOf } from '../policies/report-incidents.ts'
import { installation, steward } from './steward.ts'

const policy = Policy.parse({ name: 'compute-down', kind: 'binary', when: {}, runbook: 'restart-service' })
const report = () => {
  const incidents = [
    incidentOf({ recoveredAt: at(-55), runs: [runOf({ helped: true })] }),
    incidentOf({ openedAt: at(-40), runs: [runOf({ helped: false, startedAt: at(-20) })] }),
    incidentOf({
      host: 'cmp-2',
      reason: { code: 'FUSE_BLOWN', detail: 'x' },
      proposal: proposalOf(),
      answers: [answerOf('approved')],
    }),
  ]
  const outcomes = [-20, -10].map((minute) => ({ runbook: 'restart-service', at: at(minute), helped: false }))
  return reportOn(
    reportInput(incidents, { policies: [policy], outcomes: { ...noState, outcomes }, nowMs, truncated: true }),
  )
}

describe('steward report runbooks', () => {
  it('prints a row for each runbook and policy, and why one asks first', async () => {
    const { env } = await installation()
    const api = await serve(() => ({ body: report() }))
    const { out, code } = await steward(env, '--api', api.url, 'report', 'runbooks', '--since', '7d')
    const [head, ...rows] = out.trimEnd().split('\n')
    expect(code).toBe(0)
    expect(head).toMatch(/NAME +INCIDENTS +OPEN +RUNS +HELPED +AGAIN IN 24 H/)
    expect(rows).toHaveLength(3)
    expect(rows[0]).toMatch(
      /^runbook +restart-service +3 +0 +2 +50 % \(1\/2\) +100 % +0 % +120.0 s, p99 20 min .*the last 2 run\(s\)/,
    )
    expect(rows[0]).toContain('1: 1 yes, 0 no, 0 late')
    expect(rows[0]).toContain('FUSE_BLOWN 1')
    expect(rows[1]).toMatch(/^policy +compute-down /)
    expect(rows[2]).toMatch(/^ *all +3 /)
  })

  it('prints a dash where there is nothing to divide by, and JSON when asked for', async () => {
    const { env } = await installation()
    const empty = reportOn(reportInput([]))
    const api = await serve(() => ({ body: empty }))
    const { out } = await steward(env, '--api', api.url, 'report', 'runbooks')
    expect(out.trimEnd().split('\n')[1]?.trim().split(/ +/)).toEqual(['all', '0', '0', '0', ...Array(8).fill('-')])
    const json = await steward(env, '--api', api.url, '--json', 'report', 'runbooks')
    expect(JSON.parse(json.out)).toEqual(empty)
    expect(api.received[0]?.path).toMatch(/^\/v1\/reports\/runbooks\?since=\d{4}-/)
  })
})
