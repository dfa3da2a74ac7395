import type { Command } from 'commander'
import { z } from 'zod'
import { Preview, RecurringActionView } from '../core/recurrence.ts'
import { titleOf } from '../core/work.ts'
import { connectApi } from './api-client.ts'
import { type CredentialOptions, credentialIn, withCredential } from './credential-file.ts'
import { delegatedFields } from './delegated.ts'
import { type PageOptions, pageQuery, printMore } from './paging.ts'
import { printFields, printNotes, printTable } from './print.ts'
import { type RecurrenceOptions, recurrenceOf, withRecurrence } from './recurrence-options.ts'
import { spanSeconds } from './span.ts'
import { whenText } from './when-text.ts'
import { type WorkOptions, withWork, workIn } from './work-options.ts'

const List = z.object({ recurringActions: z.array(RecurringActionView), nextPage: z.string().optional() })

interface CreateOptions extends WorkOptions, RecurrenceOptions, CredentialOptions {
  name?: string
  late?: number
  delegateFor?: string
}

/** recurring …: the same OpenStack call again and again. */
export function addRecurringActionCommands(program: Command): void {
  const recurring = program.command('recurring').description('OpenStack calls that are made again and again')

  withRecurrence(recurring.command('preview'))
    .description("when it would happen, such as: --cron '0 22 * * mon-fri' --time-zone Europe/Berlin")
    .option('--next <n>', 'how many', Number, 10)
    .action(async (options: RecurrenceOptions & { next: number }, command: Command) => {
      const ask = await connectApi(command)
      const wish = { recurrence: (await recurrenceOf(options)) ?? {}, count: options.next }
      const preview = Preview.parse(await ask('POST', '/recurring-actions/preview', wish))
      const rows = preview.occurrences.map(({ local, at, note }) => [local, at, note ?? ''])
      printTable(command, preview, ['LOCAL', 'UTC', 'NOTE'], rows)
      printNotes(command, preview.warnings)
    })

  withCredential(withRecurrence(withWork(recurring.command('create'))))
    .description("such as: server.stop --with serverId=ID --cron '0 22 * * mon-fri'; see 'steward catalogue'")
    .option('--name <name>', 'for people')
    .option('--late <duration>', 'how late a call may still be made, such as 10m', spanSeconds)
    .option('--delegate-for <duration>', 'how long Steward may act for you, ISO 8601; P90D when left out')
    .action(async (what: string[], options: CreateOptions, command: Command) => {
      const ask = await connectApi(command)
      const work = await workIn(what, options)
      const recurrence = (await recurrenceOf(options)) ?? {}
      const rights = await credentialIn(options)
      show(command, await ask('POST', '/recurring-actions', { ...wishes(options), ...work, recurrence, ...rights }))
    })

  withCredential(withRecurrence(recurring.command('change <id>')))
    .description('when, how late or for how long; what is left out stays')
    .option('--name <name>', 'for people')
    .option('--late <duration>', 'how late a call may still be made', spanSeconds)
    .option('--delegate-for <duration>', 'a new delegation from now on, ISO 8601')
    .action(async (id: string, options: CreateOptions, command: Command) => {
      const ask = await connectApi(command)
      const recurrence = await recurrenceOf(options)
      const change = { ...wishes(options), ...(recurrence && { recurrence }), ...(await credentialIn(options)) }
      show(command, await ask('PATCH', pathOf(id), change))
    })

  recurring
    .command('list')
    .description('those that are active first, newest first')
    .option('--limit <n>', 'most rows', '100')
    .option('--page <page>', 'the rows after these, as the list before says')
    .action(async (wish: PageOptions, command: Command) => {
      const ask = await connectApi(command)
      const { recurringActions, nextPage } = List.parse(await ask('GET', `/recurring-actions?${pageQuery(wish)}`))
      const rows = recurringActions.map((r) => [r.next?.local, r.state, whatOf(r), r.past.at(-1)?.outcome, r.id])
      printTable(command, recurringActions, ['NEXT', 'STATE', 'WHAT', 'LAST', 'ID'], rows)
      printMore(command, nextPage)
    })

  const told = (name: string, description: string, ask: 'POST' | 'DELETE', path: string) =>
    recurring
      .command(`${name} <id>`)
      .description(description)
      .action(async (id: string, _options: object, command: Command) => {
        const api = await connectApi(command)
        show(command, await api(ask, `${pathOf(id)}${path}`))
      })
  recurring
    .command('show <id>')
    .description('with its last and next occurrences')
    .action(async (id: string, _options: object, command: Command) => {
      const ask = await connectApi(command)
      show(command, await ask('GET', pathOf(id)))
    })
  told('pause', 'no occurrence until it is resumed', 'POST', '/pause')
  told('resume', 'go on with the first occurrence from now', 'POST', '/resume')
  told('run-now', 'one more occurrence, now, which does not count', 'POST', '/run-now')
  told('cancel', 'end it; its trust is deleted', 'DELETE', '')
  recurring
    .command('snooze <id>')
    .description('no occurrence before a moment')
    .requiredOption('--until <time>', 'RFC 3339')
    .action(async (id: string, { until }: { until: string }, command: Command) => {
      const ask = await connectApi(command)
      show(command, await ask('POST', `${pathOf(id)}/snooze`, { until }))
    })
}

const pathOf = (id: string) => `/recurring-actions/${encodeURIComponent(id)}`

const wishes = ({ name, late, delegateFor }: Pick<CreateOptions, 'name' | 'late' | 'delegateFor'>) => ({
  ...(name !== undefined && { name }),
  ...(late !== undefined && { maxLatenessSeconds: late }),
  ...(delegateFor !== undefined && { delegateFor }),
})

const whatOf = (view: RecurringActionView) => view.name ?? titleOf(view)

function show(command: Command, answer: unknown): void {
  const view = RecurringActionView.parse(answer)
  const { recurrence, next, delegated } = view
  printFields(command, view, [
    ['id', view.id],
    ['name', view.name],
    ['state', view.reason === undefined ? view.state : `${view.state}: ${view.reason}`],
    ['what', titleOf(view)],
    ['when', whenText(recurrence)],
    ['next', next && `${next.local}, ${next.at}${next.note ? ` (${next.note})` : ''}`],
    ['snoozed', view.snoozedUntil && `until ${view.snoozedUntil}`],
    ['running', view.running.length > 0 ? view.running.join(', ') : undefined],
    ['waiting', view.queued],
    ['delegated', `${view.roles.join(', ')} until ${delegated.until}`],
    ...delegatedFields(view.delegatedBy),
    ...view.past.map(({ at, outcome, detail }): [string, string] => [
      'past',
      `${at} ${outcome}${detail ? `: ${detail}` : ''}`,
    ]),
    ['trust', view.trustDeleted === undefined ? undefined : view.trustDeleted ? 'deleted' : 'left to expire'],
  ])
}
