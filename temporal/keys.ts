import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { failure } from '../core/errors.ts'

const KeyFile = z.strictObject({
  active: z.string().describe('id of the key that encrypts; all of them decrypt'),
  keys: z.record(z.string().regex(/^[a-z0-9-]{1,40}$/), z.base64()),
})

/** The keys of the payload codec: one encrypts, all decrypt, so a rotation never loses an old history. */
export interface Keys {
  readonly active: string
  readonly byId: ReadonlyMap<string, Buffer>
}

/**
 * Reads the key file, or makes it on the first start: readable by its owner only, never overwritten.
 *
 * @throws CONFIG_INVALID when the file is not what it should be, or readable by others
 */
export async function loadKeys(file: string): Promise<Keys> {
  const text = (await readIfThere(file)) ?? (await create(file))
  const parsed = KeyFile.safeParse(parseJson(text))
  if (!parsed.success) throw failure('CONFIG_INVALID', `key file ${file} is not a key file`)
  const { active, keys } = parsed.data
  const byId = new Map(Object.entries(keys).map(([id, key]) => [id, Buffer.from(key, 'base64')]))
  for (const [id, key] of byId)
    if (key.length !== 32) throw failure('CONFIG_INVALID', `key ${id} in ${file} has not 256 bits`)
  if (!byId.has(active)) throw failure('CONFIG_INVALID', `key file ${file} names an active key that it does not hold`)
  return { active, byId }
}

/** Adds a new key and makes it the active one. Older keys stay, to decrypt what they encrypted. */
export async function rotateKeys(file: string): Promise<string> {
  const { byId } = await loadKeys(file)
  const fresh = newKey()
  const keys = Object.fromEntries([...byId].map(([id, key]) => [id, key.toString('base64')]))
  const next = await writeBeside(file, { active: fresh.id, keys: { ...keys, [fresh.id]: fresh.key } })
  await rename(next, file)
  return fresh.id
}

async function create(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const { id, key } = newKey()
  const next = await writeBeside(file, { active: id, keys: { [id]: key } })
  try {
    // the file appears whole or not at all, and never in the place of another one
    await link(next, file)
  } catch (error) {
    // API and worker may start at the same moment: the first one's keys are the keys
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await unlink(next)
  }
  return await readFile(file, 'utf8')
}

const newKey = () => ({
  id: `k-${new Date().toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}`,
  key: randomBytes(32).toString('base64'),
})

/** Writes a new file for its owner only, down to the disk; returns its name. */
async function writeBeside(file: string, content: unknown): Promise<string> {
  const next = `${file}.${randomBytes(6).toString('hex')}.new`
  const handle = await open(next, 'wx', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return next
}

async function readIfThere(file: string): Promise<string | undefined> {
  let handle: Awaited<ReturnType<typeof open>>
  try {
    handle = await open(file, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { mode } = await handle.stat()
    if ((mode & 0o007) !== 0) throw failure('CONFIG_INVALID', `key file ${file} is readable by everybody: chmod 600`)
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
