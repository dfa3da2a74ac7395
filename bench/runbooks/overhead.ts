import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Worker } from '@temporalio/worker'
import { holdToDeclared } from '../../activities/declared.ts'
import { createActivities } from '../../activities/index.ts'
import { bundleWithOwn } from '../../boot/own-runbooks.ts'
import { buildIdOf } from '../../temporal/bundle.ts'
import { connectWorker } from '../../temporal/connection.ts'
import { createDataConverter } from '../../temporal/data-converter.ts'
import { createRuns } from '../../temporal/runs.ts'
import { bareQueue, startBareWorker } from '../bare/worker.ts'
import { steps } from '../bare/workflows.ts'
import { type BenchEngine, startBenchEngine } from '../engine.ts'
import { type Figure, p50p99, ratioOf } from '../figures.ts'
import { inLanes } from '../incidents/in-lanes.ts'

const queue = 'bench-runbooks'
const few = 1
const many = 11
const manyRuns = 60
const lanes = 16

interface Kind {
  readonly what: string
  readonly activity: 'callHttp' | 'readCloud'
  ours(engine: BenchEngine, count: number): Promise<unknown>
}

const kinds: readonly Kind[] = [
  {
    what: 'looks only, no lease',
    activity: 'readCloud',
    ours: (engine, count) => oneRun(engine, 'bench-looks', { steps: count }),
  },
  {
    what: 'side effects, under a lease',
    activity: 'callHttp',
    ours: (engine, count) => oneRun(engine, 'bench-steps', { steps: count, of: `${randomUUID()}.example.com` }),
  },
]

/**
 * What a run of a runbook costs beside a bare workflow that has the same activities, which do nothing, on the same engine:
 * one at a time in turn with the other, then many at once.
 */
export async function overhead([runs = 30]: readonly number[] = []): Promise<Figure[]> {
  const open = { atOnce: 1000, perHour: 100_000 }
  const engine = await startBenchEngine({ mode: 'auto', coolDownSeconds: 0, budgets: { overall: open } })
  const bare = await startBareWorker(engine)
  const worker = await startRunWorker(engine)
  try {
    const figures: Figure[] = []
    for (const kind of kinds) figures.push(...(await oneAtATime(engine, kind, runs)), await manyAtOnce(engine, kind))
    return figures
  } finally {
    await worker.stop()
    await bare.stop()
    await engine.stop()
  }
}

async function oneAtATime(engine: BenchEngine, { what, activity, ours }: Kind, runs: number): Promise<Figure[]> {
  const samples = { ours: new Map<number, number[]>(), bare: new Map<number, number[]>() }
  // the first ones warm up
  for (let round = -3; round < runs; round++)
    for (const count of [few, many]) {
      const [mine, bare] = [await timed(() => ours(engine, count)), await timed(() => oneBare(engine, activity, count))]
      if (round < 0) continue
      samples.ours.set(count, [...(samples.ours.get(count) ?? []), mine])
      samples.bare.set(count, [...(samples.bare.get(count) ?? []), bare])
    }
  const perStep = (of: ReadonlyMap<number, number[]>) =>
    (of.get(many) ?? []).map((ms, at) => (ms - (of.get(few)?.[at] ?? Number.NaN)) / (many - few))
  const rows = [few, many].map((count): [string, number[], number[]] => [
    `run of ${count} step(s), ${what}`,
    samples.ours.get(count) ?? [],
    samples.bare.get(count) ?? [],
  ])
  return [...rows, [`each further step, ${what}`, perStep(samples.ours), perStep(samples.bare)] as const].map(
    ([name, mine, bare]) => figureOf(name, mine, bare),
  )
}

function figureOf(name: string, mine: number[], bare: number[]): Figure {
  return {
    ...{ name, unit: 'ms', ours: p50p99(mine) },
    beside: { name: 'bare workflow, same activities', figures: p50p99(bare) },
    ratio: ratioOf(p50p99(mine), p50p99(bare)),
    raw: { ours: mine, beside: bare },
  }
}

/** How many a second come to their end. */
async function manyAtOnce(engine: BenchEngine, { what, activity, ours }: Kind): Promise<Figure> {
  const count = 5
  const mine = await inLanes(manyRuns, lanes, () => ours(engine, count))
  const bare = await inLanes(manyRuns, lanes, () => oneBare(engine, activity, count))
  const rateOf = ({ totalMs }: { totalMs: number }) => ({ rate: (manyRuns * 1000) / totalMs })
  return {
    ...{ name: `${manyRuns} runs of ${count} steps, ${lanes} at a time, ${what}`, unit: 'runs/s', ours: rateOf(mine) },
    beside: { name: 'bare workflows, same activities', figures: rateOf(bare) },
    ratio: ratioOf(rateOf(mine), rateOf(bare)),
    raw: { ours: mine.each, beside: bare.each },
  }
}

async function timed(once: () => Promise<unknown>): Promise<number> {
  const begunMs = performance.now()
  await once()
  return performance.now() - begunMs
}

async function oneRun({ foundation: { client } }: BenchEngine, runbook: string, input: object): Promise<void> {
  const id = randomUUID()
  const said = { by: 'bench', why: 'a benchmark' }
  const order = { runbook, input, dryRun: false, ...said }
  await createRuns(client, queue).start(id, order, { requester: 'person', waitSeconds: 60, ...said })
  await client.workflow.getHandle(`run/by-hand/${id}`).result()
}

const oneBare = ({ foundation: { client } }: BenchEngine, activity: Kind['activity'], count: number) =>
  client.workflow.execute(steps, {
    workflowId: `bare-steps-${randomUUID()}`,
    taskQueue: bareQueue,
    args: [activity, count],
  })

/** Steward's activities, of which those that are measured do nothing. */
async function startRunWorker({ foundation }: BenchEngine): Promise<{ stop(): Promise<void> }> {
  const { engine, keys } = foundation
  const folder = fileURLToPath(new URL('own/', import.meta.url))
  const connection = await connectWorker(engine)
  const bundle = await bundleWithOwn({ folders: [folder], packages: [], beside: folder })
  const build = { id: await buildIdOf(bundle), bundle }
  const worker = await Worker.create({
    connection,
    namespace: engine.namespace,
    dataConverter: createDataConverter(keys),
    workflowBundle: { codePath: bundle },
    taskQueue: queue,
    activities: {
      ...createActivities({ ...foundation, build, leaving: new AbortController().signal }),
      callHttp: async () => ({ status: 204 }),
      readCloud: async () => ({ status: 200, body: {} }),
    },
    interceptors: { activity: [holdToDeclared] },
    maxConcurrentActivityTaskExecutions: 50,
    stickyQueueScheduleToStartTimeout: 30_000,
  })
  const running = worker.run()
  return {
    async stop() {
      worker.shutdown()
      await running
      await connection.close()
    },
  }
}
