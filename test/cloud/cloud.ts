/**
 * The test cloud for tests and demonstrations: starts, attaches to, hurts and ends
 * the cloud that the Python package beside this file builds.
 */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = fileURLToPath(new URL('./testcloud', import.meta.url))
const LINES_IN_ERRORS = 30

export type ServiceName = 'keystone' | 'placement' | 'glance' | 'neutron' | 'nova'

/** What a host's driver can be told to fail at, or to be slow at. */
export type FaultyOperation =
  | 'spawn'
  | 'destroy'
  | 'power_on'
  | 'power_off'
  | 'reboot'
  | 'pre_live_migration'
  | 'finish_migration'
  | 'live_migration'

/** Messages of operations that shall fail, and seconds by which operations shall be late. */
export type Faults = Partial<Record<FaultyOperation, string>> & {
  delay?: Partial<Record<FaultyOperation, number>>
}

export interface Host {
  name: string
  vcpus: number
  memoryMiB: number
  diskGiB: number
}

export interface CloudUser {
  name: string
  project: string
  role: string
}

export interface Cloud {
  dir: string
  basePort: number
  endpoints: Record<ServiceName, string>
  /** AMQP URL of the message bus, with its password. */
  rabbit: string
  users: CloudUser[]
  /** Every user's password. */
  password: string
  region: string
  ssh: { host: string; port: number; user: string; keyFile: string; knownHostsFile: string }
  hosts: Host[]
  programs: string[]
  /** Log files by service, such as 'nova-api' and 'nova-compute@compute1'. */
  logs: Record<string, string>
  cloudsYaml: string
  /** SIGKILL for the nova-compute of the n-th host, counted from 1. */
  killCompute(n: number): Promise<void>
  startCompute(n: number): Promise<void>
  stopProgram(name: string): Promise<void>
  startProgram(name: string): Promise<void>
  setFault(host: string, faults: Faults): Promise<void>
  clearFaults(host: string): Promise<void>
  /** Waits until all hosts can be used. */
  wait(): Promise<void>
  /** Ends the cloud and deletes its files. */
  down(): Promise<void>
}

export interface CloudUpOptions {
  dir: string
  basePort?: number
  /** Up to nine; three of different sizes when left out. */
  hosts?: readonly Host[]
  onProgress?: (line: string) => void
}

/** The parts of cloud.json that are used here. */
interface Description {
  base_port: number
  region: string
  password: string
  endpoints: Record<ServiceName, string>
  rabbit: string
  users: CloudUser[]
  hosts: { name: string; vcpus: number; memory_mb: number; local_gb: number }[]
  ssh: { host: string; port: number; user: string; key: string; known_hosts: string }
  programs: string[]
  logs: Record<string, string>
  clouds_yaml: string
}

/** Makes or starts the cloud in a folder, and waits until servers can be created in it. */
export async function cloudUp(options: CloudUpOptions): Promise<Cloud> {
  const port = options.basePort === undefined ? [] : ['--base-port', String(options.basePort)]
  const of = (options.hosts ?? []).map((host) => [host.name, host.vcpus, host.memoryMiB, host.diskGiB].join(':'))
  const hosts = of.length === 0 ? [] : ['--hosts', of.join(',')]
  await testcloud(['up', resolve(options.dir), ...port, ...hosts], options.onProgress)
  return attachCloud(options.dir)
}

/** Takes hold of a cloud that was made before; it need not be running. */
export async function attachCloud(directory: string): Promise<Cloud> {
  const dir = resolve(directory)
  const description = JSON.parse(await readFile(join(dir, 'cloud.json'), 'utf8')) as Description
  const { ssh } = description
  return {
    dir,
    basePort: description.base_port,
    endpoints: description.endpoints,
    rabbit: description.rabbit,
    users: description.users,
    password: description.password,
    region: description.region,
    ssh: { host: ssh.host, port: ssh.port, user: ssh.user, keyFile: ssh.key, knownHostsFile: ssh.known_hosts },
    hosts: description.hosts.map(({ name, vcpus, memory_mb, local_gb }) => ({
      name,
      vcpus,
      memoryMiB: memory_mb,
      diskGiB: local_gb,
    })),
    programs: description.programs,
    logs: description.logs,
    cloudsYaml: description.clouds_yaml,
    killCompute: (n) => testcloud(['compute', dir, 'kill', String(n)]),
    startCompute: (n) => testcloud(['compute', dir, 'start', String(n)]),
    stopProgram: (name) => testcloud(['program', dir, 'stop', name]),
    startProgram: (name) => testcloud(['program', dir, 'start', name]),
    setFault: (host, faults) => testcloud(['fault', dir, host, JSON.stringify(faults)]),
    clearFaults: (host) => testcloud(['fault', dir, host, 'clear']),
    wait: () => testcloud(['wait', dir]),
    down: () => testcloud(['destroy', dir]),
  }
}

function testcloud(args: string[], onProgress?: (line: string) => void): Promise<void> {
  return new Promise((fulfil, reject) => {
    const child = spawn('python3', [PACKAGE, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const last: string[] = []
    const take = (line: string): void => {
      last.push(line)
      if (last.length > LINES_IN_ERRORS) last.shift()
      onProgress?.(line)
    }
    const endOutput = lines(child.stdout, take)
    const endErrors = lines(child.stderr, take)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      endOutput()
      endErrors()
      if (code === 0) fulfil()
      else
        reject(
          new Error(`testcloud ${args.join(' ')} ended with ${signal ?? `exit code ${code}`}:\n${last.join('\n')}`),
        )
    })
  })
}

/** Calls back with each whole line; the answer is to be called at the end, for a last line without its newline. */
function lines(stream: NodeJS.ReadableStream, take: (line: string) => void): () => void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    for (const line of parts) take(line)
  })
  return () => {
    if (rest) take(rest)
  }
}
