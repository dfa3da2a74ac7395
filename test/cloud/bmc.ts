/** Real programs that play a BMC: OpenStack's sushy-emulator for Redfish, pyghmi's BMC for IPMI. Both on 127.0.0.1. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const lockFile = fileURLToPath(new URL('./bmc/requirements.lock', import.meta.url))
const ipmiProgram = fileURLToPath(new URL('./bmc/ipmi_bmc.py', import.meta.url))

export interface Login {
  readonly user: string
  readonly password: string
}

export interface Bmc {
  stop(): Promise<void>
}

/** The Python environment of the two, made once for each lock file. */
async function environment(): Promise<string> {
  const { STEWARD_CACHE, XDG_CACHE_HOME } = process.env
  const cache = STEWARD_CACHE ?? (XDG_CACHE_HOME ? join(XDG_CACHE_HOME, 'steward') : join(homedir(), '.cache/steward'))
  const lock = await readFile(lockFile)
  const folder = join(cache, `bmc-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`)
  const isWhole = join(folder, 'whole')
  if (existsSync(isWhole)) return join(folder, 'bin')
  await rm(folder, { recursive: true, force: true })
  await mkdir(cache, { recursive: true })
  await run('python3', ['-m', 'venv', folder])
  await run(join(folder, 'bin/pip'), ['install', '--quiet', '--requirement', lockFile])
  await writeFile(isWhole, '')
  return join(folder, 'bin')
}

/** A Redfish service over TLS with one system, which is off. */
export async function startSushy(
  dir: string,
  { port, certFile, keyFile, user, password }: Login & { port: number; certFile: string; keyFile: string },
): Promise<Bmc> {
  const bin = await environment()
  const hash = 'import bcrypt, sys; print(bcrypt.hashpw(sys.stdin.read().encode(), bcrypt.gensalt(4)).decode())'
  const hashing = run(join(bin, 'python'), ['-c', hash])
  hashing.child.stdin?.end(password)
  await writeFile(join(dir, 'htpasswd'), `${user}:${(await hashing).stdout}`)
  await mkdir(join(dir, 'state'))
  const settings = {
    SUSHY_EMULATOR_AUTH_FILE: join(dir, 'htpasswd'),
    SUSHY_EMULATOR_STATE_DIR: join(dir, 'state'),
  }
  const text = Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
  await writeFile(join(dir, 'sushy.conf'), text.join(''))
  const at = ['-i', '127.0.0.1', '-p', String(port), '--ssl-certificate', certFile, '--ssl-key', keyFile]
  return running(spawn(join(bin, 'sushy-emulator'), ['--config', join(dir, 'sushy.conf'), '--fake', ...at]))
}

/** A BMC for IPMI 2.0 whose machine is off. It knows the user `fencer`. */
export async function startIpmiBmc({ port, password }: { port: number; password: string }): Promise<Bmc> {
  const bin = await environment()
  return running(spawn(join(bin, 'python'), [ipmiProgram, String(port), password]))
}

function running(child: ChildProcess): Bmc {
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  child.stdout?.resume()
  child.stderr?.resume()
  return {
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
