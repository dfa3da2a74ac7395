import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import type proto from '@temporalio/proto'
import { failure, messageOf } from '../core/errors.ts'

export type History = proto.temporal.api.history.v1.IHistory

/** A history as it was exported, or why it is none. */
export type ExportedHistory = { readonly from: string } & ({ readonly history: History } | { readonly problem: string })

/** Of one file, unpacked: Temporal itself ends a history at 50 MB. */
const mostBytes = 256 << 20

/**
 * Reads exported histories: files of `steward run export`, of `temporal workflow show -o json` and of the Temporal UI,
 * packed by gzip or not, one history or a list of them in each; of a folder all `.json` and `.json.gz` files in it. What
 * cannot be read says why, and keeps nothing else from being read.
 *
 * @throws INPUT_INVALID a path is not there
 */
export async function* historiesIn(paths: readonly string[]): AsyncGenerator<ExportedHistory, void> {
  for (const path of paths) {
    for (const file of await filesAt(path)) {
      try {
        const all = historiesOf(JSON.parse(await textOf(file)))
        for (const [at, exported] of all.entries())
          yield { from: all.length === 1 ? file : `${file}, history ${at + 1}`, history: historyFromJSON(exported) }
      } catch (error) {
        yield { from: file, problem: `no history of Temporal: ${messageOf(error)}` }
      }
    }
  }
}

async function filesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw failure('INPUT_INVALID', `${path} cannot be read: ${error.code}`)
  })
  if (!found.isDirectory()) return [path]
  const names = await readdir(path, { recursive: true })
  return names
    .filter((name) => /\.json(\.gz)?$/.test(name))
    .sort()
    .map((name) => join(path, name))
}

async function textOf(file: string): Promise<string> {
  const content = await readFile(file)
  return (file.endsWith('.gz') ? gunzipSync(content, { maxOutputLength: mostBytes }) : content).toString()
}

/** Older tools write the events alone, without anything around them. */
function historiesOf(content: unknown): object[] {
  if (Array.isArray(content) && content.length > 0 && content.every(hasEvents)) return content
  if (Array.isArray(content) && content.length > 0 && content.every(isEvent)) return [{ events: content }]
  if (hasEvents(content)) return [content]
  throw new Error('it has no `events`')
}

const hasEvents = (value: unknown): value is { events: unknown[] } =>
  typeof value === 'object' &&
  value !== null &&
  'events' in value &&
  Array.isArray(value.events) &&
  value.events.length > 0 &&
  value.events.every(isEvent)

const isEvent = (value: unknown): boolean => typeof value === 'object' && value !== null && 'eventId' in value
