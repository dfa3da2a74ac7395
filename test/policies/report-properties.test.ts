import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { incidentEnds, type ReportRow, RunbookReport } from '../../core/report.ts'
import { reportOn } from '../../policies/report.ts'
import { anyIncident, nowMs, reportInput } from './report-incidents.ts'

const sum = (counts: Iterable<number>) => [...counts].reduce((a, b) => a + b, 0)
const many = fc.array(anyIncident, { maxLength: 40 })
const rows = ({ all, runbooks, policies }: RunbookReport): ReportRow[] => [all, ...runbooks, ...policies]

describe('a report', () => {
  it('has rates between 0 and 1, and none where there is nothing to divide by', () => {
    fc.assert(
      fc.property(many, (incidents) => {
        const report = reportOn(reportInput(incidents))
        RunbookReport.parse(report)
        for (const row of rows(report)) {
          for (const name of ['verifiedSuccessRate', 'recurrenceRate', 'falseFireRate'] as const)
            if (name in row) expect(row[name]).toSatisfy((rate: number) => rate >= 0 && rate <= 1)
          expect('verifiedSuccessRate' in row).toBe(row.verdicts > 0)
          expect('recurrenceRate' in row).toBe(row.helped > 0)
          for (const spread of [row.timeToFirstAct, row.timeToRecovery])
            if (spread) {
              expect(spread.p50Ms).toBeGreaterThanOrEqual(0)
              expect(spread.p99Ms).toBeGreaterThanOrEqual(spread.p50Ms)
            }
        }
      }),
    )
  })

  it('counts every incident of the period once: how it came out, in all and by policy', () => {
    fc.assert(
      fc.property(many, (incidents) => {
        const report = reportOn(reportInput(incidents))
        const within = incidents.filter(({ openedAt }) => Date.parse(openedAt) >= nowMs - 7 * 86_400_000)
        expect(report.all.incidents).toBe(within.length)
        for (const row of rows(report)) expect(sum(Object.values(row.ends))).toBe(row.incidents)
        for (const end of incidentEnds)
          expect(sum(report.policies.map((row) => row.ends[end]))).toBe(report.all.ends[end])
        for (const figure of ['incidents', 'runs', 'helped', 'verdicts'] as const)
          expect(sum(report.policies.map((row) => row[figure]))).toBe(report.all[figure])
        for (const figure of ['runs', 'helped', 'verdicts'] as const)
          expect(sum(report.runbooks.map((row) => row[figure]))).toBe(report.all[figure])
      }),
    )
  })

  it('has an answer, or none, for everything people were asked', () => {
    fc.assert(
      fc.property(many, (incidents) => {
        for (const { people } of rows(reportOn(reportInput(incidents)))) {
          const { asked, ...answered } = people
          expect(sum(Object.values(answered))).toBe(asked)
        }
      }),
    )
  })

  it('does not depend on the order of the incidents', () => {
    fc.assert(
      fc.property(
        many.chain((incidents) =>
          fc.tuple(fc.constant(incidents), fc.shuffledSubarray(incidents, { minLength: incidents.length })),
        ),
        ([incidents, shuffled]) => {
          // of one entity there is one incident at a time
          fc.pre(new Set(incidents.map(({ openedAt }) => openedAt)).size === incidents.length)
          expect(reportOn(reportInput(shuffled))).toEqual(reportOn(reportInput(incidents)))
        },
      ),
    )
  })
})
