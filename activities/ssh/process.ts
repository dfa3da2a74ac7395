import { spawn } from 'node:child_process'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Context } from '@temporalio/activity'
import { failure } from '../../core/errors.ts'
import { createCapped } from './capped.ts'
import { targetAlias } from './client-config.ts'

/** Well below the heartbeat timeout of a step. */
const heartbeatMs = 5_000
const mostLogBytes = 256 << 10

export interface Order {
  /** Text of an ssh_config. */
  readonly config: string
  readonly words: readonly string[]
  readonly stdin?: string
  readonly timeoutMs: number
  readonly stdoutBytes: number
  readonly stderrBytes: number
  /** Whether the keys are those of an agent. */
  readonly agent: boolean
}

/** How an ssh ended, and what is known of the command it was to run. */
export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  /** Bytes of `stdout` that were not kept. */
  readonly cutBytes: number
  readonly timedOut: boolean
  /** The command may have left this machine. */
  readonly sent: boolean
  /** The host has told how the command ended, so `exitCode` is its own. */
  readonly answered: 'exit' | 'signal' | undefined
  /** What ssh said of its own accord, and before anything was sent also the ssh of a jump host. */
  readonly complaint: string
}

/**
 * Runs one command by one ssh. What ssh itself says goes to a file of its own, so that nothing a host prints can pass for
 * it: there it stands whether the command was sent, and whether its end was heard of.
 *
 * @throws SSH_NOT_CONFIGURED when there is no ssh; when it is cancelled
 */
export async function runSsh(order: Order): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), 'steward-ssh-'))
  try {
    await writeFile(join(folder, 'config'), order.config, { mode: 0o600 })
    const ended = await spawnSsh(order, folder)
    const log = await readLog(join(folder, 'log'))
    const [, how] = /^debug1: client_input_channel_req: channel \d+ rtype exit-(status|signal)\b/m.exec(log) ?? []
    const sent = /^debug1: Sending command:/m.test(log)
    const own = log.split(/\r?\n/).filter((line) => !line.startsWith('debug1: '))
    return {
      ...ended,
      sent,
      answered: how === undefined ? undefined : how === 'signal' ? 'signal' : 'exit',
      complaint: (sent ? own : [...own, ended.stderr]).join('\n').trim(),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function spawnSsh(
  { words, stdin, timeoutMs, stdoutBytes, stderrBytes, agent }: Order,
  folder: string,
): Promise<Pick<Ended, 'exitCode' | 'stdout' | 'stderr' | 'cutBytes' | 'timedOut'>> {
  return new Promise((resolve, reject) => {
    const { cancellationSignal: signal, heartbeat } = Context.current()
    const { PATH, HOME, SSH_AUTH_SOCK } = process.env
    // the ssh of a jump host is begun by a shell: names without a folder need no quotes
    const args = ['-T', '-F', './config', '-E', './log', '--', targetAlias, ...words]
    const env = { PATH, HOME, LC_ALL: 'C', ...(agent && { SSH_AUTH_SOCK }) }
    const child = spawn('ssh', args, {
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      cwd: folder,
      env,
      signal,
    })
    let timedOut = false
    const limit = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, timeoutMs)
    const alive = setInterval(() => heartbeat(), heartbeatMs)
    const stop = () => {
      clearTimeout(limit)
      clearInterval(alive)
    }
    const stdout = createCapped(stdoutBytes)
    const stderr = createCapped(stderrBytes)
    child.stdout?.on('data', stdout.add)
    child.stderr?.on('data', stderr.add)
    // a host that does not read is no failure of its own
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(stdin)
    child.once('error', (error: NodeJS.ErrnoException) => {
      stop()
      const missing = error.code === 'ENOENT'
      reject(missing ? failure('SSH_NOT_CONFIGURED', 'there is no ssh program: install openssh-client') : error)
    })
    child.once('close', (exitCode) => {
      stop()
      resolve({ exitCode, timedOut, stdout: stdout.text(), stderr: stderr.text(), cutBytes: stdout.cutBytes() })
    })
  })
}

/** The beginning: the command is sent early. And the end: there it stands how it ended. */
async function readLog(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined)
  if (!file) return ''
  try {
    const { size } = await file.stat()
    const half = mostLogBytes / 2
    const part = async (from: number, length: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
      return buffer.toString('utf8', 0, bytesRead)
    }
    if (size <= mostLogBytes) return await part(0, size)
    return `${await part(0, half)}\n${await part(size - half, half)}`
  } finally {
    await file.close()
  }
}
