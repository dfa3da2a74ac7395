import { execFile } from 'node:child_process'
import { access, constants, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { TestWorkflowEnvironment } from '@temporalio/testing'
import { failure } from '../core/errors.ts'

const run = promisify(execFile)

/** The newest release that `go install` can build: later ones have replace directives in their go.mod. */
const cliVersion = '1.5.1'
const goModule = `github.com/temporalio/cli/cmd/temporal@v${cliVersion}`

/** One folder for everything that is fetched or built once per user. */
export const cacheDir = (env = process.env): string =>
  env.STEWARD_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'steward')

/**
 * Finds the `temporal` CLI, which holds the server and the Web UI: on PATH → in the cache → downloaded by the SDK →
 * built once with Go. Each later start takes the second way.
 *
 * @throws CONFIG_INVALID when all four fail, with the remedies
 */
export async function findTemporalCli(progress: (line: string) => void = () => undefined): Promise<string> {
  const onPath = await firstExecutable((process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, 'temporal')))
  if (onPath) return onPath
  const folder = join(cacheDir(), 'temporal', cliVersion)
  const cached = join(folder, 'temporal')
  if (await isExecutable(cached)) return cached

  await mkdir(folder, { recursive: true })
  progress(`no temporal CLI found; downloading ${cliVersion} …`)
  const reasons: string[] = []
  for (const obtain of [download, build]) {
    try {
      await obtain(folder, cached, progress)
      return cached
    } catch (error) {
      const reason = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
      reasons.push(`${obtain.name}: ${reason.slice(0, 200)}`)
    }
  }
  const remedy = 'install the temporal CLI (https://docs.temporal.io/cli), or Go, or set TEMPORAL_ADDRESS'
  throw failure('CONFIG_INVALID', `no embedded Temporal: ${reasons.join('; ')}; ${remedy}`)
}

/** The SDK downloads the CLI to start a server with it; the server is stopped again, the file is what we want. */
async function download(folder: string, target: string): Promise<void> {
  const downloadDir = join(folder, 'download')
  await mkdir(downloadDir, { recursive: true })
  try {
    const env = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir, version: `v${cliVersion}` } },
    })
    await env.teardown()
    const files = await readdir(downloadDir)
    const binary = await firstExecutable(files.map((file) => join(downloadDir, file)))
    if (!binary) throw new Error('the download left no executable')
    await rename(binary, target)
  } finally {
    await rm(downloadDir, { recursive: true, force: true })
  }
}

async function build(folder: string, target: string, progress: (line: string) => void): Promise<void> {
  progress(`building it with Go instead, once: about 3 minutes on two cores …`)
  const bin = join(folder, 'build')
  await mkdir(bin, { recursive: true })
  try {
    await run('go', ['install', '-ldflags', '-s -w', goModule], {
      env: { ...process.env, GOBIN: bin, CGO_ENABLED: '0' },
      timeout: 1_800_000,
      maxBuffer: 16 << 20,
    })
    // renamed last, so that an interrupted build is never taken for a finished one
    await rename(join(bin, 'temporal'), target)
  } finally {
    await rm(bin, { recursive: true, force: true })
  }
}

async function firstExecutable(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isExecutable(path)) return path
  return undefined
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
