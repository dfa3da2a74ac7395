import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import { type Stage, setStage } from '../../demo/stage/stage.ts'
import { governor } from '../../demo/stage/steward.ts'
import { fakePrometheus } from '../fakes/prometheus.ts'
import { plans } from './plans.ts'
import { runbooks } from './runbooks.ts'

const basePort = Number(process.env.MANY_HOSTS_BASE_PORT ?? 25100)
const dir = fileURLToPath(new URL('../../.cloud/many-hosts', import.meta.url))
const hosts = [1, 2, 3, 4, 5, 6].map((n) => ({ name: `compute${n}`, vcpus: 8, memoryMiB: 8192, diskGiB: 100 }))

/** Real CPUs of made-up servers are idle: what they use is said to the planner the way an exporter says it. */
const use = await fakePrometheus()
const unknown = { memoryUsedMiB: false, networkMbps: false, diskIops: false }

/** One operator plays all parts here, and plans of the stage touch all of its hosts. */
const config = {
  prometheus: { url: use.url, queries: unknown },
  governor: { ...governor, approval: { ownPlans: true, twoPersonsFromHosts: 20 } },
}

let stage: Stage
beforeAll(async () => {
  stage = await setStage(dir, basePort, (line) => process.stdout.write(`${line}\n`), { hosts, config })
})
afterAll(async () => {
  await stage?.strike()
  await use.close()
  await rm(dir, { recursive: true, force: true })
})

plans(() => stage, use)
runbooks(() => stage)
