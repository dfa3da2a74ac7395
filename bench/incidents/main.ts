import { startBenchEngine } from '../engine.ts'
import type { Figure } from '../figures.ts'
import { startBareWorker } from './bare-worker.ts'
import { decisions } from './decisions.ts'
import { realCloud } from './real-cloud.ts'
import { stopButton } from './stop-button.ts'
import { storms } from './storm.ts'

/** Incidents, the governor and the stop button: first over the stub cloud, then on a real one. */
export async function incidents(wanted: (part: string) => boolean): Promise<Figure[]> {
  const figures: Figure[] = []
  const engine = await startBenchEngine()
  const bare = await startBareWorker(engine)
  try {
    if (wanted('storm')) figures.push(...(await storms(engine)))
    if (wanted('decisions')) figures.push(...(await decisions(engine)))
    if (wanted('stop-button')) figures.push(...(await stopButton(engine)))
  } finally {
    await bare.stop()
    await engine.stop()
  }
  if (wanted('real-cloud')) figures.push(...(await realCloud()))
  return figures
}
