import { spawn } from 'node:child_process'
import { Context } from '@temporalio/activity'

const outputLimit = 64 << 10

/** How a program ended; of its output only the beginning is kept. */
export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
  readonly timedOut: boolean
}

/**
 * Runs a program of this machine with exactly these arguments: no shell, no input. It is killed at its limit, and when
 * the activity is cancelled.
 *
 * @throws the system's error, such as ENOENT, when it cannot be begun
 */
export function runProgram(
  program: string,
  args: readonly string[],
  { timeoutMs, env }: { timeoutMs: number; env?: NodeJS.ProcessEnv },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { cancellationSignal: signal } = Context.current()
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal, ...(env && { env }) })
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
      // children of its own may hold these open for as long as they live
      child.stdout.destroy()
      child.stderr.destroy()
    }, timeoutMs)
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        if (output[name].length < outputLimit) output[name] += chunk.slice(0, outputLimit - output[name].length)
      })
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('close', (exitCode) => {
      clearTimeout(timer)
      resolve({ exitCode, timedOut, ...output })
    })
  })
}
