import type { Command } from 'commander'
import { z } from 'zod'
import { Incident } from '../core/incident.ts'
import { connectApi } from './api-client.ts'
import { printFields, printTable } from './print.ts'

const List = z.object({ incidents: z.array(Incident) })

/** incident list, incident show: what happened, and what was done about it. */
export function addIncidentCommands(program: Command): void {
  const incident = program.command('incident').description('what happened, and what was done about it')
  incident
    .command('list')
    .description('newest first')
    .option('--limit <n>', 'most rows', '100')
    .action(async ({ limit }: { limit: string }, command: Command) => {
      const ask = await connectApi(command)
      const { incidents } = List.parse(await ask('GET', `/incidents?limit=${encodeURIComponent(limit)}`))
      const rows = incidents.map((i) => [i.openedAt, i.state, i.policy, i.host, i.reason?.detail ?? i.summary, i.id])
      printTable(command, incidents, ['OPENED', 'STATE', 'POLICY', 'HOST', 'WHAT', 'ID'], rows)
    })
  incident
    .command('show <id>')
    .description('with its time line')
    .action(async (id: string, _options: object, command: Command) => {
      const ask = await connectApi(command)
      const found = Incident.parse(await ask('GET', `/incidents/${encodeURIComponent(id)}`))
      printFields(command, found, [
        ['state', found.state],
        ['policy', found.policy],
        ['host', found.host],
        ['what', found.summary],
        ['signals', String(found.signals)],
        ['workflow', found.workflowId],
        ['ended', found.reason && `${found.reason.code ? `${found.reason.code}: ` : ''}${found.reason.detail}`],
        ...found.runs.map((run): [string, string] => ['run', `${run.runbook} ${run.outcome}: ${run.detail ?? ''}`]),
        ...found.timeline.map(({ at, text }): [string, string] => [at, text]),
      ])
    })
}
