import { fileURLToPath } from 'node:url'
import { workflowBundle } from '../../temporal/bundle.ts'
import { type ExportedHistory, historiesIn } from '../../temporal/history-files.ts'
import { replayHistories } from '../../temporal/replay.ts'
import { type Figure, quantile } from '../figures.ts'

const corpus = fileURLToPath(new URL('../../test/workflows/corpus/histories', import.meta.url))
const histories = 1_000
const rounds = 3

/** How long the check of a change takes: 1,000 histories, which are those of the corpus over and over, without bundling. */
export async function replayFigures(): Promise<Figure[]> {
  const bundle = await workflowBundle([], { isWitnessed: true })
  const kept: ExportedHistory[] = []
  for await (const one of historiesIn([corpus])) kept.push(one)
  const events = many(kept).reduce((sum, one) => sum + ('history' in one ? (one.history.events?.length ?? 0) : 0), 0)

  const seconds: number[] = []
  for (let round = 0; round < rounds; round++) {
    const beganMs = performance.now()
    let same = 0
    for await (const { how } of replayHistories(bundle, many(kept))) if (how === 'same') same++
    if (same !== histories) throw new Error(`${histories - same} histories were not replayed to their end`)
    seconds.push((performance.now() - beganMs) / 1000)
  }
  return [
    {
      name: `replay check of 1,000 histories (${events} events)`,
      unit: 's',
      ours: { p50: quantile(seconds, 0.5), max: Math.max(...seconds) },
      raw: { ours: seconds },
    },
  ]
}

const many = (kept: readonly ExportedHistory[]): ExportedHistory[] =>
  Array.from({ length: histories }, (_, at) => kept[at % kept.length] as ExportedHistory)
