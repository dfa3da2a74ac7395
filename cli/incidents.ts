import type { Command } from 'commander'
import { z } from 'zod'
import { failure } from '../core/errors.ts'
import { Incident } from '../core/incident.ts'
import { type Ask, connectApi } from './api-client.ts'
import { incidentCard } from './incident-card.ts'
import { printFields, printGroups, printTable } from './print.ts'
import { spanSeconds } from './span.ts'

const List = z.object({ incidents: z.array(Incident) })
const Link = z.object({ url: z.string(), expiresAt: z.string() })

interface Filter {
  limit: string
  state?: string
  host?: string
  policy?: string
}

/** incident …: what happened, what was done about it, and what people do with it. */
export function addIncidentCommands(program: Command): void {
  const incident = program.command('incident').description('what happened, what was done about it, and what you do')
  incident
    .command('list')
    .description('newest first')
    .option('--limit <n>', 'most rows', '100')
    .option('--state <state>', 'such as asking or escalated')
    .option('--host <name>')
    .option('--policy <name>')
    .action(async (filter: Filter, command: Command) => {
      const ask = await connectApi(command)
      const { incidents } = List.parse(await ask('GET', `/incidents?${new URLSearchParams({ ...filter })}`))
      const rows = incidents.map((i) => [
        i.openedAt,
        i.state,
        i.policy,
        i.host,
        i.takenOverBy ?? i.acknowledgedBy,
        i.reason?.detail ?? i.summary,
        i.id,
      ])
      printTable(command, incidents, ['OPENED', 'STATE', 'POLICY', 'HOST', 'WHO', 'WHAT', 'ID'], rows)
    })
  incident
    .command('show <id>')
    .description('state, who has it, what would be done and why not, runs, time line')
    .action(async (id: string, _options: object, command: Command) => {
      show(command, await find(await connectApi(command), id))
    })
  addDeskCommands(incident)
  addAnswerCommands(incident)
}

/** What a person does with an incident; the answer is the incident as it is then. */
function addDeskCommands(incident: Command): void {
  const act = async (command: Command, id: string, does: string, body: object) => {
    const ask = await connectApi(command)
    show(command, Incident.parse(await ask('POST', `${pathOf(id)}/${does}`, body)))
  }
  incident
    .command('ack <id>')
    .description('say that you have seen it')
    .action((id: string, _options: object, command: Command) => act(command, id, 'acknowledge', {}))
  incident
    .command('comment <id> <text...>')
    .description('write into its time line')
    .action((id: string, text: string[], _options: object, command: Command) =>
      act(command, id, 'comment', { text: text.join(' ') }),
    )
  incident
    .command('take-over <id>')
    .description('it is yours: its run ends at the next safe point, and nothing more is begun')
    .option('--why <text>')
    .action((id: string, why: object, command: Command) => act(command, id, 'take-over', why))
  incident
    .command('hand-back <id>')
    .description('Steward looks again, and plans anew')
    .option('--why <text>')
    .action((id: string, why: object, command: Command) => act(command, id, 'hand-back', why))
  incident
    .command('close <id>')
    .description('whatever its signal says')
    .requiredOption('--why <text>', '(required)')
    .action((id: string, why: object, command: Command) => act(command, id, 'close', why))
}

/** Answers are to the plan that was read: its id has to be named. */
function addAnswerCommands(incident: Command): void {
  const answer = async (command: Command, id: string, says: string, { plan, why }: { plan: string; why?: string }) => {
    const ask = await connectApi(command)
    const planId = planOf(await find(ask, id), plan)
    show(command, Incident.parse(await ask('POST', `${pathOf(id)}/answer`, { planId, says, ...(why && { why }) })))
  }
  incident
    .command('approve <id>')
    .description('say yes to the plan you have read; `incident show` has its id')
    .requiredOption('--plan <id>', 'the plan, or the first 8 characters of its id')
    .option('--why <text>')
    .action((id: string, options: { plan: string; why?: string }, command: Command) =>
      answer(command, id, 'approved', options),
    )
  incident
    .command('reject <id>')
    .description('say no to the plan; nothing is done, people are asked')
    .requiredOption('--plan <id>', 'the plan, or the first 8 characters of its id')
    .option('--why <text>')
    .action((id: string, options: { plan: string; why?: string }, command: Command) =>
      answer(command, id, 'rejected', options),
    )
  incident
    .command('approval-link <id>')
    .description('a link with which somebody else can answer the plan; send it to that person only')
    .requiredOption('--for <name>', 'who shall answer')
    .option('--expires <duration>', 'such as 30m', spanSeconds, 3600)
    .action(async (id: string, options: { for: string; expires: number }, command: Command) => {
      const ask = await connectApi(command)
      const body = { for: options.for, expiresInSeconds: options.expires }
      const link = Link.parse(await ask('POST', `${pathOf(id)}/approval-links`, body))
      printFields(command, link, [
        ['link', link.url],
        ['expires', link.expiresAt],
      ])
    })
}

const pathOf = (id: string) => `/incidents/${encodeURIComponent(id)}`
const find = async (ask: Ask, id: string) => Incident.parse(await ask('GET', pathOf(id)))

const show = (command: Command, found: Incident) => printGroups(command, found, incidentCard(found, Date.now()))

/** @throws APPROVAL_STALE when the plan that was read is not asked about any more */
function planOf({ id, proposal }: Incident, given: string): string {
  if (!proposal) throw failure('APPROVAL_STALE', `nobody is asked about the incident ${id}`)
  const { planId, sentence } = proposal
  if (given.length >= 8 && planId.startsWith(given.toLowerCase())) return planId
  throw failure('APPROVAL_STALE', `the plan that is asked about is ${planId}: ${sentence}`)
}
