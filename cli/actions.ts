import type { Command } from 'commander'
import { z } from 'zod'
import { ActionView, deadStates } from '../core/action.ts'
import { FoundTargets } from '../core/group.ts'
import { titleOf } from '../core/work.ts'
import { connectApi } from './api-client.ts'
import { type CredentialOptions, credentialIn, withCredential } from './credential-file.ts'
import { delegatedFields } from './delegated.ts'
import { type PageOptions, pageQuery, printMore } from './paging.ts'
import { printFields, printNotes, printTable } from './print.ts'
import { spanSeconds } from './span.ts'
import { selectorIn, type WorkOptions, withWork, workIn } from './work-options.ts'

const List = z.object({ actions: z.array(ActionView), nextPage: z.string().optional() })

interface WhenOptions {
  at?: string
  in?: string
  notAfter?: string
  name?: string
}

interface CreateOptions extends WorkOptions, WhenOptions, CredentialOptions {
  late?: number
  priority?: number
  unchecked?: true
}

/** action …: deferred OpenStack calls of your project. */
export function addActionCommands(program: Command): void {
  const action = program.command('action').description('deferred OpenStack calls of your project')
  withCredential(withWhen(withWork(action.command('create'))))
    .description("such as: server.stop --with serverId=ID --in PT8H; see 'steward catalogue'")
    .option('--late <duration>', 'how late it may still be begun, such as 10m', spanSeconds)
    .option('--priority <n>', '1 goes first, 5 last', Number)
    .option('--unchecked', 'take it in although what it names is not there yet')
    .action(async (what: string[], options: CreateOptions, command: Command) => {
      const ask = await connectApi(command)
      const { late, priority, unchecked } = options
      const wishes = {
        ...(late !== undefined && { maxLatenessSeconds: late }),
        ...(priority !== undefined && { priority }),
        ...(unchecked && { unchecked }),
      }
      const rights = await credentialIn(options)
      const asked = { ...when(options), ...wishes, ...(await workIn(what, options)), ...rights }
      show(command, await ask('POST', '/actions', asked))
    })
  action
    .command('list')
    .description('those that wait or run first, newest first')
    .option('--limit <n>', 'most rows', '100')
    .option('--page <page>', 'the rows after these, as the list before says')
    .option('--state <state...>', 'only those in one of these states')
    .option('--dead', 'only those that ended without having done what was asked for: look, then replay')
    .action(async ({ state, dead, ...wish }: PageOptions & { state?: string[]; dead?: true }, command: Command) => {
      const ask = await connectApi(command)
      const states = [...(state ?? []), ...(dead ? deadStates : [])].map((one) => `&state=${encodeURIComponent(one)}`)
      const { actions, nextPage } = List.parse(await ask('GET', `/actions?${pageQuery(wish)}${states.join('')}`))
      const rows = actions.map((a) => [a.runAt, a.state, a.name ?? titleOf(a), a.id])
      printTable(command, actions, ['DUE', 'STATE', 'WHAT', 'ID'], rows)
      printMore(command, nextPage)
    })
  action
    .command('targets')
    .description('which servers are meant by --tag, --without-tag and --name-begins now; changes nothing')
    .option('--tag <tag...>', 'has all of these tags')
    .option('--without-tag <tag...>', 'and none of these')
    .option('--name-begins <text>', 'and a name that begins with this')
    .action(async (options: WorkOptions, command: Command) => {
      const ask = await connectApi(command)
      const select = selectorIn(options)
      const found = FoundTargets.parse(await ask('POST', '/actions/targets', { select: select ?? {} }))
      const rows = found.servers.map(({ id, name, status }) => [name, status, id])
      printTable(command, found, ['NAME', 'STATUS', 'ID'], rows)
      printNotes(command, [`${found.total} server(s)`])
    })
  withCredential(withWhen(withWork(action.command('change <id>'))))
    .description('what it does, or when, before it is due; what is left out stays')
    .option('--late <duration>', 'how late it may still be begun', spanSeconds)
    .action(async (id: string, what: string[], options: CreateOptions, command: Command) => {
      const ask = await connectApi(command)
      const saysWork = what.length > 0 || options.steps !== undefined
      const change = {
        ...when(options),
        ...(options.late !== undefined && { maxLatenessSeconds: options.late }),
        ...(saysWork && (await workIn(what, options))),
        ...(await credentialIn(options)),
      }
      show(command, await ask('PATCH', pathOf(id), change))
    })
  withCredential(withWhen(action.command('clone <id>')))
    .description('the same once more, at another time')
    .action(async (id: string, options: WhenOptions & CredentialOptions, command: Command) => {
      const ask = await connectApi(command)
      const wish = { ...when(options), ...(await credentialIn(options)) }
      show(command, await ask('POST', `${pathOf(id)}/clone`, wish))
    })
  withCredential(action.command('replay <id>'))
    .description('the same once more, now, with your rights of today')
    .action(async (id: string, options: CredentialOptions, command: Command) => {
      const ask = await connectApi(command)
      const wish = { runIn: 'PT0S', ...(await credentialIn(options)) }
      show(command, await ask('POST', `${pathOf(id)}/clone`, wish))
    })
  const told = (name: string, description: string, method: 'GET' | 'POST' | 'DELETE', path = '') =>
    action
      .command(`${name} <id>`)
      .description(description)
      .action(async (id: string, _options: object, command: Command) => {
        const ask = await connectApi(command)
        show(command, await ask(method, `${pathOf(id)}${path}`))
      })
  told('show', 'with its outcome', 'GET')
  told('pause', 'it waits for resume, and is skipped when nobody says that in time', 'POST', '/pause')
  told('resume', 'let it go on', 'POST', '/resume')
  told('run-now', 'now instead of at its time', 'POST', '/run-now')
  told('cancel', 'before its due time; its trust is deleted', 'DELETE')
}

const pathOf = (id: string) => `/actions/${encodeURIComponent(id)}`

const withWhen = (command: Command): Command =>
  command
    .option('--at <time>', 'due time, RFC 3339')
    .option('--in <duration>', 'or: ISO 8601 duration from now; PT0S is now')
    .option('--not-after <time>', 'skipped when it could not be begun by then, RFC 3339')
    .option('--name <name>', 'for people')

const when = ({ at, in: runIn, notAfter, name }: WhenOptions) => ({
  ...(name && { name }),
  ...(at && { runAt: at }),
  ...(runIn && { runIn }),
  ...(notAfter && { notAfter }),
})

function show(command: Command, answer: unknown): void {
  const view = ActionView.parse(answer)
  const { result, reason, warning, progress = [], group } = view
  printFields(command, view, [
    ['id', view.id],
    ['name', view.name],
    ['state', view.state],
    ['what', titleOf(view)],
    ['due', view.runAt],
    ['not after', view.notAfter],
    ['delegated', view.roles.join(', ')],
    ...delegatedFields(view.delegatedBy),
    ['in its way', warning && `${warning.code}: ${warning.detail}`],
    ['started', view.startedAt && `${view.startedAt} (${view.latenessMs} ms late)`],
    ['targets', group && `${group.done} of ${group.total} done, ${group.failed} failed, ${group.unknown} unknown`],
    ...(group?.shown ?? [])
      .filter(({ outcome }) => outcome !== 'done')
      .map(({ id, outcome, detail }): [string, string] => ['target', `${id} ${outcome}${detail ? `: ${detail}` : ''}`]),
    ...progress.map(({ id, title, state, detail }): [string, string] => [
      'step',
      `${id}: ${title} ${state}${detail ? `, ${detail}` : ''}`,
    ]),
    ['result', result && `HTTP ${result.status}${result.note ? `, ${result.note}` : ''}`],
    ['request id', result?.requestId],
    ['reason', reason && `${reason.code}: ${reason.detail}`],
    ['trust', view.trustDeleted === undefined ? undefined : view.trustDeleted ? 'deleted' : 'left to expire'],
  ])
}
