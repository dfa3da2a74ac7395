import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { actions } from './actions/main.ts'
import { apiRates } from './api-rates.ts'
import { coldStart } from './cold-start.ts'
import { startBenchEngine } from './engine.ts'
import { type Figure, printFigures } from './figures.ts'
import { incidents } from './incidents/main.ts'
import { latency } from './latency.ts'
import { runbooks } from './runbooks/main.ts'

const results = new URL('results/', import.meta.url)

/**
 * `npm run bench`: everything on loopback, against a stub cloud that answers at once; ratios within one run.
 * `npm run bench incidents` needs a real cloud as well and takes half an hour, `npm run bench actions` ten minutes, `npm run
 * bench runbooks` an hour, most of it on a real cloud; each has a file of its own.
 */
const { positionals: only, values } = parseArgs({ allowPositionals: true, options: { count: { type: 'string' } } })
const [subject = ''] = only
/** How many things, where a part has a choice of its own. */
const counts = values.count?.split(',').map(Number)
const subjects = { incidents, actions, runbooks }
const measure = Object.hasOwn(subjects, subject) ? subjects[subject as keyof typeof subjects] : undefined
const figures = measure ? await measure(partsIn(only.slice(1)), counts) : await basics()

printFigures(figures)
await mkdir(results, { recursive: true })
const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model, load: loadavg() }
const file = measure ? `${subject}.json` : 'latest.json'
const run = { at: new Date().toISOString(), machine, figures }
const kept = measure ? { runs: [...(await otherRuns()), run] } : run
await writeFile(new URL(file, results), `${JSON.stringify(kept, null, 2)}\n`)
process.stdout.write(`raw data: bench/results/${file}\n`)
process.exit(0)

function partsIn(named: readonly string[]) {
  return (name: string) => named.length === 0 || named.includes(name)
}

/** Parts are measured one by one; a figure of a later run takes the place of that of an earlier one. */
async function otherRuns(): Promise<(typeof run)[]> {
  const text = await readFile(new URL(file, results), 'utf8').catch(() => '{"runs":[]}')
  const { runs = [] } = JSON.parse(text) as { runs?: (typeof run)[] }
  const measured = new Set(figures.map(({ name }) => name))
  return runs
    .map((other) => ({ ...other, figures: other.figures.filter(({ name }) => !measured.has(name)) }))
    .filter((other) => other.figures.length > 0)
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
