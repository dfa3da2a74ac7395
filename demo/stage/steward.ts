import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import got from 'got'
import { stringify } from 'yaml'
import type { Cloud } from '../../test/cloud/cloud.ts'
import type { Ports } from './ports.ts'

const program = fileURLToPath(new URL('../../bin/steward.js', import.meta.url))

export interface StewardProcess {
  readonly url: string
  readonly uiUrl: string
  readonly pid: number
  readonly configFile: string
  readonly logFile: string
  readonly dataDir: string
  /** Tokens of the signal sources, by source. */
  readonly tokens: { readonly alertmanager: string; readonly logs: string }
  readonly tokenFiles: { readonly alertmanager: string; readonly logs: string }
  /** Milliseconds from start to /readyz saying yes. */
  readonly readyAfterMs: number
  /** SIGINT, as Ctrl-C: it drains. Resolves with the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL: nothing is drained. */
  kill(): Promise<void>
}

/** The short times of the stage's policies; a real installation has the defaults. */
const times = { confirmAfterSeconds: 4, afterOutageSeconds: 30, stableSeconds: 12, quietSeconds: 10 }

export const policies = [
  {
    name: 'nova-compute-down',
    kind: 'binary',
    when: { binary: 'nova-compute' },
    confirmAfterSeconds: times.confirmAfterSeconds,
    afterOutageSeconds: times.afterOutageSeconds,
    runbook: 'restart-service',
    with: { stableSeconds: times.stableSeconds, withinSeconds: 180 },
  },
  {
    name: 'host-overloaded',
    kind: 'gauge',
    when: { labels: { alertname: 'HostOverloaded' }, hostLabel: 'host' },
    runbook: 'relieve-host',
    with: { resource: 'vcpu', limit: 0.5 },
    clearWithinSeconds: 120,
    stableSeconds: 3,
  },
  {
    name: 'nova-compute-errors',
    kind: 'tailable',
    when: { component: 'nova-compute', count: 5, windowSeconds: 60 },
    runbook: 'collect-evidence',
    quietSeconds: times.quietSeconds,
    silentAfterSeconds: 120,
  },
]

/** A stage is for acting, and the same hosts play in every story. */
export const governor = {
  mode: 'auto',
  coolDownSeconds: 5,
  flap: { firings: 20, withinSeconds: 60 },
  budgets: { host: { perHour: 100 }, zone: { perHour: 1000 }, overall: { perHour: 1000 } },
}

/** Writes steward.yaml and secrets for a cloud, as an operator would. */
export async function configure(cloud: Cloud, dir: string, ports: Ports, over: object = {}) {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const tokens = { alertmanager: secret(), logs: secret() }
  const tokenFiles = { alertmanager: join(dir, 'alertmanager.token'), logs: join(dir, 'logs.token') }
  for (const kind of ['alertmanager', 'logs'] as const) await writeFile(tokenFiles[kind], tokens[kind], { mode: 0o600 })
  const configFile = join(dir, 'steward.yaml')
  const config = {
    cloud: 'steward',
    dataDir: 'data',
    listen: { port: ports.api },
    codec: { port: ports.codec },
    temporal: { port: ports.temporal, uiPort: ports.temporalUi },
    worker: { metrics: { port: ports.workerProbe } },
    sources: [
      { name: 'alertmanager', kind: 'alertmanager', tokenFile: 'alertmanager.token' },
      { name: 'shipper', kind: 'logs', tokenFile: 'logs.token' },
    ],
    policies,
    watch: { pollSeconds: 1 },
    governor,
    ssh: {
      user: cloud.ssh.user,
      keyFile: cloud.ssh.keyFile,
      knownHostsFile: cloud.ssh.knownHostsFile,
      hosts: Object.fromEntries(cloud.hosts.map(({ name }, at) => [name, sshHost(cloud, at + 1)])),
    },
    ...over,
  }
  await writeFile(configFile, stringify(config))
  return { configFile, tokens, tokenFiles }
}

const sshHost = ({ ssh }: Cloud, n: number) => ({
  address: ssh.host,
  port: ssh.port,
  services: {
    'nova-compute': { restart: ['restart', `nova-compute-${n}`], show: ['show', `nova-compute-${n}`] },
  },
})

const secret = () => randomBytes(32).toString('base64url')

/** Starts `steward up` as a process of its own, the way a user does, and waits until it is ready. */
export async function startSteward(
  cloud: Cloud,
  dir: string,
  ports: Ports,
  over: object = {},
): Promise<StewardProcess> {
  const { configFile, tokens, tokenFiles } = await configure(cloud, dir, ports, over)
  return launch(cloud, dir, ports, { configFile, tokens, tokenFiles })
}

type Configured = Pick<StewardProcess, 'configFile' | 'tokens' | 'tokenFiles'>

/** Starts it again over the same configuration and data. */
export async function launch(cloud: Cloud, dir: string, ports: Ports, configured: Configured): Promise<StewardProcess> {
  const startedMs = Date.now()
  const logFile = join(dir, 'steward.log')
  const log = await open(logFile, 'a', 0o600)
  const env = { ...stewardEnvironment(), OS_CLIENT_CONFIG_FILE: cloud.cloudsYaml }
  const child = spawn(process.execPath, [program, 'up', '--config', configured.configFile], {
    env,
    stdio: ['ignore', log.fd, log.fd],
    // Ctrl-C at the terminal must not reach it: the stage stops it, once
    detached: true,
  })
  await log.close()
  const url = `http://127.0.0.1:${ports.api}`
  await ready(url, child, logFile)
  const { configFile, tokens, tokenFiles } = configured
  return {
    configFile,
    tokens,
    tokenFiles,
    url,
    uiUrl: `http://127.0.0.1:${ports.temporalUi}`,
    pid: child.pid ?? 0,
    logFile,
    dataDir: join(dir, 'data'),
    readyAfterMs: Date.now() - startedMs,
    stop: () => end(child, 'SIGINT'),
    async kill() {
      await end(child, 'SIGKILL')
    },
  }
}

/** The stage's Steward must see the stage's cloud and its own Temporal, not those of whoever runs it. */
export function stewardEnvironment(): NodeJS.ProcessEnv {
  const foreign = /^(OS_|TEMPORAL_|STEWARD_(?!CACHE))/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}

async function ready(url: string, child: ChildProcess, logFile: string): Promise<void> {
  for (const deadline = Date.now() + 300_000; Date.now() < deadline; await sleep(100)) {
    if (child.exitCode !== null) break
    const answer = await got(`${url}/readyz`, { throwHttpErrors: false, retry: { limit: 0 } }).catch(() => undefined)
    if (answer?.statusCode === 200) return
  }
  child.kill('SIGKILL')
  const tail = (await readFile(logFile, 'utf8')).split('\n').slice(-15).join('\n')
  throw new Error(`Steward did not get ready:\n${tail}`)
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.kill(signal)
  return ended
}
