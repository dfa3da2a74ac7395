import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Stage, setStage } from '../../demo/stage/stage.ts'
import { governor } from '../../demo/stage/steward.ts'
import type { Cloud } from '../../test/cloud/cloud.ts'
import { type FakeRedfish, fakeRedfish } from '../../test/fakes/bmc/redfish.ts'
import { type Sshd, startSshd } from '../../test/fakes/sshd.ts'
import { closedPort } from '../../test/openstack/server.ts'
import { type Nova, novaOf } from './nova.ts'

const basePort = Number(process.env.BENCH_BASE_PORT ?? 28100)
const dir = fileURLToPath(new URL('../../.cloud/bench-runbooks', import.meta.url))

/** Each with the hosts that servers may have there, so that what is played at the same time does not meet. */
export const zones = {
  pair: ['compute1', 'compute2'],
  alone: ['compute3'],
  drain: ['compute4', 'compute5'],
  'lost-a': ['compute6', 'compute7'],
  'lost-b': ['compute8', 'compute9'],
} as const
export type Zone = keyof typeof zones

/** Hosts that get lost: nothing answers there by SSH. */
const lost: readonly string[] = ['compute6', 'compute8']
/** Hosts with a BMC. */
const withBmc = ['compute5', ...lost]
export const diskHost = 'disk1'

const hosts = Object.values(zones)
  .flat()
  .map((name) => ({ name, vcpus: 8, memoryMiB: 8192, diskGiB: 100 }))
/** As the test cloud counts them. */
export const numberOf = (host: string): number => hosts.findIndex(({ name }) => name === host) + 1

/** Some runbooks only, by name. */
const only = process.env.BENCH_RUNBOOKS?.split(',')
export const isWanted = (runbook: string): boolean => only?.includes(runbook) ?? true

/** The stage of the stories with nine hosts in five zones, BMCs, a host with a full disk, and something to call. */
export interface BenchCloud {
  readonly stage: Stage
  readonly nova: Nova
  readonly bmcs: ReadonlyMap<string, FakeRedfish>
  readonly sshd: Sshd
  /** Takes HTTP calls. */
  readonly sink: { readonly url: string; readonly calls: readonly string[] }
  strike(): Promise<void>
}

export async function setBenchCloud(): Promise<BenchCloud> {
  const strikes: (() => Promise<unknown>)[] = []
  const strike = async () => {
    for (let last = strikes.pop(); last; last = strikes.pop()) await last()
  }
  const files = await mkdtemp(join(tmpdir(), 'steward-bench-'))
  strikes.push(() => rm(files, { recursive: true, force: true }))
  try {
    const sink = await startSink()
    strikes.push(sink.stop)
    const sshd = await startSshd()
    strikes.push(sshd.stop)
    const bmcs = new Map<string, FakeRedfish>()
    for (const host of withBmc) bmcs.set(host, await fakeRedfish())
    strikes.push(() => Promise.all([...bmcs.values()].map((bmc) => bmc.close())))
    const passwordFile = join(files, 'bmc')
    await writeFile(passwordFile, 'pw-of-the-bmc', { mode: 0o600 })
    const powerOf = ({ url, user }: FakeRedfish) => ({ redfish: { url, user, passwordFile } })
    const config = async (cloud: Cloud) => ({
      policies: [],
      governor: { ...governor, coolDownSeconds: 0, fuse: { askFromHosts: hosts.length, stopFromShare: 1 } },
      power: { hosts: Object.fromEntries([...bmcs].map(([host, bmc]) => [host, powerOf(bmc)])) },
      http: { allow: ['127.0.0.1'], ports: [sink.port], allowHttp: true },
      ssh: await sshOf(cloud, sshd, files),
    })
    const progress = (line: string) => void process.stdout.write(`${line}\n`)
    const stage = await setStage(dir, basePort, progress, { hosts, config })
    strikes.push(async () => {
      await stage.strike()
      await rm(dir, { recursive: true, force: true })
    })
    const nova = novaOf(stage)
    for (const [zone, its] of Object.entries(zones)) await nova.addZone(zone, its)
    strikes.push(wire(stage.cloud, bmcs))
    return { stage, nova, bmcs, sshd, sink, strike }
  } catch (error) {
    await strike()
    throw error
  }
}

/** One key and one file of host keys let Steward in to the hosts of the cloud and to the one with the full disk. */
async function sshOf(cloud: Cloud, sshd: Sshd, files: string): Promise<object> {
  const { user, keyFile, knownHostsFile, host: address, port } = cloud.ssh
  const authorized = join(dirname(sshd.keyFile), 'authorized_keys')
  const line = await readFile(authorized, 'utf8')
  const [ownKey, key] = await Promise.all([sshd.keyFile, keyFile].map((file) => readFile(`${file}.pub`, 'utf8')))
  await appendFile(authorized, line.replace(ownKey?.trim() ?? '', key?.trim() ?? ''))
  const known = await Promise.all([knownHostsFile, sshd.knownHosts.right].map((file) => readFile(file, 'utf8')))
  await writeFile(join(files, 'known_hosts'), known.join('\n'))
  const silentPort = await closedPort()
  const words = (verb: string, host: string) => [verb, `nova-compute-${numberOf(host)}`]
  const ofCloud = hosts.map(({ name }) => [
    name,
    {
      address,
      port: lost.includes(name) ? silentPort : port,
      services: { 'nova-compute': { restart: words('restart', name), show: words('show', name) } },
      commands: {
        'show-compute': { words: words('show', name), changes: false },
        'restart-compute': { words: words('restart', name), changes: true, look: 'show-compute' },
      },
    },
  ])
  const commands = {
    'disk-usage': { words: ['df', '--output=pcent', '{path}'], args: { path: '/[a-z/]+' }, changes: false },
    'free-journal': {
      words: ['vacuum', '{size}'],
      args: { size: '[0-9]{3,4}M' },
      changes: true,
      look: 'disk-usage-of-all',
    },
    'disk-usage-of-all': { words: ['df'], changes: false },
  }
  return {
    ...{ user, keyFile, knownHostsFile: join(files, 'known_hosts') },
    hosts: { ...Object.fromEntries(ofCloud), [diskHost]: { address, port: sshd.port, user: sshd.user, commands } },
  }
}

/** What the BMCs do is done to the computes. */
function wire(cloud: Cloud, bmcs: BenchCloud['bmcs']): () => Promise<void> {
  const were = new Map([...bmcs].map(([host, bmc]) => [host, bmc.resets.length]))
  let isOver = false
  const watching = (async () => {
    for (; !isOver; await sleep(200))
      for (const [host, { resets, power }] of bmcs) {
        if (were.get(host) === resets.length) continue
        were.set(host, resets.length)
        const n = numberOf(host)
        // one that is dead or alive already is no matter
        await (power() === 'Off' ? cloud.killCompute(n) : cloud.startCompute(n)).catch(() => undefined)
      }
  })()
  return async () => {
    isOver = true
    await watching
  }
}

async function startSink() {
  const calls: string[] = []
  const server = createServer((request, response) => {
    calls.push(`${request.method} ${request.url}`)
    request.resume()
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ticket": 7}'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const stop = () => new Promise((resolve) => server.close(resolve))
  return { port, url: `http://127.0.0.1:${port}`, calls, stop }
}
