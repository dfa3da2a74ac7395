import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { eventually } from '../../demo/stage/eventually.ts'
import { startMonitor } from '../../demo/stage/monitor.ts'
import { createServer, removeServers, untilActive } from '../../demo/stage/servers.ts'
import { listServices, vcpuShare } from '../../demo/stage/services.ts'
import { type Stage, setStage } from '../../demo/stage/stage.ts'
import { type Figure, p50p99 } from '../figures.ts'

const rounds = Number(process.env.BENCH_ROUNDS ?? 10)
const basePort = 27100
const dir = fileURLToPath(new URL('../../.cloud/bench-incidents', import.meta.url))

interface Times {
  readonly detectedMs: number
  readonly actedMs: number
  readonly recoveredMs: number
}

/**
 * A killed nova-compute and a hot host on a real OpenStack, from the moment it happens to the moment the cloud is well
 * again, with the short waits of the demonstration (4 s second look, Alertmanager's group_wait 1 s).
 */
export async function realCloud(): Promise<Figure[]> {
  const stage = await setStage(dir, basePort, (line) => void process.stdout.write(`${line}\n`))
  try {
    const dead: Times[] = []
    for (let round = 0; round < rounds; round++) dead.push(await deadProcess(stage, (round % 3) + 1))
    const hot: Times[] = []
    for (let round = 0; round < rounds; round++) hot.push(await hotHost(stage))
    return [...figuresOf('nova-compute killed', dead), ...figuresOf('host above its share', hot)]
  } finally {
    await stage.strike()
    await rm(dir, { recursive: true, force: true })
  }
}

/** What others wait before they even begin, by their own defaults. */
const builtInWaits = {
  name: "Alertmanager's group_wait / Masakari's wait",
  figures: { groupWait: 30_000, masakari: 180_000 },
}

function figuresOf(what: string, times: readonly Times[]): Figure[] {
  const of = (name: string, raw: number[]): Figure => ({
    name: `${what} → ${name}`,
    unit: 'ms',
    ours: p50p99(raw),
    beside: builtInWaits,
    raw: { ours: raw },
  })
  return [
    of(
      'incident opened',
      times.map(({ detectedMs }) => detectedMs),
    ),
    of(
      'first act',
      times.map(({ actedMs }) => actedMs),
    ),
    of(
      'recovered',
      times.map(({ recoveredMs }) => recoveredMs),
    ),
  ]
}

async function deadProcess(stage: Stage, n: number): Promise<Times> {
  const host = `compute${n}`
  const sinceMs = Date.now()
  await stage.cloud.killCompute(n)
  await eventually(`${host} to look down`, async () => (await stateOf(stage, host)) === 'down', { everyMs: 100 })
  const recoveredAt = await eventually(
    `${host} to be up`,
    async () => (await stateOf(stage, host)) === 'up' && Date.now(),
    { everyMs: 100 },
  )
  return { ...(await closed(stage, 'nova-compute-down', host, sinceMs)), recoveredMs: recoveredAt - sinceMs }
}

async function hotHost(stage: Stage): Promise<Times> {
  const host = 'compute1'
  const { olga } = stage
  const ids = await Promise.all(
    ['3', '2', '2'].map((flavor, at) => createServer(olga, { name: `calm-${at}`, flavor, host })),
  )
  await untilActive(olga, ids)
  const monitor = startMonitor(stage, host, 0.5)
  try {
    // the request that makes it hot
    const sinceMs = Date.now()
    ids.push(await createServer(olga, { name: 'one-too-many', flavor: '3', host }))
    await eventually(`${host} to be hot`, async () => (await vcpuShare(olga, host)) > 0.5, { everyMs: 100 })
    const recoveredAt = await eventually(
      `${host} to be relieved`,
      async () => (await vcpuShare(olga, host)) <= 0.5 && Date.now(),
      { everyMs: 100 },
    )
    const times = await closed(stage, 'host-overloaded', host, sinceMs)
    return { ...times, recoveredMs: recoveredAt - sinceMs }
  } finally {
    await monitor.stop()
    await untilActive(olga, ids)
    await removeServers(olga, ids)
    await eventually(`${host} to be empty`, async () => (await vcpuShare(olga, host)) === 0)
  }
}

async function stateOf({ olga }: Stage, host: string): Promise<string | undefined> {
  const services = await listServices(olga)
  return services.find((service) => service.host === host && service.binary === 'nova-compute')?.state
}

async function closed(stage: Stage, policy: string, host: string, sinceMs: number) {
  const incident = await eventually(
    `the end of the incident of ${policy} on ${host}`,
    async () => {
      const found = await stage.incident(policy, host, sinceMs)
      if (found?.state === 'escalated') throw new Error(`${policy} on ${host}: ${found.reason?.detail}`)
      return found?.endedAt ? found : undefined
    },
    { everyMs: 500 },
  )
  const [run] = incident.runs
  if (!run) throw new Error(`${policy} on ${host} had no run`)
  return { detectedMs: Date.parse(incident.openedAt) - sinceMs, actedMs: Date.parse(run.startedAt) - sinceMs }
}
