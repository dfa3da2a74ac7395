import type { Command } from 'commander'
import { z } from 'zod'
import { Run, RunbookCard } from '../core/runbook.ts'
import { connectApi } from './api-client.ts'
import { readJsonOption } from './json-option.ts'
import { type PageOptions, pageQuery, printMore } from './paging.ts'
import { printGroups, printTable } from './print.ts'
import { inputWords, runCard } from './run-card.ts'
import { addRunExport } from './run-export.ts'

const Runbooks = z.object({ runbooks: z.array(RunbookCard) })
const Runs = z.object({ runs: z.array(Run), nextPage: z.string().optional() })

interface RunOptions {
  input: string
  real?: boolean
  dryRun?: boolean
  why: string
}

/** Options first; what is left out is the runbook's own default. */
const dryRunOf = ({ real, dryRun }: Pick<RunOptions, 'real' | 'dryRun'>) =>
  dryRun ? { dryRun: true } : real ? { dryRun: false } : {}

/** runbook …: what can be done, and doing it. */
export function addRunbookCommands(program: Command): Command {
  const runbook = program.command('runbook').description('what Steward can do, and starting it by hand')
  runbook
    .command('list')
    .description('the runbooks that the workers have')
    .action(async (_options: object, command: Command) => {
      const { runbooks } = Runbooks.parse(await (await connectApi(command))('GET', '/runbooks'))
      const rows = runbooks.map(({ name, risk, source, title }) => [name, risk, source, title])
      printTable(command, runbooks, ['NAME', 'RISK', 'FROM', 'WHAT'], rows)
    })
  runbook
    .command('show <name>')
    .description('what it does, takes and may do')
    .action(async (name: string, _options: object, command: Command) => {
      const card = RunbookCard.parse(await (await connectApi(command))('GET', `/runbooks/${encodeURIComponent(name)}`))
      const { title, description, risk, needs, input, dryRunByDefault } = card
      printGroups(command, card, [
        [
          ['name', card.name],
          ['title', title],
          ['what', description],
          ['risk', `${risk}${dryRunByDefault ? ': says first what it would do; --real does it' : ''}`],
          ['roles', needs.roles.join(', ') || '-'],
        ],
        inputWords(input),
        Object.entries({ calls: needs.calls, actions: needs.actions, steps: needs.steps }).flatMap(([kind, list]) =>
          list.map((one, i): [string, string] => [i === 0 ? `may: ${kind}` : '', one]),
        ),
      ])
    })
  runbook
    .command('run <name>')
    .description('start a run; what can change something says first what it would do, unless --real')
    .option('--input <json>', 'its input, or @FILE with it', '{}')
    .option('--real', 'do it, not only say it')
    .option('--dry-run', 'only say it')
    .requiredOption('--why <text>', 'stands in the audit trail (required)')
    .action(async (name: string, options: RunOptions, command: Command) => {
      const input = await readJsonOption(options.input, '--input')
      const ask = await connectApi(command)
      const body = { input, why: options.why, ...dryRunOf(options) }
      showBegun(command, Run.parse(await ask('POST', `/runbooks/${encodeURIComponent(name)}/runs`, body)))
    })
  addRunCommands(program)
  return runbook
}

/** run …: what is being done, and how it ended. */
function addRunCommands(program: Command): void {
  const run = program.command('run').description('runs of runbooks: what is being done, and how it ended')
  const one = (id: string) => `/runs/${encodeURIComponent(id)}`
  run
    .command('list')
    .description('those that run first, newest first')
    .option('--limit <n>', 'most rows', '100')
    .option('--page <page>', 'what comes after an earlier list')
    .option('--runbook <name>')
    .option('--state <state>', 'such as running or failed')
    .action(async (options: PageOptions & { runbook?: string; state?: string }, command: Command) => {
      const { runbook, state } = options
      const more = new URLSearchParams({ ...(runbook && { runbook }), ...(state && { state }) })
      const found = Runs.parse(await (await connectApi(command))('GET', `/runs?${pageQuery(options)}&${more}`))
      const rows = found.runs.map((r) => [
        r.startedAt,
        r.dryRun ? `${r.state} (dry)` : r.state,
        r.runbook,
        r.by,
        r.summary ?? r.notes.at(-1)?.text,
        r.id,
      ])
      printTable(command, found.runs, ['STARTED', 'STATE', 'RUNBOOK', 'BY', 'WHAT', 'ID'], rows)
      printMore(command, found.nextPage)
    })
  run
    .command('show <id>')
    .description('its steps, what it asks, how it ended')
    .action(async (id: string, _options: object, command: Command) => {
      show(command, Run.parse(await (await connectApi(command))('GET', one(id))))
    })
  addRunExport(run)
  run
    .command('cancel <id>')
    .description('have it take back what it did, and end')
    .action(async (id: string, _options: object, command: Command) => {
      show(command, Run.parse(await (await connectApi(command))('POST', `${one(id)}/cancel`)))
    })
  run
    .command('move <id>')
    .description('have an open run go on with the code that runs begin with now, if its steps so far fit that')
    .option('--why <text>', 'stands in the audit trail')
    .action(async (id: string, { why }: { why?: string }, command: Command) => {
      const body = why === undefined ? {} : { why }
      show(command, Run.parse(await (await connectApi(command))('POST', `${one(id)}/move`, body)))
    })
  run
    .command('again <id>')
    .description('start a run with the same input')
    .option('--real', 'do it, not only say it')
    .option('--dry-run', 'only say it')
    .requiredOption('--why <text>', 'stands in the audit trail (required)')
    .action(async (id: string, options: RunOptions, command: Command) => {
      const body = { why: options.why, ...dryRunOf(options) }
      showBegun(command, Run.parse(await (await connectApi(command))('POST', `${one(id)}/again`, body)))
    })
  for (const [word, yes] of [
    ['approve', true],
    ['refuse', false],
  ] as const)
    run
      .command(`${word} <id>`)
      .description(`say ${yes ? 'yes' : 'no'} to what it asks; \`run show\` has the question and its id`)
      .requiredOption('--question <id>', 'the question you have read')
      .option('--why <text>')
      .action(async (id: string, { question, why }: { question: string; why?: string }, command: Command) => {
        const body = { questionId: question, yes, ...(why !== undefined && { why }) }
        show(command, Run.parse(await (await connectApi(command))('POST', `${one(id)}/answer`, body)))
      })
}

const show = (command: Command, run: Run) => printGroups(command, run, runCard(run))

/** It has only begun: its end is to be found elsewhere. */
const showBegun = (command: Command, run: Run) =>
  printGroups(command, run, [...runCard(run), [['next', `steward run show ${run.id}`]]])
