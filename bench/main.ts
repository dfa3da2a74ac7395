import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { apiRates } from './api-rates.ts'
import { coldStart } from './cold-start.ts'
import { startBenchEngine } from './engine.ts'
import { type Figure, printFigures } from './figures.ts'
import { incidents } from './incidents/main.ts'
import { latency } from './latency.ts'

const results = new URL('results/', import.meta.url)

/**
 * `npm run bench`: everything on loopback, against a stub cloud that answers at once; ratios within one run.
 * `npm run bench incidents` needs a real cloud as well, takes half an hour, and has a file of its own.
 */
const only = process.argv.slice(2)
const isOfIncidents = only.includes('incidents')
const figures = isOfIncidents ? await incidents(partsIn(only.filter((name) => name !== 'incidents'))) : await basics()

printFigures(figures)
await mkdir(results, { recursive: true })
const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model, load: loadavg() }
const file = isOfIncidents ? 'incidents.json' : 'latest.json'
const run = { at: new Date().toISOString(), machine, figures }
const kept = isOfIncidents ? { runs: [...(await otherRuns()), run] } : run
await writeFile(new URL(file, results), `${JSON.stringify(kept, null, 2)}\n`)
process.stdout.write(`raw data: bench/results/${file}\n`)
process.exit(0)

function partsIn(named: readonly string[]) {
  return (name: string) => named.length === 0 || named.includes(name)
}

/** Parts of the incidents are measured one by one; a later run of a part takes the place of an earlier one. */
async function otherRuns(): Promise<(typeof run)[]> {
  const text = await readFile(new URL('incidents.json', results), 'utf8').catch(() => '{"runs":[]}')
  const { runs = [] } = JSON.parse(text) as { runs?: (typeof run)[] }
  const measured = new Set(figures.map(({ name }) => name))
  return runs.filter((other) => !other.figures.some(({ name }) => measured.has(name)))
}

async function basics(): Promise<Figure[]> {
  const wanted = partsIn(only)
  const found: Figure[] = []
  const engine = await startBenchEngine()
  try {
    if (wanted('latency')) found.push(...(await latency(engine)))
    if (wanted('api')) found.push(...(await apiRates(engine)))
  } finally {
    await engine.stop()
  }
  if (wanted('cold-start')) found.push(...(await coldStart()))
  return found
}
