import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readStopFile, removeStopFile, writeStopFile } from '../../boot/stop-file.ts'

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'steward-stop-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

it('a stop file says who stopped, when and why, until it is removed', async () => {
  const dataDir = join(await folder(), 'not', 'there', 'yet')
  expect(await readStopFile(dataDir)).toBeUndefined()
  const state = await writeStopFile(dataDir, { by: 'root', why: 'the API is down' })
  expect(state).toMatchObject({ by: 'root', why: 'the API is down', source: 'file' })
  expect(Math.abs(Date.parse(state.at) - Date.now())).toBeLessThan(60_000)
  expect(await readStopFile(dataDir)).toEqual(state)
  expect(await removeStopFile(dataDir)).toEqual(state)
  expect(await readdir(dataDir)).toEqual([])
  expect(await removeStopFile(dataDir)).toBeUndefined()
})

it('a second stop keeps who stopped first', async () => {
  const dataDir = await folder()
  const first = await writeStopFile(dataDir, { by: 'ana', why: 'storage' })
  expect(await writeStopFile(dataDir, { by: 'bob', why: 'me too' })).toEqual(first)
})

it.each(['', ' ', 'storage migration', '{"by": 7}', '{"by": ', 'null', '[]'])(
  'a file with %j in it stops as well',
  async (content) => {
    const dataDir = await folder()
    await writeFile(join(dataDir, 'STOP'), content)
    const state = await readStopFile(dataDir)
    expect(state).toMatchObject({ by: 'somebody', source: 'file', why: expect.stringContaining('STOP is there') })
    expect(Date.parse(state?.at ?? '')).not.toBeNaN()
    await removeStopFile(dataDir)
    expect(await readStopFile(dataDir)).toBeUndefined()
  },
)

it('whatever has that name stops: a folder, a link to nowhere, a file nobody may read', async () => {
  const dataDir = await folder()
  await mkdir(join(dataDir, 'a', 'STOP'), { recursive: true })
  await mkdir(join(dataDir, 'b'))
  await symlink('/nowhere', join(dataDir, 'b', 'STOP'))
  await mkdir(join(dataDir, 'c'))
  await writeFile(join(dataDir, 'c', 'STOP'), '{}')
  await chmod(join(dataDir, 'c', 'STOP'), 0)
  for (const name of ['a', 'b', 'c']) expect(await readStopFile(join(dataDir, name))).toMatchObject({ by: 'somebody' })
})

it('stops when nobody can tell whether the file is there', async () => {
  const dataDir = await folder()
  await writeFile(join(dataDir, 'file'), '')
  const state = await readStopFile(join(dataDir, 'file'))
  expect(state?.why).toContain('nobody can tell')
})
