import { startBareWorker } from '../bare/worker.ts'
import { startBenchEngine } from '../engine.ts'
import type { Figure } from '../figures.ts'
import { alerts } from './alerts.ts'
import { asked } from './asked.ts'
import { groups } from './groups.ts'
import { spread, together } from './together.ts'

/** Deferred actions: due together, in groups, and asked for, over the stub cloud; each part on an engine of its own. */
export async function actions(wanted: (part: string) => boolean, counts?: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [name, measure] of Object.entries({ together, spread, groups, alerts, asked })) {
    if (!wanted(name)) continue
    const engine = await startBenchEngine({ budgets: { project: { atOnce: 1000, perHour: 100_000 } } })
    const bare = await startBareWorker(engine)
    try {
      figures.push(...(await measure(engine, counts)))
    } finally {
      await bare.stop()
      await engine.stop()
    }
  }
  return figures
}
