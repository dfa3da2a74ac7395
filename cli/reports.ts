import type { Command } from 'commander'
import { type ReportRow, RunbookReport, type Spread } from '../core/report.ts'
import { connectApi } from './api-client.ts'
import { printTable } from './print.ts'
import { moment } from './since.ts'

/** report runbooks: how well runbooks and policies do. */
export function addReportCommands(program: Command): void {
  const report = program.command('report').description('how well Steward does')
  report
    .command('runbooks')
    .description('success, recurrence and false-fire rates, by runbook and by policy')
    .option('--since <time>', 'such as 12h, 30d or a time (RFC 3339); 30d when left out', moment)
    .option('--until <time>', 'the same; now when left out', moment)
    .action(async ({ since = moment('30d'), until }: { since?: string; until?: string }, command: Command) => {
      const ask = await connectApi(command)
      const query = new URLSearchParams({ since, ...(until !== undefined && { until }) })
      const found = RunbookReport.parse(await ask('GET', `/reports/runbooks?${query}`))
      const { all, runbooks, policies, truncated } = found
      const rows = [
        ...runbooks.map((row) => cells('runbook', row, row.demotion?.reason)),
        ...policies.map((row) => cells('policy', row)),
        cells('', all),
      ]
      printTable(command, found, head, rows)
      if (truncated) process.stderr.write('there were more incidents than are read: the oldest are left out\n')
    })
}

const head = [
  ...['', 'NAME', 'INCIDENTS', 'OPEN', 'RUNS', 'HELPED', 'AGAIN IN 24 H', 'FALSE FIRE', 'FIRST ACT', 'RECOVERY'],
  ...['ASKED', 'HELD UP', 'ASKS FIRST, BECAUSE'],
]

function cells(kind: string, row: ReportRow, demotion?: string): (string | undefined)[] {
  const { people, verdicts, helped, refusals } = row
  return [
    kind,
    row.name,
    String(row.incidents),
    String(row.ends.open),
    String(row.runs),
    row.verifiedSuccessRate === undefined ? undefined : `${percent(row.verifiedSuccessRate)} (${helped}/${verdicts})`,
    percent(row.recurrenceRate),
    percent(row.falseFireRate),
    spread(row.timeToFirstAct),
    spread(row.timeToRecovery),
    people.asked === 0
      ? undefined
      : `${people.asked}: ${people.approved} yes, ${people.rejected} no, ${people.timedOut} late`,
    Object.entries(refusals)
      .map(([code, times]) => `${code} ${times}`)
      .join(', ') || undefined,
    demotion,
  ]
}

const percent = (rate: number | undefined) => (rate === undefined ? undefined : `${Math.round(rate * 100)} %`)

const spread = (figures: Spread | undefined) => figures && `${seconds(figures.p50Ms)}, p99 ${seconds(figures.p99Ms)}`

const seconds = (ms: number) => (ms < 600_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`)
