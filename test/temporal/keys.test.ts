import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import { loadKeys, rotateKeys } from '../../temporal/keys.ts'

async function place(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'steward-keys-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'data', 'keys.json')
}
const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8)
const readable = ({ active, byId }: Awaited<ReturnType<typeof loadKeys>>) => ({
  active,
  keys: [...byId].map(([id, key]) => [id, key.toString('base64')]),
})
const refusal = async (file: string) => {
  const error: unknown = await loadKeys(file).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(codeOf(error)).toBe('CONFIG_INVALID')
  return messageOf(error)
}
const key = (bytes = 32) => Buffer.alloc(bytes, 7).toString('base64')

/** Reads the file in the very moment it appears. */
const eagerReader = `
  const { readFileSync } = require('node:fs')
  const { parentPort, workerData } = require('node:worker_threads')
  parentPort.postMessage('reading')
  for (let content; content === undefined; )
    try { parentPort.postMessage(content = readFileSync(workerData, 'utf8')) } catch {}
`

describe('the key file', () => {
  it('is made on the first start, for its owner only, and is the same from then on', async () => {
    const file = await place()
    const first = await loadKeys(file)
    expect(await modeOf(file)).toBe('600')
    expect(await modeOf(dirname(file))).toBe('700')
    expect(first.byId.get(first.active)).toHaveLength(32)
    const content = await readFile(file, 'utf8')
    expect(readable(await loadKeys(file))).toEqual(readable(first))
    expect(await readFile(file, 'utf8')).toBe(content)
    expect(await readdir(dirname(file))).toEqual(['keys.json'])
  })

  it('is one file for all who start at the same moment', async () => {
    const file = await place()
    const all = await Promise.all(Array.from({ length: 40 }, () => loadKeys(file)))
    for (const one of all) expect(readable(one)).toEqual(readable(all[0]!))
    expect(await readdir(dirname(file))).toEqual(['keys.json'])
  })

  it('is never seen half written, however soon somebody reads it', async () => {
    const whole: boolean[] = []
    for (let turn = 0; turn < 8; turn++) {
      const file = await place()
      const reader = new Worker(eagerReader, { eval: true, workerData: file })
      await once(reader, 'message')
      const read = once(reader, 'message')
      const { active } = await loadKeys(file)
      const [content] = (await read) as [string]
      whole.push(content.includes(active) && content.endsWith('}\n'))
      await reader.terminate()
    }
    expect(whole).toEqual(Array(8).fill(true))
  })

  it('is one file for two processes that start at the same moment', async () => {
    const file = await place()
    const module = fileURLToPath(new URL('../../temporal/keys.ts', import.meta.url))
    const code = `import { loadKeys } from ${JSON.stringify(module)}
      const { active } = await loadKeys(${JSON.stringify(file)})
      process.stdout.write(active)`
    const actives = await Promise.all(
      [1, 2].map(async () => {
        const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code])
        let said = ''
        child.stdout.on('data', (chunk: Buffer) => {
          said += chunk
        })
        await once(child, 'close')
        return said
      }),
    )
    expect(actives).toEqual([(await loadKeys(file)).active, (await loadKeys(file)).active])
  }, 30_000)

  it('is refused when everybody can read it, and taken again after chmod', async () => {
    const file = await place()
    const { active } = await loadKeys(file)
    await chmod(file, 0o644)
    expect(await refusal(file)).toContain('readable by everybody: chmod 600')
    await chmod(file, 0o600)
    expect((await loadKeys(file)).active).toBe(active)
  })

  it.each([
    ['not JSON', 'k-1: secret', 'is not a key file'],
    ['empty', '', 'is not a key file'],
    ['without keys', '{}', 'is not a key file'],
    ['of keys that are not base64', '{"active":"k-1","keys":{"k-1":"%%%"}}', 'is not a key file'],
    ['of a key that is too short', `{"active":"k-1","keys":{"k-1":"${key(16)}"}}`, 'key k-1 in'],
    [
      'without its active key',
      `{"active":"k-2","keys":{"k-1":"${key()}"}}`,
      'names an active key that it does not hold',
    ],
    ['with something else in it', `{"active":"k-1","keys":{"k-1":"${key()}"},"more":1}`, 'is not a key file'],
  ])('is refused when it is %s, and is left as it was', async (_case, content, sentence) => {
    const file = await place()
    await loadKeys(file)
    await writeFile(file, content)
    const said = await refusal(file)
    expect(said).toContain(sentence)
    expect(said).not.toContain('secret')
    expect(said).not.toContain(key())
    expect(await readFile(file, 'utf8')).toBe(content)
  })
})

describe('rotating the keys', () => {
  it('adds one and makes it the active one; those before stay, for old histories', async () => {
    const file = await place()
    const before = await loadKeys(file)
    const id = await rotateKeys(file)
    const after = await loadKeys(file)
    expect(after.active).toBe(id)
    expect(id).not.toBe(before.active)
    expect(after.byId.get(before.active)).toEqual(before.byId.get(before.active))
    expect(after.byId.size).toBe(2)
    expect(await modeOf(file)).toBe('600')
    expect(await readdir(dirname(file))).toEqual(['keys.json'])
  })

  it('works again and again', async () => {
    const file = await place()
    for (let turn = 0; turn < 3; turn++) await rotateKeys(file)
    expect((await loadKeys(file)).byId.size).toBe(4)
  })
})
