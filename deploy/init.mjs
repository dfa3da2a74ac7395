#!/usr/bin/env node
// Makes the secrets and the .env that docker-compose.yml needs. Overwrites none of them: run it as often as you like.
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const usage = `node deploy/init.mjs [--clouds <clouds.yaml>] [--cloud <entry>] [--dir <folder of docker-compose.yml>]

  --clouds  file with Steward's own OpenStack login; copied to deploy/secrets/clouds.yaml
  --cloud   its entry to use; written to .env as OS_CLOUD
  --rotate-keys  adds a key for the histories and makes it the active one; older keys stay, to decrypt`

const { values } = parseArgs({
  options: {
    clouds: { type: 'string' },
    cloud: { type: 'string' },
    'rotate-keys': { type: 'boolean', default: false },
    dir: { type: 'string', default: dirname(dirname(fileURLToPath(import.meta.url))) },
    help: { type: 'boolean', short: 'h' },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}

// Containers run as other users than the owner of these files and join this group to read them.
// Root's own group would give them more than that, so root uses a number of its own.
const asRoot = process.getuid() === 0
const gid = asRoot ? 10001 : process.getgid()
const secrets = join(values.dir, 'deploy', 'secrets')
const randomText = () => randomBytes(32).toString('base64url')

/** The key file of Steward's payload codec, with one more key, which is the active one. */
function keyFile(olderKeys = {}) {
  const id = `k-${new Date().toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}`
  const keys = { ...olderKeys, [id]: randomBytes(32).toString('base64') }
  return `${JSON.stringify({ active: id, keys }, null, 2)}\n`
}

// Nobody but the owner passes the folder, so the group on the files opens nothing on the host itself.
mkdirSync(secrets, { recursive: true })
chmodSync(secrets, 0o700)
if (values['rotate-keys']) rotateKeys(join(secrets, 'steward_keys'))
secret('postgres_password', randomText)
secret('alertmanager_token', randomText)
secret('steward_keys', () => keyFile())
secret('clouds.yaml', values.clouds && (() => readFileSync(values.clouds, 'utf8')))
// All of them each time, yours too: a copy or a rotation may have reset who can read them.
for (const name of readdirSync(secrets)) {
  chownSync(join(secrets, name), process.getuid(), gid)
  chmodSync(join(secrets, name), 0o640)
}

setting('STEWARD_GID', String(gid))
setting('OS_CLOUD', values.cloud)

const missing = [
  !existsSync(join(secrets, 'clouds.yaml')) && '--clouds <file>',
  !/^OS_CLOUD=./m.test(readFileSync(join(values.dir, '.env'), 'utf8')) && '--cloud <entry>',
].filter(Boolean)
if (missing.length > 0) {
  console.error(`still needed: node deploy/init.mjs ${missing.join(' ')}`)
  process.exit(1)
}
console.log('ready: docker compose up -d --build --wait')

/** Makes a secret unless it is there. */
function secret(name, content) {
  const path = join(secrets, name)
  if (existsSync(path) || !content) return
  writeFileSync(path, content(), { flag: 'wx', mode: 0o600 })
  console.log(`made deploy/secrets/${name}`)
}

/** Renamed into place, because a half-written key file would make every history unreadable. */
function rotateKeys(path) {
  const next = keyFile(JSON.parse(readFileSync(path, 'utf8')).keys)
  writeFileSync(`${path}.new`, next, { flag: 'wx', mode: 0o600 })
  renameSync(`${path}.new`, path)
  console.log(`new active key: ${JSON.parse(next).active}`)
}

/** Adds a line to .env unless the variable is there. */
function setting(name, value) {
  const path = join(values.dir, '.env')
  const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  if (value === undefined || new RegExp(`^${name}=`, 'm').test(text)) return
  appendFileSync(path, `${text === '' || text.endsWith('\n') ? '' : '\n'}${name}=${value}\n`)
}
