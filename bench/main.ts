import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { apiRates } from './api-rates.ts'
import { coldStart } from './cold-start.ts'
import { startBenchEngine } from './engine.ts'
import { type Figure, printFigures } from './figures.ts'
import { latency } from './latency.ts'

const results = new URL('results/', import.meta.url)

/** `npm run bench`: everything on loopback, against a stub cloud that answers at once; ratios within one run. */
const only = process.argv.slice(2)
const wanted = (name: string) => only.length === 0 || only.includes(name)
const figures: Figure[] = []
const engine = await startBenchEngine()
try {
  if (wanted('latency')) figures.push(...(await latency(engine)))
  if (wanted('api')) figures.push(...(await apiRates(engine)))
} finally {
  await engine.stop()
}
if (wanted('cold-start')) figures.push(...(await coldStart()))

printFigures(figures)
await mkdir(results, { recursive: true })
const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model, load: loadavg() }
await writeFile(
  new URL('latest.json', results),
  `${JSON.stringify({ at: new Date().toISOString(), machine, figures }, null, 2)}\n`,
)
process.stdout.write('raw data: bench/results/latest.json\n')
process.exit(0)
