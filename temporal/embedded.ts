import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Connection } from '@temporalio/client'
import { failure } from '../core/errors.ts'
import { attributes } from '../core/search-attributes.ts'
import { findTemporalCli } from './cli-binary.ts'
import type { Engine } from './connection.ts'

const run = promisify(execFile)

export interface EmbeddedOptions {
  dataDir: string
  port: number
  uiPort: number
  /** Where the Web UI decrypts payloads, as a browser reaches it. */
  codecUrl?: string
  progress?: (line: string) => void
}

export interface Embedded {
  readonly engine: Engine
  readonly uiUrl: string
  readonly pid: number
  /** Resolves with a sentence when the server ends without having been stopped. */
  readonly died: Promise<string>
  /** Stops the server and waits for its end; repeatable. */
  stop(): Promise<void>
}

const host = '127.0.0.1'
const readyWithinMs = 30_000
/** After a kill -9 the kernel may hold the port for some seconds. */
const portFreeWithinMs = 10_000

/**
 * Starts Temporal with a SQLite file and the Web UI as a child process, on loopback only.
 *
 * With `synchronous=1` in WAL mode a crash of the process loses nothing; a power cut may lose the last moments.
 *
 * @throws CONFIG_INVALID when a port is taken, the file was written by another server version, or it does not start
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { dataDir, port, uiPort, codecUrl, progress } = options
  const cli = await findTemporalCli(progress)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const database = join(dataDir, 'temporal.db')
  const pidFile = join(dataDir, 'temporal.pid')
  await endOrphan(pidFile, database)
  await checkVersion(cli, join(dataDir, 'temporal.version'))
  await waitUntilFree(port, 'temporal.port')
  await waitUntilFree(uiPort, 'temporal.uiPort')

  const logFile = join(dataDir, 'temporal.log')
  const log = await open(logFile, 'a', 0o600)
  const args = ['server', 'start-dev', '--ip', host, '--port', `${port}`, '--ui-port', `${uiPort}`]
  args.push('--db-filename', database, '--log-level', 'error')
  for (const pragma of ['journal_mode=wal', 'synchronous=1']) args.push('--sqlite-pragma', pragma)
  for (const { name, type } of Object.values(attributes)) args.push('--search-attribute', `${name}=${cliType(type)}`)
  if (codecUrl) args.push('--ui-codec-endpoint', codecUrl)
  // a process group of its own: Ctrl-C must reach Steward, which drains and then stops its engine
  const child = spawn(cli, args, { stdio: ['ignore', log.fd, log.fd], detached: true })
  await log.close()
  let stopping = false
  const died = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`Temporal did not start: ${error.message}`))
    child.once('exit', (code, signal) => {
      if (!stopping) resolve(`Temporal ended (${signal ?? `exit code ${code}`})`)
    })
  })
  if (child.pid === undefined) throw failure('CONFIG_INVALID', await died)
  await writeFile(pidFile, `${child.pid}\n`)

  const stop = async () => {
    stopping = true
    await end(child)
    await rm(pidFile, { force: true })
  }
  const early = await Promise.race([died, reachable(port)])
  if (early !== true) {
    await stop()
    throw failure('CONFIG_INVALID', `${early || `Temporal was not ready in ${readyWithinMs / 1000} s`}; see ${logFile}`)
  }
  return {
    engine: { connectionOptions: { address: `${host}:${port}` }, namespace: 'default' },
    uiUrl: `http://${host}:${uiPort}`,
    pid: child.pid,
    died,
    stop,
  }
}

const cliType = (type: string) => (type === 'KEYWORD_LIST' ? 'KeywordList' : 'Keyword')

/** A Steward that was killed leaves its Temporal behind; only one whose command line names our file is ended. */
async function endOrphan(pidFile: string, database: string): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
  if (!Number.isInteger(pid) || pid <= 1) return
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  if (!command.split('\0').includes(database)) return
  process.kill(pid, 'SIGTERM')
  for (let waitedMs = 0; waitedMs < 5000 && isAlive(pid); waitedMs += 100) await sleep(100)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The development server never migrates its file, so a file of another server version is refused. */
async function checkVersion(cli: string, versionFile: string): Promise<void> {
  const { stdout } = await run(cli, ['--version'])
  const [, version] = /Server (\d+\.\d+)\./.exec(stdout) ?? []
  if (!version) throw failure('CONFIG_INVALID', `${cli} --version does not name a server: ${stdout.slice(0, 100)}`)
  const written = (await readFile(versionFile, 'utf8').catch(() => '')).trim()
  if (written && written !== version)
    throw failure(
      'CONFIG_INVALID',
      `the database beside ${versionFile} was written by Temporal ${written}, but ${cli} is ${version}: use a CLI with that server, or another dataDir`,
    )
  if (!written) await writeFile(versionFile, `${version}\n`)
}

async function waitUntilFree(port: number, setting: string): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += 500) {
    if (await isFree(port)) return
    const taken = `port ${port} (${setting}) is taken`
    if (waitedMs >= portFreeWithinMs || (await answers(port)))
      throw failure('CONFIG_INVALID', `${taken}: stop what listens there, or choose another in steward.yaml`)
    await sleep(500)
  }
}

const isFree = (port: number) =>
  new Promise<boolean>((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, host, () => probe.close(() => resolve(true)))
  })

const answers = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = createConnection({ port, host })
    const done = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
  })

/** Something that listens there is not enough: it must answer as a Temporal does. */
async function reachable(port: number): Promise<boolean> {
  for (const deadline = Date.now() + readyWithinMs; Date.now() < deadline; await sleep(50))
    if ((await answers(port)) && (await servesWorkflows(port))) return true
  return false
}

async function servesWorkflows(port: number): Promise<boolean> {
  // a connection of its own: another one to this port may be waiting out an outage
  const channelArgs = { 'grpc.use_local_subchannel_pool': 1 }
  const connection = Connection.lazy({ address: `${host}:${port}`, channelArgs })
  try {
    await connection.withDeadline(Date.now() + 5_000, () => connection.workflowService.getSystemInfo({}))
    return true
  } catch {
    return false
  } finally {
    await connection.close()
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 8000)
  await ended
  clearTimeout(timer)
}
