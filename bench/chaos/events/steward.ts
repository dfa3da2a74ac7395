import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import got from 'got'
import { eventually } from '../../../demo/stage/eventually.ts'
import { launch, stewardEnvironment } from '../../../demo/stage/steward.ts'
import { startEmbedded } from '../../../temporal/embedded.ts'
import type { ChaosStage } from '../stage.ts'
import type { EventKind, World } from '../world.ts'

const program = fileURLToPath(new URL('../../../bin/steward.js', import.meta.url))

const killedWithTemporal: EventKind = {
  name: 'Steward and its Temporal are killed',
  alone: ['steward'],
  deal(random) {
    const seconds = random.int(1, 10)
    return {
      details: { seconds },
      async play(world) {
        await away(world, seconds, async ({ steward }) => {
          await Promise.all([steward.kill(), killTemporal(steward.dataDir)])
        })
      },
    }
  },
}

const killedAlone: EventKind = {
  name: 'Steward is killed',
  alone: ['steward'],
  deal(random) {
    const seconds = random.int(1, 10)
    return { details: { seconds }, play: (world) => away(world, seconds, ({ steward }) => steward.kill()) }
  },
}

/** `steward up` ends when its engine ends; whoever runs it starts it again. */
const temporalKilled: EventKind = {
  name: "Steward's Temporal is killed",
  alone: ['steward'],
  deal(random) {
    const seconds = random.int(1, 5)
    return {
      details: { seconds },
      async play(world) {
        await away(world, seconds, async ({ steward }) => {
          await killTemporal(steward.dataDir)
          const endsBy = Date.now() + 60_000
          while (isAlive(steward.pid) && Date.now() < endsBy) await sleep(100)
          if (isAlive(steward.pid)) world.journal.write('steward outlived its engine', { pid: steward.pid })
          await steward.kill()
        })
      },
    }
  },
}

const stoppedInOrder: EventKind = {
  name: 'Steward is stopped and started',
  alone: ['steward'],
  deal(random) {
    const seconds = random.int(1, 5)
    return {
      details: { seconds },
      async play(world) {
        await away(world, seconds, async ({ steward }) => {
          const code = await steward.stop()
          world.journal.write('steward stopped', { code })
        })
      },
    }
  },
}

/** API and worker as processes of their own, each killed while the other goes on. */
const apart: EventKind = {
  name: 'API and worker run apart and are killed one by one',
  alone: ['steward'],
  deal(random) {
    const order = random.shuffle(['api', 'worker'] as const)
    const seconds = [random.int(5, 12), random.int(5, 12), random.int(5, 12)] as const
    return {
      details: { order, seconds },
      async play(world) {
        await away(world, 0, async (stage) => {
          await stage.steward.stop()
          const { ports, steward } = stage
          const temporal = await startEmbedded({
            dataDir: steward.dataDir,
            port: ports.temporal,
            uiPort: ports.temporalUi,
          })
          const parts = { api: startPart(stage, 'api'), worker: startPart(stage, 'worker') }
          try {
            await ready(stage)
            world.isStewardThere = true
            await sleep(seconds[0] * 1000)
            for (const [at, part] of order.entries()) {
              world.journal.write('part killed', { part })
              await end(parts[part], 'SIGKILL')
              await sleep(2_000)
              parts[part] = startPart(stage, part)
              await ready(stage)
              await sleep((seconds[at + 1] ?? 5) * 1000)
            }
          } finally {
            world.isStewardThere = false
            await Promise.all(Object.values(parts).map((part) => end(part, 'SIGINT')))
            await temporal.stop()
          }
        })
      },
    }
  },
}

async function away(world: World, seconds: number, goes: (stage: ChaosStage) => Promise<unknown>): Promise<void> {
  const { stage, journal } = world
  const from = Date.now()
  world.isStewardThere = false
  await goes(stage)
  await sleep(seconds * 1000)
  stage.steward = await launch(stage.cloud, stage.stewardDir, stage.ports, stage.steward)
  world.isStewardThere = true
  journal.write('steward away', { from, to: Date.now(), readyAfterMs: stage.steward.readyAfterMs })
}

async function killTemporal(dataDir: string): Promise<void> {
  const pid = Number(await readFile(join(dataDir, 'temporal.pid'), 'utf8'))
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (command.includes(dataDir)) process.kill(pid, 'SIGKILL')
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function startPart({ cloud, ports, steward }: ChaosStage, part: 'api' | 'worker'): ChildProcess {
  const env = {
    ...stewardEnvironment(),
    OS_CLIENT_CONFIG_FILE: cloud.cloudsYaml,
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
  }
  return spawn(process.execPath, [program, part, '--config', steward.configFile], {
    env,
    stdio: 'ignore',
    detached: true,
  })
}

async function ready({ steward, ports }: ChaosStage): Promise<void> {
  for (const url of [`${steward.url}/readyz`, `http://127.0.0.1:${ports.workerProbe}/healthz`])
    await eventually(url, async () => {
      const answer = await got(url, { retry: { limit: 0 }, throwHttpErrors: false }).catch(() => undefined)
      return answer?.statusCode === 200
    })
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await ended
}

export const stewardEvents: readonly EventKind[] = [
  killedWithTemporal,
  killedAlone,
  temporalKilled,
  stoppedInOrder,
  apart,
]
