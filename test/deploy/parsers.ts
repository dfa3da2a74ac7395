import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const root = join(import.meta.dirname, '../..')
const source = join(import.meta.dirname, 'parsers')

/**
 * Builds one of the two Go programs that wrap the real parsers, once per version of its source.
 *
 * @returns the path of the program, in the user's cache
 */
export async function buildParser(name: 'compose' | 'dockerfile'): Promise<string> {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum', join(name, 'main.go')]) hash.update(await readFile(join(source, file)))
  const { STEWARD_CACHE, XDG_CACHE_HOME } = process.env
  const cache = STEWARD_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'steward')
  const program = join(cache, 'deploy-parsers', `${name}-${hash.digest('hex').slice(0, 16)}`)
  if (await exists(program)) return program

  if (spawnSync('go', ['version']).status !== 0)
    throw new Error(
      'these tests read docker-compose.yml and Dockerfile with the parsers of Docker Compose and BuildKit: ' +
        'install Go 1.24 or newer (https://go.dev/doc/install) and put it on PATH',
    )
  await mkdir(join(cache, 'deploy-parsers'), { recursive: true })
  // renamed when complete, so that a run that was cut off leaves no half program behind
  const unfinished = `${program}.${process.pid}`
  await run('go', ['build', '-trimpath', '-buildvcs=false', '-o', unfinished, `./${name}`], { cwd: source })
  await rename(unfinished, program)
  return program
}

/** Runs a program to its end, whatever its exit code. */
export async function outcome(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const { stdout, stderr } = await run(program, [...args], { maxBuffer: 16 * 1024 * 1024, ...options })
    return { code: 0, stdout, stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (typeof code !== 'number') throw error
    return { code, stdout, stderr }
  }
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )
