import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import { cacheDir, findTemporalCli } from '../../temporal/cli-binary.ts'

let folder: string
let onPath: string
let cached: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'steward-cli-'))
  const path = join(folder, 'path')
  onPath = join(path, 'temporal')
  cached = join(folder, 'cache', 'temporal', '1.5.1', 'temporal')
  await mkdir(path)
  vi.stubEnv('PATH', path)
  vi.stubEnv('STEWARD_CACHE', join(folder, 'cache'))
  return async () => {
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true, force: true })
  }
})

async function executable(file: string, lines = ''): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `#!/bin/sh\n${lines}\n`)
  await chmod(file, 0o755)
}

/** Keeps the SDK from asking the network: where it would download to, a file lies in the way. */
async function withoutDownload(): Promise<void> {
  await mkdir(dirname(cached), { recursive: true })
  await writeFile(join(dirname(cached), 'download'), '')
}

describe('the temporal CLI', () => {
  it('is taken from PATH before the cache', async () => {
    await executable(onPath)
    await executable(cached)
    expect(await findTemporalCli()).toBe(onPath)
  })

  it('is taken from the cache when PATH has none', async () => {
    await executable(cached)
    expect(await findTemporalCli()).toBe(cached)
  })

  it('is not a folder of that name, nor a file that cannot be run', async () => {
    await mkdir(onPath)
    await executable(cached)
    expect(await findTemporalCli()).toBe(cached)
    await rm(onPath, { recursive: true })
    await writeFile(onPath, '')
    expect(await findTemporalCli()).toBe(cached)
  })

  it('is built with Go, once, when it cannot be downloaded', async () => {
    await withoutDownload()
    const log = join(folder, 'go.log')
    await executable(join(folder, 'path', 'go'), `echo "$@" >> ${log}; /bin/cp "$0" "$GOBIN/temporal"`)
    const said: string[] = []
    expect(await findTemporalCli((line) => said.push(line))).toBe(cached)
    expect(await findTemporalCli((line) => said.push(line))).toBe(cached)
    expect(await readFile(log, 'utf8')).toBe('install -ldflags -s -w github.com/temporalio/cli/cmd/temporal@v1.5.1\n')
    expect(said).toEqual([
      'no temporal CLI found; downloading 1.5.1 …',
      'building it with Go instead, once: about 3 minutes on two cores …',
    ])
  })

  it('is not what an interrupted build has left', async () => {
    await withoutDownload()
    const go = join(folder, 'path', 'go')
    await executable(go, '/bin/cp "$0" "$GOBIN/temporal"; exit 1')
    expect(codeOf(await findTemporalCli().catch((error: unknown) => error))).toBe('CONFIG_INVALID')
    await executable(go, '/bin/cp "$0" "$GOBIN/temporal"')
    expect(await findTemporalCli()).toBe(cached)
  })

  it('is asked of the operator, with every remedy, when there is no way to get it', async () => {
    await withoutDownload()
    const error = await findTemporalCli().catch((reason: unknown) => reason)
    expect(codeOf(error)).toBe('CONFIG_INVALID')
    const said = messageOf(error)
    for (const part of [
      'download: ',
      'build: spawn go ENOENT',
      'https://docs.temporal.io/cli',
      'or Go',
      'TEMPORAL_ADDRESS',
    ])
      expect(said).toContain(part)
    expect(said).not.toContain('\n')
  })
})

describe('the cache', () => {
  it.each([
    [{ STEWARD_CACHE: '/a', XDG_CACHE_HOME: '/b' }, '/a'],
    [{ XDG_CACHE_HOME: '/b' }, '/b/steward'],
  ])('lies where the environment says: %o', (env, expected) => {
    expect(cacheDir(env)).toBe(expected)
  })
})
