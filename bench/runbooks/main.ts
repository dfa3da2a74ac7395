import type { Figure } from '../figures.ts'
import { crash } from './crash.ts'
import { library } from './library.ts'
import { overhead } from './overhead.ts'
import { type BenchCloud, setBenchCloud } from './real-cloud.ts'
import { replayFigures } from './replay.ts'

/**
 * Runs of runbooks: what they cost beside the bare engine (`overhead`), what replaying their histories does (`replay`), and on a real cloud how long those that come with
 * Steward take (`library`), and what becomes of the five most used when their worker is killed (`crash`).
 */
export async function runbooks(wanted: (part: string) => boolean, counts?: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = []
  if (wanted('overhead')) figures.push(...(await overhead(counts)))
  if (wanted('replay')) figures.push(...(await replayFigures()))
  const onCloud: Record<string, (cloud: BenchCloud) => Promise<Figure[]>> = { library, crash }
  const parts = Object.entries(onCloud).filter(([part]) => wanted(part))
  if (parts.length === 0) return figures
  const cloud = await setBenchCloud()
  try {
    for (const [, measure] of parts) figures.push(...(await measure(cloud)))
    return figures
  } finally {
    await cloud.strike()
  }
}
