import type { Command } from 'commander'
import { DelegationView } from '../core/delegation.ts'
import { connectApi } from './api-client.ts'
import { printFields } from './print.ts'

const path = '/delegations/remediation'

/** delegate, delegation show, delegation revoke: the rights that remediation acts with. */
export function addDelegationCommands(program: Command): void {
  program
    .command('delegate')
    .description('let remediation act with your rights in the project of your login, by a Keystone trust')
    .option('--role <role...>', 'roles to delegate, the fewest that do', ['admin'])
    .option('--for <duration>', 'ISO 8601 duration', 'P90D')
    .action(async ({ role, for: expiresIn }: { role: string[]; for: string }, command: Command) => {
      const ask = await connectApi(command)
      show(command, await ask('PUT', path, { roles: role, expiresIn }))
    })

  const delegation = program.command('delegation').description('the standing delegation')
  delegation
    .command('show')
    .description('show it')
    .action(async (_options: object, command: Command) => {
      const ask = await connectApi(command)
      show(command, await ask('GET', path))
    })
  delegation
    .command('revoke')
    .description('take it back; its trust is deleted')
    .action(async (_options: object, command: Command) => {
      const ask = await connectApi(command)
      show(command, await ask('DELETE', path))
    })
}

function show(command: Command, answer: unknown): void {
  const view = DelegationView.parse(answer)
  printFields(command, view, [
    ['state', view.state],
    ['owner', `${view.trustorName} (${view.trustorUserId})`],
    ['project', view.projectId],
    ['roles', view.roles.join(', ')],
    ['trust', view.trustId],
    ['expires', view.expiresAt],
    ['reason', view.reason],
  ])
}
