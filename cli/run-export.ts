import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { codeOf, failure } from '../core/errors.ts'
import { Run } from '../core/runbook.ts'
import { type Ask, connectApi } from './api-client.ts'
import { plain, printTable } from './print.ts'
import { moment } from './since.ts'

const Runs = z.object({ runs: z.array(Run), nextPage: z.string().optional() })
const Events = z.object({ events: z.array(z.unknown()), nextPage: z.string().optional() })

interface ExportOptions {
  runbook?: string
  state?: string
  all?: boolean
  since?: string
  folder: string
}

/** Runs of one page of the list, and events of one page of a history: an answer stays within some MB. */
const runsAtOnce = 200
const eventsAtOnce = 500

/** run export: histories in Temporal's own JSON, for `runbook check --replay`. */
export function addRunExport(run: Command): void {
  run
    .command('export [ids...]')
    .description('write histories of runs to files, for `runbook check --replay`; what is encrypted stays so')
    .option('--runbook <name>', 'those of one runbook')
    .option('--state <state>', 'those in one state, such as running')
    .option('--all', 'all that are still kept')
    .option('--since <time>', 'only those that began since then, such as 30d or a time (RFC 3339)', moment)
    .option('--folder <path>', 'where to', 'histories')
    .action(async (ids: string[], options: ExportOptions, command: Command) => {
      const { runbook, state, all, folder } = options
      const isFiltered = runbook !== undefined || state !== undefined || all === true
      if (isFiltered === ids.length > 0)
        throw failure('INPUT_INVALID', 'say which runs: their ids, or --runbook, --state or --all')
      const ask = await connectApi(command)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const rows: { run: string; runbook: string; state: string; events: number; file: string }[] = []
      for await (const one of isFiltered ? listed(ask, options) : named(ask, ids)) {
        const events = await historyOf(ask, one.id).catch((error: unknown) => {
          if (!isFiltered || codeOf(error) !== 'RUN_NOT_FOUND') throw error
          process.stderr.write(`${plain(one.id)} is no longer kept, and is left out\n`)
          return undefined
        })
        if (!events) continue
        const file = join(folder, `${one.runbook}-${one.id}.json`)
        await writeFile(file, `${JSON.stringify({ events })}\n`, { mode: 0o600 })
        rows.push({ run: one.id, runbook: one.runbook, state: one.state, events: events.length, file })
      }
      const cells = rows.map(({ run: id, runbook: name, state: in_, events, file }) => [
        id,
        name,
        in_,
        `${events}`,
        file,
      ])
      printTable(command, rows, ['RUN', 'RUNBOOK', 'STATE', 'EVENTS', 'FILE'], cells)
    })
}

async function* named(ask: Ask, ids: readonly string[]): AsyncGenerator<Run> {
  for (const id of ids) yield Run.parse(await ask('GET', `/runs/${encodeURIComponent(id)}`))
}

async function* listed(ask: Ask, { runbook, state, since = '' }: ExportOptions): AsyncGenerator<Run> {
  const query = new URLSearchParams({ limit: `${runsAtOnce}`, ...(runbook && { runbook }), ...(state && { state }) })
  for await (const { runs } of pagesOf(ask, '/runs', query, Runs))
    yield* runs.filter(({ startedAt }) => startedAt >= since)
}

async function historyOf(ask: Ask, id: string): Promise<unknown[]> {
  const query = new URLSearchParams({ limit: `${eventsAtOnce}` })
  const all: unknown[] = []
  for await (const { events } of pagesOf(ask, `/runs/${encodeURIComponent(id)}/history`, query, Events))
    all.push(...events)
  return all
}

async function* pagesOf<T extends { nextPage?: string | undefined }>(
  ask: Ask,
  path: string,
  query: URLSearchParams,
  shape: z.ZodType<T>,
): AsyncGenerator<T> {
  for (let page: T | undefined; page === undefined || page.nextPage !== undefined; ) {
    if (page?.nextPage !== undefined) query.set('page', page.nextPage)
    page = shape.parse(await ask('GET', `${path}?${query}`))
    yield page
  }
}
