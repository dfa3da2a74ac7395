import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadKeys } from '../../temporal/keys.ts'
import { outcome, root } from './parsers.ts'

let dir: string
let clouds: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'steward-init-'))
  clouds = join(dir, 'my-clouds.yaml')
  await writeFile(clouds, 'clouds: {}\n')
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const init = (...args: string[]) => outcome(process.execPath, [join(root, 'deploy/init.mjs'), '--dir', dir, ...args])
const secret = (name: string) => join(dir, 'deploy/secrets', name)
const contents = async () => {
  const names = (await readdir(join(dir, 'deploy/secrets'))).sort()
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(secret(name), 'utf8')])))
}

it('makes every secret that docker-compose.yml names, and the variables it asks for', async () => {
  expect(await init('--clouds', clouds, '--cloud', 'prod')).toMatchObject({ code: 0, stderr: '' })
  const made = await contents()
  const compose = await readFile(join(root, 'docker-compose.yml'), 'utf8')
  const named = [...compose.matchAll(/file: \.\/deploy\/secrets\/([\w.]+)/g)].map(([, name]) => name)
  expect(new Set(Object.keys(made))).toEqual(new Set(named))
  expect(made['clouds.yaml']).toBe('clouds: {}\n')
  expect(made.postgres_password).toMatch(/^[\w-]{43}$/)
  expect(made.alertmanager_token).not.toBe(made.postgres_password)
  expect(await readFile(join(dir, '.env'), 'utf8')).toMatch(/^STEWARD_GID=\d+\nOS_CLOUD=prod\n$/)
})

it('lets only the owner into the folder, and only one group read the files', async () => {
  await init('--clouds', clouds, '--cloud', 'prod')
  await writeFile(secret('ssh_key'), 'added by the operator', { mode: 0o600 })
  await init()
  expect((await stat(join(dir, 'deploy/secrets'))).mode & 0o777).toBe(0o700)
  const gid = Number(/STEWARD_GID=(\d+)/.exec(await readFile(join(dir, '.env'), 'utf8'))?.[1])
  expect(gid).toBeGreaterThan(0)
  for (const name of await readdir(join(dir, 'deploy/secrets')))
    expect(await stat(secret(name)).then(({ mode, gid: group }) => [mode & 0o777, group])).toEqual([0o640, gid])
})

it('makes a key file that Steward reads', async () => {
  await init()
  const { active, byId } = await loadKeys(secret('steward_keys'))
  expect([...byId.keys()]).toEqual([active])
})

it('adds a key and keeps the older ones, when asked to rotate', async () => {
  await init('--clouds', clouds, '--cloud', 'prod')
  const { active: first } = await loadKeys(secret('steward_keys'))
  expect((await init('--rotate-keys')).code).toBe(0)
  const { active, byId } = await loadKeys(secret('steward_keys'))
  expect(active).not.toBe(first)
  expect([...byId.keys()]).toEqual([first, active])
  expect((await stat(secret('steward_keys'))).mode & 0o777).toBe(0o640)
})

it('overwrites nothing when run again, but sets the rights of the files again', async () => {
  await init('--clouds', clouds, '--cloud', 'prod')
  const before = await contents()
  await writeFile(join(dir, '.env'), 'STEWARD_GID=77\nOS_CLOUD=mine')
  await chmod(secret('steward_keys'), 0o600)
  await writeFile(clouds, 'clouds: { other: {} }\n')
  expect((await init('--clouds', clouds, '--cloud', 'other')).code).toBe(0)
  expect(await contents()).toEqual(before)
  expect(await readFile(join(dir, '.env'), 'utf8')).toBe('STEWARD_GID=77\nOS_CLOUD=mine')
  expect((await stat(secret('steward_keys'))).mode & 0o777).toBe(0o640)
})

it('says what is still needed', async () => {
  expect(await init()).toMatchObject({
    code: 1,
    stderr: 'still needed: node deploy/init.mjs --clouds <file> --cloud <entry>\n',
  })
})
