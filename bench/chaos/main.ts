import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { answerQuestions, seeToLeftOver, startSampler, watchHosts } from './background.ts'
import { calmDown } from './calm.ts'
import { delegate } from './events/people.ts'
import { startServer } from './events/tenants.ts'
import { openJournal } from './journal.ts'
import { playEvents } from './play.ts'
import { createRandom } from './random.ts'
import { readRecords } from './records/read.ts'
import { judge, printReport } from './report.ts'
import { setChaosStage } from './stage.ts'
import type { World } from './world.ts'

/** `npm run chaos -- --minutes 30 --seed 42`: see docs/chaos.md. Exit 1 when a promise was broken. */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '42' },
    'base-port': { type: 'string', default: '26100' },
    keep: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)
const dir = fileURLToPath(new URL('../../.cloud/chaos', import.meta.url))
const print = (line: string) => void process.stdout.write(`${line}\n`)

const stage = await setChaosStage(join(dir, 'stage'), Number(values['base-port']), print)
let struck: Promise<void> | undefined
const strike = () => (struck ??= stage.strike())
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => void strike().then(() => process.exit(130)))

let isKept = false
try {
  isKept = await chaos()
} finally {
  await strike()
}
process.exit(isKept ? 0 : 1)

/** True when every promise was kept. */
async function chaos(): Promise<boolean> {
  const startedMs = Date.now()
  const journal = openJournal(join(dir, 'journal.ndjson'), startedMs, print)
  const world: World = { stage, journal, servers: [], actions: [], isStewardThere: true, isCalming: false }
  journal.write('chaos begins', { seed, minutes })
  await delegate(world, 'olga')

  for (let at = 0; at < 3; at++) await startServer(world, 'alice', '1')

  const sampler = startSampler(world, join(dir, 'samples.ndjson'))
  const monitor = watchHosts(world)
  const people = answerQuestions(world, createRandom(seed + 1))
  const operators = seeToLeftOver(world)
  const events = await playEvents(world, createRandom(seed), startedMs + minutes * 60_000)
  world.isCalming = true
  const restless = await calmDown(world, 600_000)
  await Promise.all([monitor.stop(), people.stop(), operators.stop()])
  await sampler.stop()

  const records = await readRecords(world, sampler.samples, restless)
  const report = judge(records, seed, minutes, events)
  await writeFile(join(dir, 'records.json'), JSON.stringify(records))
  await writeFile(join(dir, 'report.json'), `${JSON.stringify(report, null, 2)}\n`)
  printReport(report, print)
  if (values.keep) {
    print(`everything keeps running until Ctrl-C: ${stage.steward.url}, ${stage.steward.uiUrl}`)
    await new Promise(() => setInterval(() => undefined, 1 << 30))
  }
  return report.violations.length === 0
}
