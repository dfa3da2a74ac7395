import { DefaultLogger, Runtime } from '@temporalio/worker'
import type { Command } from 'commander'
import type { CaseReport } from '../rehearsal/standard-cases.ts'
import { type RunbookReport, type TestReport, testRunbooks } from '../rehearsal/test-runbooks.ts'
import { inTime } from '../rehearsal/verdict.ts'
import { plain, printLines } from './print.ts'

/** runbook test: plays own runbooks on a simulated cloud in virtual time. */
export function addRunbookTestCommand(runbook: Command): void {
  runbook
    .command('test [path]')
    .description(
      'play runbooks of your own on a simulated cloud in virtual time: a folder, or one of them; needs nothing that runs',
    )
    .option('--only <name>', 'only cases and runbooks with this in their name')
    .action(async (path: string | undefined, { only }: { only?: string }, command: Command) => {
      const progress = (line: string) => process.stderr.write(`${plain(line)}\n`)
      const report = await testRunbooks({ path: path ?? 'runbooks', only, installRuntime: quiet, progress })
      printLines(command, report, linesOf(report))
      if (!report.passed) process.exitCode = 1
      // code that loops has a thread that never ends
      if (report.hangs) process.exit()
    })
}

/** Failing runs are what tests are about: only the SDK's own errors are of interest. Signals are the engine's to hear. */
function quiet(): void {
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('ERROR', ({ level, message }) => {
      if (level === 'ERROR') process.stderr.write(`${plain(message)}\n`)
    }),
    telemetryOptions: { logging: { filter: 'temporal_sdk_core=ERROR', forward: {} } },
  })
}

function linesOf({ problems, runbooks, tookSeconds }: TestReport): string[] {
  if (problems.length > 0) return [...problems]
  const cases = runbooks.flatMap((one) => one.cases)
  const failed = cases.filter(({ passed }) => !passed).length
  const skipped = cases.filter((one) => one.skipped !== undefined).length
  return [
    ...runbooks.flatMap(linesOfRunbook),
    '',
    [
      `${cases.length - failed - skipped} passed`,
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(skipped > 0 ? [`${skipped} not played`] : []),
      `${tookSeconds} s`,
    ].join(', '),
  ]
}

const linesOfRunbook = ({ runbook, file, cases }: RunbookReport): string[] => [
  file === undefined ? `${runbook} (no tests of its own)` : runbook,
  ...cases.flatMap(linesOfCase),
]

function linesOfCase({ name, passed, problems, skipped, played }: CaseReport): string[] {
  if (skipped !== undefined) return [`  - ${name}: not played: ${skipped}`]
  const took = played === undefined ? '' : ` (${inTime(played.tookMs)} of virtual time)`
  if (passed) return [`  ✓ ${name}${took}`]
  const steps = (played?.view.steps ?? []).map(
    ({ title, state, detail }) => `      ${state}: ${title}${detail === undefined ? '' : ` (${detail})`}`,
  )
  const notes = (played?.view.notes ?? []).slice(-5).map(({ text }) => `      ${text}`)
  return [
    `  ✗ ${name}${took}`,
    ...problems.map((problem) => `    ${problem}`),
    ...(steps.length > 0 ? ['    its steps:', ...steps] : []),
    ...(notes.length > 0 ? ['    what it said last:', ...notes] : []),
  ]
}
