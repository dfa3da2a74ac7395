import type { Command } from 'commander'
import { z } from 'zod'
import { ActionView } from '../core/action.ts'
import { connectApi } from './api-client.ts'
import { type CallOptions, callOf, withCall } from './call-options.ts'
import { printFields, printTable } from './print.ts'

const List = z.object({ actions: z.array(ActionView) })

interface CreateOptions extends CallOptions {
  at?: string
  in?: string
  name?: string
}

/** action create, list, show, cancel: deferred OpenStack calls of your project. */
export function addActionCommands(program: Command): void {
  const action = program.command('action').description('deferred OpenStack calls of your project')
  withCall(action.command('create <service> <method> <path>'))
    .description('defer a call, such as: compute POST /servers/ID/action --body \'{"os-stop": null}\' --in PT8H')
    .option('--at <time>', 'due time, RFC 3339')
    .option('--in <duration>', 'or: ISO 8601 duration from now')
    .option('--name <name>', 'for people')
    .action(async (service: string, method: string, path: string, options: CreateOptions, command: Command) => {
      const ask = await connectApi(command)
      const { at, in: runIn, name } = options
      const call = await callOf(service, method, path, options)
      const time = { ...(at && { runAt: at }), ...(runIn && { runIn }) }
      show(command, await ask('POST', '/actions', { ...(name && { name }), ...time, call }))
    })
  action
    .command('list')
    .description('newest first')
    .option('--limit <n>', 'most rows', '100')
    .action(async ({ limit }: { limit: string }, command: Command) => {
      const ask = await connectApi(command)
      const { actions } = List.parse(await ask('GET', `/actions?limit=${encodeURIComponent(limit)}`))
      const rows = actions.map((a) => [a.runAt, a.state, a.name ?? `${a.call.method} ${a.call.path}`, a.id])
      printTable(command, actions, ['DUE', 'STATE', 'WHAT', 'ID'], rows)
    })
  action
    .command('show <id>')
    .description('with its outcome')
    .action(async (id: string, _options: object, command: Command) => {
      const ask = await connectApi(command)
      show(command, await ask('GET', `/actions/${encodeURIComponent(id)}`))
    })
  action
    .command('cancel <id>')
    .description('before its due time; its trust is deleted')
    .action(async (id: string, _options: object, command: Command) => {
      const ask = await connectApi(command)
      show(command, await ask('DELETE', `/actions/${encodeURIComponent(id)}`))
    })
}

function show(command: Command, answer: unknown): void {
  const view = ActionView.parse(answer)
  const { result, reason } = view
  printFields(command, view, [
    ['id', view.id],
    ['name', view.name],
    ['state', view.state],
    ['call', `${view.call.method} ${view.call.service}${view.call.path}`],
    ['due', view.runAt],
    ['delegated', view.roles.join(', ')],
    ['started', view.startedAt && `${view.startedAt} (${view.latenessMs} ms late)`],
    ['result', result && `HTTP ${result.status}${result.note ? `, ${result.note}` : ''}`],
    ['request id', result?.requestId],
    ['reason', reason && `${reason.code}: ${reason.detail}`],
    ['trust', view.trustDeleted === undefined ? undefined : view.trustDeleted ? 'deleted' : 'left to expire'],
  ])
}
