import { lstat, mkdir, readFile, unlink, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { StopState } from '../core/stop.ts'

/** Where it is looked for. */
export const stopFileOf = (dataDir: string) => resolve(dataDir, 'STOP')

/**
 * Presses the stop button of this machine, for when the API does not answer. A file that is there already is kept: who
 * pressed first counts.
 */
export async function writeStopFile(dataDir: string, { by, why }: Pick<StopState, 'by' | 'why'>): Promise<StopState> {
  const state: StopState = { by, userId: 'file', at: new Date().toISOString(), why, source: 'file' }
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  try {
    await writeFile(stopFileOf(dataDir), `${JSON.stringify(state, null, 2)}\n`, { flag: 'wx', mode: 0o644 })
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  }
  return (await readStopFile(dataDir)) ?? state
}

/** Returns what it was pressed for; undefined when there was no file. */
export async function removeStopFile(dataDir: string): Promise<StopState | undefined> {
  const state = await readStopFile(dataDir)
  try {
    await unlink(stopFileOf(dataDir))
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error
  }
  return state
}

/**
 * Undefined when there is no such file. `touch STOP` is enough to stop: a file that is empty, that nobody can read, or of
 * which nobody can tell whether it is there, counts as pressed.
 */
export async function readStopFile(dataDir: string): Promise<StopState | undefined> {
  const file = stopFileOf(dataDir)
  try {
    const { mtime } = await lstat(file)
    const found: StopState = {
      by: 'somebody',
      userId: 'file',
      at: mtime.toISOString(),
      why: `the file ${file} is there`,
      source: 'file',
    }
    return { ...found, ...(await contentOf(file)) }
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    const why = `nobody can tell whether the file ${file} is there (${(error as NodeJS.ErrnoException).code})`
    return { by: 'somebody', userId: 'file', at: new Date().toISOString(), why, source: 'file' }
  }
}

const Written = StopState.pick({ by: true, at: true, why: true }).partial()

async function contentOf(file: string): Promise<Partial<StopState>> {
  try {
    const { by, at, why } = Written.parse(JSON.parse(await readFile(file, 'utf8')))
    return { ...(by && { by }), ...(at && { at }), ...(why && { why }) }
  } catch {
    return {}
  }
}

const isCode = (error: unknown, code: string) => (error as NodeJS.ErrnoException).code === code
