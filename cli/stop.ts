import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { StopView } from '../api/routes/stop.ts'
import { readConfig } from '../boot/config-file.ts'
import { removeStopFile, stopFileOf, writeStopFile } from '../boot/stop-file.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import { connectApi } from './api-client.ts'
import { printFields } from './print.ts'

interface StopOptions {
  why: string
  file?: boolean
  config?: string
}

const fileOption = ['--file', 'by a file on this machine, for its worker and API; works when the API does not'] as const
const configOption = ['-c, --config <file>', 'steward.yaml of this machine, for --file'] as const

/** stop, stop show, resume: nothing new is begun, by nobody, until a person resumes. */
export function addStopCommands(program: Command): void {
  const stop = program
    .command('stop')
    .description('press the stop button: nothing new is begun, anywhere; what has begun goes on')
    .option('--why <text>', 'for those who come after you', 'no reason given')
    .option(...fileOption)
    .option(...configOption)
    .action(async ({ why, file, config }: StopOptions, command: Command) => {
      if (file) {
        const { dataDir } = await readConfig(config)
        const state = await writeStopFile(dataDir, { by: userInfo().username, why })
        show(command, { stopped: true, state }, stopFileOf(dataDir))
        return
      }
      show(command, StopView.parse(await withHint(async () => (await connectApi(command))('POST', '/stop', { why }))))
    })
  stop
    .command('show')
    .description('is it pressed, by whom and why?')
    .action(async (_options: object, command: Command) => {
      const ask = await connectApi(command)
      show(command, StopView.parse(await ask('GET', '/stop')))
    })
  program
    .command('resume')
    .description('release the stop button')
    .requiredOption('--why <text>', '(required)')
    .option(...fileOption)
    .option(...configOption)
    .action(async ({ why, file, config }: StopOptions, command: Command) => {
      if (file) {
        const { dataDir } = await readConfig(config)
        const state = await removeStopFile(dataDir)
        show(command, { stopped: false, ...(state && { state }) }, stopFileOf(dataDir))
        return
      }
      const ask = await connectApi(command)
      show(command, StopView.parse(await ask('POST', '/resume', { why })))
    })
}

const unreachable: unknown[] = [undefined, 'KEYSTONE_UNREACHABLE', 'ENGINE_UNREACHABLE']

/** Whoever cannot reach the API must not have to look for the other way. */
async function withHint(press: () => Promise<unknown>): Promise<unknown> {
  try {
    return await press()
  } catch (error) {
    const code = codeOf(error)
    if (!unreachable.includes(code)) throw error
    const said = `NOT stopped: ${messageOf(error)}; on every machine with a worker: steward stop --file`
    throw code ? failure(code, said) : new Error(said)
  }
}

/** Of a file its path is told: in another folder it would stop nothing. */
function show(command: Command, view: StopView, file?: string): void {
  const { stopped, state } = view
  const says = stopped ? 'STOPPED: nothing new is begun' : state ? 'released' : 'not stopped'
  printFields(command, view, [
    ['stop', says],
    [stopped ? 'by' : 'was by', state?.by],
    ['at', state?.at],
    ['why', state?.why],
    ['pressed', state && (state.source === 'file' ? 'by a file on a machine' : 'by the API, for all workers')],
    ['file', file],
  ])
}
