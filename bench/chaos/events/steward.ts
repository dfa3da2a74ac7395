import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
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
          const parts = { api: startPart(world, 'api'), worker: startPart(world, 'worker') }
          try {
            await ready(stage)
            world.isStewardThere = true
            await sleep(seconds[0] * 1000)
            for (const [at, part] of order.entries()) {
              world.journal.write('part killed', { part })
              await parts[part].end('SIGKILL')
              await sleep(2_000)
              parts[part] = startPart(world, part)
              await ready(stage)
              await sleep((seconds[at + 1] ?? 5) * 1000)
            }
          } finally {
            world.isStewardThere = false
            const askedAt = Date.now()
            await Promise.all(Object.values(parts).map((part) => part.end('SIGINT')))
            world.journal.write('parts stopped', { afterMs: Date.now() - askedAt })
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

/** As a service manager would, it is started again when it ends by itself. */
function startPart(world: World, part: 'api' | 'worker'): Part {
  const { cloud, ports, steward, stewardDir } = world.stage
  const env = {
    ...stewardEnvironment(),
    OS_CLIENT_CONFIG_FILE: cloud.cloudsYaml,
    TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
  }
  const log = openSync(join(stewardDir, `${part}.log`), 'a')
  let isWanted = true
  const start = () => {
    const started = spawn(process.execPath, [program, part, '--config', steward.configFile], {
      env,
      stdio: ['ignore', log, log],
      detached: true,
    })
    started.once('exit', (code, signal) => {
      if (!isWanted) return
      world.journal.write('part ended by itself', { part, code, signal })
      setTimeout(() => {
        if (isWanted) child = start()
      }, 1_000)
    })
    return started
  }
  let child = start()
  return {
    async end(signal) {
      isWanted = false
      await end(child, signal)
      closeSync(log)
    },
  }
}

interface Part {
  end(signal: NodeJS.Signals): Promise<void>
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
