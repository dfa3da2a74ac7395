import { defaultPayloadConverter, type Payload } from '@temporalio/common'
import { Worker } from '@temporalio/worker'
import { messageOf } from '../core/errors.ts'
import type { RunOrder } from '../core/runbook.ts'
import { isEncrypted, openPayload } from './codec.ts'
import { failureConverterPath } from './data-converter.ts'
import type { ExportedHistory, History } from './history-files.ts'
import type { Keys } from './keys.ts'
import { type Difference, differenceIn } from './replay-words.ts'
import { createWitness } from './witness.ts'

/** What became of one history on a new bundle. */
export type Replayed = {
  /** The file it was in. */
  readonly from: string
  readonly workflowId: string
  readonly runId: string
  /** The runbook of a run; of all else the type of the workflow. */
  readonly runbook: string
} & (
  | { readonly how: 'same' }
  | ({ readonly how: 'different' } & Difference)
  | { readonly how: 'unreadable'; readonly reason: string }
)

interface Readable extends Pick<Replayed, 'from' | 'workflowId' | 'runId' | 'runbook'> {
  readonly history: History
  /** It carries no document along, so that its runbook must be in the bundle. */
  readonly needsRunbook: boolean
}

const noKeys: Pick<Keys, 'byId'> = { byId: new Map() }
const nobody = { workflowId: '-', runId: '-', runbook: '-' }

export interface ReplayGiven {
  /** Of the installation that wrote the histories; what is not encrypted needs none. */
  readonly keys?: Pick<Keys, 'byId'> | undefined
  /** Names of those in the bundle. */
  readonly runbooks?: ReadonlySet<string>
}

/**
 * Replays histories against a bundle made with `isWitnessed`: does the code in it ask for the same things, in the same
 * order, as the code that wrote them? Nothing is done to the world. One after the other; what cannot be read is told as
 * well, and keeps nothing else from being replayed.
 */
export async function* replayHistories(
  bundle: string,
  exported: AsyncIterable<ExportedHistory> | Iterable<ExportedHistory>,
  { keys = noKeys, runbooks }: ReplayGiven = {},
): AsyncGenerator<Replayed, void> {
  const aside: Replayed[] = []
  const witness = createWitness()
  let current: Readable | undefined

  async function* readable() {
    for await (const one of exported) {
      const found = await readOf(one)
      if ('how' in found) {
        aside.push(found)
        continue
      }
      current = found
      witness.forget()
      yield { workflowId: found.workflowId, history: found.history }
    }
  }

  async function readOf(one: ExportedHistory): Promise<Readable | Replayed> {
    const { from } = one
    if ('problem' in one) return { from, ...nobody, how: 'unreadable', reason: one.problem }
    try {
      const history = opened(one.history, keys) as History
      return { from, history, ...whose(history) }
    } catch (error) {
      const { workflowId, runId, runbook } = whose(one.history)
      return { from, workflowId, runId, runbook, how: 'unreadable', reason: messageOf(error) }
    }
  }

  const options = {
    workflowBundle: { codePath: bundle },
    // what was encrypted is opened already
    dataConverter: { failureConverterPath },
    sinks: witness.sinks,
  }
  for await (const { error } of Worker.runReplayHistories(options, readable())) {
    yield* aside.splice(0)
    if (!current) continue
    const { history, needsRunbook, ...rest } = current
    if (needsRunbook && runbooks && !runbooks.has(rest.runbook)) {
      yield { ...rest, how: 'different', was: `runbook ${rest.runbook}`, is: 'no runbook that there is' }
      continue
    }
    const difference = error
      ? differenceIn(history, error.message, witness.firstForeign(history))
      : witness.differenceFrom(history)
    yield difference ? { ...rest, how: 'different', ...difference } : { ...rest, how: 'same' }
  }
  yield* aside.splice(0)
}

/** Opens whatever is encrypted in a history, however deep. @throws CONFIG_INVALID a key is missing */
function opened(value: unknown, keys: Pick<Keys, 'byId'>): unknown {
  if (Array.isArray(value)) return value.map((one) => opened(one, keys))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if ('metadata' in value && 'data' in value && isEncrypted(value as Payload))
    return openPayload(value as Payload, keys.byId)
  // a Long is not a message
  if ('low' in value && 'high' in value) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, opened(one, keys)]))
}

/** Whose history it is, as far as that can be read. */
function whose({ events }: History): Omit<Readable, 'from' | 'history'> {
  const started = events?.[0]?.workflowExecutionStartedEventAttributes
  const type = started?.workflowType?.name ?? '-'
  const [given] = started?.input?.payloads ?? []
  const isReadable = type === 'run' && given && !isEncrypted(given)
  const order = isReadable ? defaultPayloadConverter.fromPayload<RunOrder>(given) : undefined
  return {
    workflowId: started?.workflowId || '-',
    runId: started?.originalExecutionRunId || '-',
    runbook: order?.runbook ?? type,
    needsRunbook: order !== undefined && order.document === undefined,
  }
}
