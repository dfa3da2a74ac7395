import { randomUUID } from 'node:crypto'
import { copyFile, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'

export interface KeptBundle {
  readonly buildId: string
  /** When a worker has begun with it last. */
  readonly keptAtMs: number
}

/** Bundles that workers of this installation have begun with, so that runs can end on the code they began with. */
export interface RunBundles {
  /** Repeatable. */
  keep(buildId: string, bundle: string): Promise<void>
  list(): Promise<KeptBundle[]>
  pathOf(buildId: string): string
  forget(buildId: string): Promise<void>
}

export function createRunBundles(dataDir: string): RunBundles {
  const folder = join(dataDir, 'bundles')
  const pathOf = (buildId: string) => join(folder, `${buildId}.js`)
  /** Another worker with the same data folder may have forgotten it meanwhile. */
  const changedAtMs = (name: string) =>
    stat(join(folder, name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    )
  return {
    pathOf,
    async keep(buildId, bundle) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      // a worker that is killed while it copies leaves no half of one
      const half = `${pathOf(buildId)}.${randomUUID()}`
      await copyFile(bundle, half)
      const now = new Date()
      await utimes(half, now, now)
      await rename(half, pathOf(buildId))
    },
    async list() {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.js'))
      const found = await Promise.all(names.map(async (name) => ({ name, keptAtMs: await changedAtMs(name) })))
      return found.flatMap(({ name, keptAtMs }) =>
        keptAtMs === undefined ? [] : { buildId: name.slice(0, -'.js'.length), keptAtMs },
      )
    },
    forget: (buildId) => rm(pathOf(buildId), { force: true }),
  }
}
