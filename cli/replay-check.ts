import { access } from 'node:fs/promises'
import { DefaultLogger, Runtime } from '@temporalio/worker'
import type { Command } from 'commander'
import { readConfig } from '../boot/config-file.ts'
import { failure } from '../core/errors.ts'
import { historiesIn } from '../temporal/history-files.ts'
import { type Keys, loadKeys } from '../temporal/keys.ts'
import { type Replayed, replayHistories } from '../temporal/replay.ts'
import { wordsOf } from '../temporal/replay-words.ts'
import { plain, printTable } from './print.ts'

export interface ReplayOptions {
  config?: string
  keys?: string
}

/** What is replayed against: path of the bundle, and which runbooks are in it. */
export interface Bundled {
  readonly bundle: string
  readonly runbooks: ReadonlySet<string>
}

/**
 * runbook check --replay: replays histories against a bundle, and fails unless all of them could go on with it.
 *
 * @throws INPUT_INVALID there is nothing to replay, or a path or key file is not there
 */
export async function checkByReplay(
  command: Command,
  { bundle, runbooks }: Bundled,
  paths: readonly string[],
  options: ReplayOptions,
): Promise<void> {
  beQuiet()
  const given = { keys: await keysOf(options), runbooks }
  const all: Replayed[] = []
  for await (const one of replayHistories(bundle, historiesIn(paths), given)) all.push(one)
  if (all.length === 0) throw failure('INPUT_INVALID', `--replay: there is no history in ${paths.join(', ')}`)

  const wrong = all.filter(({ how }) => how !== 'same')
  const counts = countsOf(all)
  const rows = counts.map(({ runbook, histories, same, different, unreadable }) => [
    runbook,
    ...[histories, same, different, unreadable].map(String),
  ])
  const head = ['RUNBOOK', 'HISTORIES', 'SAME', 'DIFFERENT', 'UNREADABLE']
  printTable(command, { runbooks: counts, wrong }, head, rows)
  for (const one of wrong) process.stderr.write(`${plain(sentenceOf(one))}\n`)
  if (!given.keys && wrong.some(({ how }) => how === 'unreadable'))
    process.stderr.write('no key file was found: --keys FILE names it, or --config the steward.yaml of the worker\n')
  if (wrong.length > 0) process.exitCode = 1
}

/** One sentence: which run, where, and what has changed. */
function sentenceOf(one: Replayed): string {
  const of = `${one.runbook} ${one.workflowId} (run ${one.runId}, ${one.from})`
  // of what is no history at all there is only the file
  if (one.how === 'unreadable') return `${one.runId === '-' ? one.from : of}: ${one.reason}`
  if (one.how === 'same') return of
  return `${of}: ${wordsOf(one)}`
}

function countsOf(all: readonly Replayed[]) {
  const names = [...new Set(all.map(({ runbook }) => runbook))].sort((a, b) => a.localeCompare(b))
  return names.map((runbook) => {
    const its = all.filter((one) => one.runbook === runbook)
    const count = (how: Replayed['how']) => its.filter((one) => one.how === how).length
    return {
      ...{ runbook, histories: its.length },
      ...{ same: count('same'), different: count('different'), unreadable: count('unreadable') },
    }
  })
}

/** As the worker gets them, except that none are made. */
async function keysOf({ keys, config }: ReplayOptions): Promise<Keys | undefined> {
  const file = keys ?? (await readConfig(config)).keys.file
  if (file !== undefined && (await isThere(file))) return loadKeys(file)
  if (keys !== undefined) throw failure('INPUT_INVALID', `--keys: there is no ${keys}`)
  return undefined
}

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  )

/** What the SDK says of a replay that fails is told by us. */
function beQuiet(): void {
  const logger = new DefaultLogger('ERROR', () => undefined)
  try {
    Runtime.install({ logger, telemetryOptions: { logging: { filter: 'OFF', forward: {} } } })
  } catch {
    // there is one already: a worker runs in this process, and says where its log goes
  }
}
