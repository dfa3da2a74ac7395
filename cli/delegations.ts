import type { Command } from 'commander'
import { z } from 'zod'
import { DelegationView, GivenDelegation } from '../core/delegation.ts'
import { connectApi } from './api-client.ts'
import { type PageOptions, pageQuery, printMore } from './paging.ts'
import { printFields, printNotes, printTable } from './print.ts'

const standing = '/delegations/remediation'
const List = z.object({ delegations: z.array(GivenDelegation), nextPage: z.string().optional() })

/** delegate, delegation list, show, revoke: the rights that Steward acts with. */
export function addDelegationCommands(program: Command): void {
  program
    .command('delegate')
    .description('let remediation act with your rights in the project of your login, by a Keystone trust')
    .option('--role <role...>', 'roles to delegate, the fewest that do', ['admin'])
    .option('--for <duration>', 'ISO 8601 duration', 'P90D')
    .action(async ({ role, for: expiresIn }: { role: string[]; for: string }, command: Command) => {
      const ask = await connectApi(command)
      showStanding(command, await ask('PUT', standing, { roles: role, expiresIn }))
    })

  const delegation = program.command('delegation').description('rights that were given to Steward')
  delegation
    .command('list')
    .description('those you gave, or all for operators; those that end first come first')
    .option('--limit <n>', 'most rows', '100')
    .option('--page <page>', 'the rows after these, as the list before says')
    .action(async (wish: PageOptions, command: Command) => {
      const ask = await connectApi(command)
      const list = List.parse(await ask('GET', `/delegations?${pageQuery(wish)}`))
      const head = ['ENDS', 'STATE', 'KIND', 'FOR', 'ROLES', 'OWNER', 'ID']
      const rows = list.delegations.map((d) => [
        ...[d.expiresAt, d.state, d.kind, d.for, d.roles.join(','), d.userId, d.id],
      ])
      printTable(command, list, head, rows)
      printMore(command, list.nextPage)
    })
  delegation
    .command('show [id]')
    .description('one of the list; the standing one of remediation when no id is given')
    .action(async (id: string | undefined, _options: object, command: Command) => {
      const ask = await connectApi(command)
      if (id === undefined) showStanding(command, await ask('GET', standing))
      else show(command, await ask('GET', pathOf(id)))
    })
  delegation
    .command('revoke [id]')
    .description('take it back: what acts with it is cancelled, its trust is deleted; the standing one without an id')
    .action(async (id: string | undefined, _options: object, command: Command) => {
      const ask = await connectApi(command)
      if (id === undefined) return showStanding(command, await ask('DELETE', standing))
      show(command, await ask('DELETE', pathOf(id)))
      printNotes(command, ['this is how it was: it has been taken back'])
    })
}

const pathOf = (id: string) => `/delegations/${encodeURIComponent(id)}`

function show(command: Command, answer: unknown): void {
  const view = GivenDelegation.parse(answer)
  printFields(command, view, [
    ['id', view.id],
    ['state', view.state],
    ['kind', view.kind],
    ['for', view.for],
    ['owner', view.userId],
    ['project', view.projectId],
    ['roles', view.roles.join(', ')],
    ['expires', view.expiresAt],
  ])
}

function showStanding(command: Command, answer: unknown): void {
  const view = DelegationView.parse(answer)
  printFields(command, view, [
    ['id', view.id],
    ['state', view.state],
    ['owner', `${view.trustorName} (${view.trustorUserId})`],
    ['project', view.projectId],
    ['roles', view.roles.join(', ')],
    ['trust', view.trustId],
    ['expires', view.expiresAt],
    ['reason', view.reason],
    ['warning', view.warning],
  ])
}
