import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import got from 'got'
import { workflowBundle } from '../temporal/bundle.ts'
import { type Figure, quantile } from './figures.ts'
import { startStubCloud } from './stub-cloud.ts'

const program = fileURLToPath(new URL('../bin/steward.js', import.meta.url))
const built = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const rounds = 5
const port = 28774

/** `steward up` from nothing to /readyz, from source and from the build; memory of its processes; size of the bundle. */
export async function coldStart(): Promise<Figure[]> {
  execFileSync('npm', ['run', 'build'], { stdio: 'ignore', cwd: fileURLToPath(new URL('..', import.meta.url)) })
  const cloud = await startStubCloud()
  try {
    const fromSource = await times(program, cloud.url)
    const fromBuild = await times(built, cloud.url)
    const { size } = await stat(await workflowBundle())
    return [
      figure('cold start of `steward up` to ready, from source', fromSource.ms),
      figure('cold start of `steward up` to ready, from the build', fromBuild.ms),
      { name: 'resident memory, API and worker', unit: 'MiB', ours: { max: Math.max(...fromBuild.stewardMiB) } },
      { name: 'resident memory, embedded Temporal', unit: 'MiB', ours: { max: Math.max(...fromBuild.temporalMiB) } },
      { name: 'workflow bundle', unit: 'MiB', ours: { size: size / 1048576 } },
    ]
  } finally {
    await cloud.stop()
  }
}

const figure = (name: string, ms: number[]): Figure => ({
  name,
  unit: 'ms',
  ours: { min: Math.min(...ms), p50: quantile(ms, 0.5), max: Math.max(...ms) },
  raw: { ours: ms },
})

async function times(entry: string, cloudUrl: string) {
  const seen = { ms: [] as number[], stewardMiB: [] as number[], temporalMiB: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const dir = await mkdtemp(join(tmpdir(), 'steward-cold-'))
    const config = {
      dataDir: 'data',
      listen: { port },
      codec: { port: port + 1 },
      temporal: { port: port + 2, uiPort: port + 3 },
      worker: { metrics: { port: port + 4 } },
    }
    await writeFile(join(dir, 'steward.yaml'), JSON.stringify(config))
    const startMs = performance.now()
    const child = spawn(process.execPath, [entry, 'up', '-c', join(dir, 'steward.yaml')], {
      stdio: 'ignore',
      env: { ...process.env, OS_AUTH_URL: `${cloudUrl}/v3`, ...login },
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    try {
      for (;;) {
        const answer = await got(`http://127.0.0.1:${port}/readyz`, {
          throwHttpErrors: false,
          retry: { limit: 0 },
        }).catch(() => undefined)
        if (answer?.statusCode === 200) break
        if (child.exitCode !== null) throw new Error('steward up ended before it was ready')
        await sleep(20)
      }
      seen.ms.push(performance.now() - startMs)
      seen.stewardMiB.push(await residentMiB(child.pid ?? 0))
      seen.temporalMiB.push(await residentMiB(Number(await readFile(join(dir, 'data', 'temporal.pid'), 'utf8'))))
    } finally {
      child.kill('SIGINT')
      await ended
      await rm(dir, { recursive: true, force: true })
    }
  }
  return seen
}

const login = {
  OS_USERNAME: 'steward',
  OS_PASSWORD: 'stub',
  OS_PROJECT_NAME: 'service',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_NAME: 'Default',
}

async function residentMiB(pid: number): Promise<number> {
  const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}
