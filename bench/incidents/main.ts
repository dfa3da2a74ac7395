import { startBareWorker } from '../bare/worker.ts'
import { type BenchEngine, startBenchEngine } from '../engine.ts'
import type { Figure } from '../figures.ts'
import { decisions } from './decisions.ts'
import { realCloud } from './real-cloud.ts'
import { stopButton } from './stop-button.ts'
import { storms } from './storm.ts'

/** Incidents, the governor and the stop button: first over the stub cloud, then on a real one. */
export async function incidents(wanted: (part: string) => boolean): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [name, measure] of Object.entries({ storm: storms, decisions, 'stop-button': stopButton }))
    if (wanted(name)) figures.push(...(await onItsOwn(measure)))
  if (wanted('real-cloud')) figures.push(...(await realCloud()))
  return figures
}

/** An engine for one part: what a storm leaves to do would be in the way of what is measured after it. */
async function onItsOwn(measure: (engine: BenchEngine) => Promise<Figure[]>): Promise<Figure[]> {
  const engine = await startBenchEngine()
  const bare = await startBareWorker(engine)
  try {
    return await measure(engine)
  } finally {
    await bare.stop()
    await engine.stop()
  }
}
