import { Argument, type Command, Option } from 'commander'
import { GovernorView } from '../api/routes/governor.ts'
import { Mode } from '../core/governor.ts'
import { connectApi } from './api-client.ts'
import { printTable } from './print.ts'

interface Scope {
  policy?: string
  runbook?: string
}

/** mode, mode set, mode clear: how far machines may go. */
export function addModeCommands(program: Command): void {
  const mode = program
    .command('mode')
    .description('how far machines may go: observe, ask a person, or act; the strictest that applies counts')
    .action((_options: object, command: Command) => show(command))
  mode
    .command('show')
    .description('all settings')
    .action((_options: object, command: Command) => show(command))
  withScope(
    mode
      .command('set')
      .description('for everything, or for one policy or runbook; until it is taken back')
      .addArgument(new Argument('<mode>').choices(Mode.options))
      .requiredOption('--why <text>', '(required)'),
  ).action(async (to: string, { why, ...scope }: Scope & { why: string }, command: Command) => {
    const ask = await connectApi(command)
    await ask('PUT', `/governor/modes/${scopeOf(scope)}`, { mode: to, why })
    await show(command)
  })
  withScope(mode.command('clear').description('take a setting back: what steward.yaml says counts again')).action(
    async (scope: Scope, command: Command) => {
      const ask = await connectApi(command)
      await ask('DELETE', `/governor/modes/${scopeOf(scope)}`)
      await show(command)
    },
  )
}

const withScope = (command: Command) =>
  command
    .addOption(new Option('--policy <name>', 'only for this policy').conflicts('runbook'))
    .addOption(new Option('--runbook <name>', 'only for this runbook').conflicts('policy'))

function scopeOf({ policy, runbook }: Scope): string {
  if (policy !== undefined) return `policy:${encodeURIComponent(policy)}`
  return runbook === undefined ? 'all' : `runbook:${encodeURIComponent(runbook)}`
}

async function show(command: Command): Promise<void> {
  const ask = await connectApi(command)
  const view = GovernorView.parse(await ask('GET', '/governor'))
  const { mode, modeFrom, settings, policies, stop } = view
  const isSet = (scope: string) => settings.some((setting) => setting.scope === scope)
  const rows = [
    ...(stop ? [['everything', 'STOPPED', stop.by, stop.at, stop.why]] : []),
    ...(isSet('all') ? [] : [['all', mode, modeFrom]]),
    ...settings
      .toSorted((a, b) => a.scope.localeCompare(b.scope))
      .map(({ scope, mode: to, by, at, why }) => [scope, to, by, at, why]),
    ...policies
      .filter(({ policy }) => !isSet(`policy/${policy}`))
      .map(({ policy, mode: to }) => [`policy/${policy}`, to, 'steward.yaml']),
  ].map((row) => Array.from({ length: 5 }, (_, column) => row[column]))
  printTable(command, view, ['SCOPE', 'MODE', 'BY', 'SINCE', 'WHY'], rows)
}
