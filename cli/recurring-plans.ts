import type { Command } from 'commander'
import { z } from 'zod'
import { RecurringPlanShown, RecurringPlanView } from '../core/recurring-plan.ts'
import { connectApi } from './api-client.ts'
import { type PageOptions, pageQuery, printMore } from './paging.ts'
import { type GoalOptions, type PowerOptions, planOptionsOf, powerOf, withGoal, withPower } from './plan-options.ts'
import { printFields, printTable } from './print.ts'
import { type RecurrenceOptions, recurrenceOf, withRecurrence } from './recurrence-options.ts'
import { spanSeconds, timeText } from './span.ts'
import { whenText } from './when-text.ts'

const List = z.object({ recurringPlans: z.array(RecurringPlanView), nextPage: z.string().optional() })

interface CreateOptions extends GoalOptions, PowerOptions, RecurrenceOptions {
  name?: string
  window?: number
  approve?: string
  why?: string
  signal?: string
}

/** plan recurring …: plans that are made again and again. */
export function addRecurringPlanCommands(plan: Command): void {
  const recurring = plan.command('recurring').description('plans that are made again and again')

  withRecurrence(withPower(withGoal(recurring.command('create'))))
    .description("such as: --goal consolidate --cron '0 2 * * sat' --time-zone Europe/Berlin --window 3h")
    .option('--name <name>', 'for people')
    .option('--window <duration>', 'no wave begins later than this after its time (default: 2h)', spanSeconds)
    .option(
      '--approve <who>',
      'ask: persons say yes to each plan; auto: as far as the governor lets machines go',
      'ask',
    )
    .option('--signal <query>', 'PromQL from 0 to 1 that decides each time how hard to save, or to spread')
    .option('--why <text>')
    .action(async (given: CreateOptions, command: Command) => {
      const ask = await connectApi(command)
      const { goal, name, window, approve, why, signal } = given
      const wish = {
        ...{
          goal,
          options: { ...planOptionsOf(given), ...powerOf(given) },
          when: (await recurrenceOf(given)) ?? {},
          approve,
        },
        ...(window !== undefined && { windowMinutes: window / 60 }),
        ...(name !== undefined && { name }),
        ...(why !== undefined && { why }),
        ...(signal !== undefined && { signal: { query: signal } }),
      }
      print(command, RecurringPlanShown.parse(await ask('POST', '/recurring-plans', wish)))
    })
  recurring
    .command('list')
    .description('those that are not at their end first, newest first')
    .option('--limit <n>', 'most rows', '100')
    .option('--page <page>', 'the rows after these, as the list before says')
    .action(async (wish: PageOptions, command: Command) => {
      const ask = await connectApi(command)
      const { recurringPlans, nextPage } = List.parse(await ask('GET', `/recurring-plans?${pageQuery(wish)}`))
      const rows = recurringPlans.map((r) => [
        ...[r.next?.local, r.state, r.name ?? r.goal, r.approve, r.past.at(-1)?.outcome, r.id],
      ])
      printTable(command, recurringPlans, ['NEXT', 'STATE', 'WHAT', 'APPROVE', 'LAST', 'ID'], rows)
      printMore(command, nextPage)
    })
  recurring
    .command('show <id>')
    .description('with its last plans and the times to come')
    .action(async (id: string, _options: object, command: Command) => {
      const ask = await connectApi(command)
      print(command, RecurringPlanShown.parse(await ask('GET', pathOf(id))))
    })
  const told = (name: string, description: string, method: 'POST' | 'DELETE', path: string) =>
    recurring
      .command(`${name} <id>`)
      .description(description)
      .action(async (id: string, _options: object, command: Command) => {
        const ask = await connectApi(command)
        print(command, RecurringPlanView.parse(await ask(method, `${pathOf(id)}${path}`)))
      })
  told('pause', 'no plan until it is resumed; one that is at work goes on', 'POST', '/pause')
  told('resume', 'go on with the first time from now', 'POST', '/resume')
  told('delete', 'end it; a plan that is at work goes on', 'DELETE', '')
}

const pathOf = (id: string) => `/recurring-plans/${encodeURIComponent(id)}`

function print(command: Command, view: RecurringPlanView | RecurringPlanShown): void {
  const { next, running, past, name, why, when, goal, by, createdAt, windowMinutes, approve } = view
  const upcoming = 'upcoming' in view ? view.upcoming : []
  printFields(command, view, [
    ['id', view.id],
    ['name', name],
    ['state', view.reason === undefined ? view.state : `${view.state}: ${view.reason}`],
    ['goal', goal],
    ['asked for', `${timeText(createdAt)} by ${by}${why ? `: ${why}` : ''}`],
    ['when', whenText(when)],
    ['window', `waves begin within ${windowMinutes} min`],
    [
      'approval',
      approve === 'auto' ? 'auto: as far as the governor lets machines go' : 'ask: persons say yes to each plan',
    ],
    ['next', upcoming.length === 0 ? next?.local : undefined],
    ...upcoming.map(({ local, at, note }): [string, string] => ['next', `${local}, ${at}${note ? ` (${note})` : ''}`]),
    ['at work', running && `plan ${running.planId} of ${running.at}`],
    ...past.map(({ at, outcome, planId, detail }): [string, string] => [
      'past',
      `${at} ${outcome}${planId ? ` plan ${planId}` : ''}${detail ? `: ${detail}` : ''}`,
    ]),
  ])
}
