import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { loadCloud } from '../../openstack/clouds-yaml.ts'
import { rejection } from './server.ts'

const authUrl = 'https://keystone.example:5000/v3'

/** A home directory with the given files, as an environment. */
async function home(files: Record<string, string> = {}, env: Record<string, string> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'clouds-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  const absolute = Object.entries(env).map(([name, value]) => [name, value.replace('$HOME', folder)])
  return { HOME: folder, ...Object.fromEntries(absolute) } as Record<string, string> & { HOME: string }
}

const usual = '.config/openstack/clouds.yaml'
const entry = (auth: string, rest = '') =>
  `clouds:\n  test:\n    auth:\n      auth_url: ${authUrl}\n${indent(auth, 6)}${indent(rest, 4)}`
const indent = (text: string, by: number) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => `${' '.repeat(by)}${line}\n`)
    .join('')
const password =
  'username: steward\npassword: pw\nproject_name: service\nuser_domain_name: Default\nproject_domain_id: default'

describe('where a cloud is looked for', () => {
  const named = (username: string) => entry(`username: ${username}\npassword: pw`)
  const userOf = async (env: Record<string, string>, name?: string) => {
    const { auth } = await loadCloud(name, env)
    return auth.method === 'password' && 'name' in auth.user ? auth.user.name : undefined
  }

  it('is the usual folder', async () => {
    expect(await userOf(await home({ [usual]: named('usual') }), 'test')).toBe('usual')
  })

  it('is OS_CLIENT_CONFIG_FILE first', async () => {
    const env = await home(
      { [usual]: named('usual'), 'mine.yaml': named('mine') },
      { OS_CLIENT_CONFIG_FILE: '$HOME/mine.yaml' },
    )
    expect(await userOf(env, 'test')).toBe('mine')
  })

  it('is the folder that XDG_CONFIG_HOME names', async () => {
    const env = await home({ 'etc/openstack/clouds.yml': named('xdg') }, { XDG_CONFIG_HOME: '$HOME/etc' })
    expect(await userOf(env, 'test')).toBe('xdg')
  })

  it('is the environment when it describes one and no name is given', async () => {
    const env = await home({ [usual]: named('usual') }, { OS_AUTH_URL: authUrl, OS_USERNAME: 'env', OS_PASSWORD: 'pw' })
    expect(await userOf(env)).toBe('env')
    expect(await userOf(env, 'test')).toBe('usual')
    expect(await userOf({ ...env, OS_CLOUD: 'test' })).toBe('usual')
  })

  it('is the only cloud of the file when nothing says which', async () => {
    expect(await userOf(await home({ [usual]: named('only') }))).toBe('only')
    const two = `${named('one')}  other:\n    auth: {}\n`
    const error = await rejection(loadCloud(undefined, await home({ [usual]: two })))
    expect(error.message).toMatch(
      /does not say which cloud to use: it has test, other; say --os-cloud NAME or set OS_CLOUD$/,
    )
  })

  it('is nowhere when there is no file, or the file has no such cloud', async () => {
    const none = await rejection(loadCloud('test', await home()))
    expect(codeOf(none)).toBe('CONFIG_INVALID')
    for (const name of ['prod', '__proto__', 'toString']) {
      const error = await rejection(loadCloud(name, await home({ [usual]: named('x') })))
      expect(error.message).toMatch(`clouds.${name} is missing: it has test`)
    }
  })
})

describe('a login', () => {
  it('is by password, with project and domains', async () => {
    const cloud = await loadCloud(
      'test',
      await home({ [usual]: entry(password, 'region_name: RegionOne\ninterface: internal') }),
    )
    expect(cloud).toEqual({
      authUrl,
      auth: { method: 'password', user: { name: 'steward', domain: { name: 'Default' } } },
      scope: { project: { name: 'service', domain: { id: 'default' } } },
      region: 'RegionOne',
      interface: 'internal',
      tls: { verify: true },
    })
    expect(cloud.auth).toHaveProperty('password', 'pw')
  })

  it('is in no project when none is named', async () => {
    const { scope } = await loadCloud('test', await home({ [usual]: entry('user_id: u\npassword: pw') }))
    expect(scope).toBe('unscoped')
  })

  it.each(['auth_type: v3token', 'auth_type: token', ''])('is by token (%s)', async (rest) => {
    const { auth } = await loadCloud('test', await home({ [usual]: entry('token: tk\nproject_id: p', rest) }))
    expect(auth.method).toBe('token')
    expect(auth).toHaveProperty('token', 'tk')
  })

  it.each(['auth_type: v3applicationcredential', ''])(
    'is by application credential (%s), which has its own scope',
    async (rest) => {
      const text = entry('application_credential_id: ac\napplication_credential_secret: s', rest)
      const { auth, scope } = await loadCloud('test', await home({ [usual]: text }))
      expect(auth).toMatchObject({ method: 'application_credential', credential: { id: 'ac' } })
      expect(auth).toHaveProperty('secret', 's')
      expect(scope).toBeUndefined()
    },
  )

  it('keeps a password as it is written, digits too', async () => {
    const { auth } = await loadCloud('test', await home({ [usual]: entry('user_id: u\npassword: 0123') }))
    expect(auth).toHaveProperty('password', '0123')
  })

  it('may be completed by secure.yaml, which wins', async () => {
    const secure = 'clouds:\n  test:\n    auth:\n      password: from-secure\n  other: {}\n'
    const env = await home({ [usual]: entry('user_id: u\npassword: old'), '.config/openstack/secure.yaml': secure })
    const { auth, authUrl: url } = await loadCloud('test', env)
    expect(auth).toHaveProperty('password', 'from-secure')
    expect(url).toBe(authUrl)
  })

  it('may share settings between clouds', async () => {
    const text = `x: &common\n  interface: admin\nclouds:\n  test:\n    <<: *common\n    auth: { auth_url: ${authUrl}, user_id: u, password: pw }\n`
    expect((await loadCloud('test', await home({ [usual]: text }))).interface).toBe('admin')
  })

  it('comes whole from the environment', async () => {
    const cloud = await loadCloud(undefined, {
      OS_AUTH_URL: authUrl,
      OS_USERNAME: 'steward',
      OS_PASSWORD: 'pw',
      OS_TENANT_NAME: 'service',
      OS_USER_DOMAIN_ID: 'd',
      OS_REGION_NAME: '',
      OS_ENDPOINT_TYPE: 'internalURL',
      OS_INSECURE: 'true',
    })
    expect(cloud).toEqual({
      authUrl,
      auth: { method: 'password', user: { name: 'steward', domain: { id: 'd' } } },
      scope: { project: { name: 'service', domain: { id: 'default' } } },
      interface: 'internal',
      tls: { verify: false },
    })
  })

  it('shows its secret to nobody who prints or stores the configuration', async () => {
    const cloud = await loadCloud('test', await home({ [usual]: entry('user_id: u\npassword: CANARY') }))
    expect(inspect(cloud, { depth: null, showHidden: true }) + JSON.stringify(cloud)).not.toContain('CANARY')
  })
})

describe('TLS', () => {
  it('takes authority, certificate and key from files', async () => {
    const rest = 'cacert: ~/ca.pem\ncert: ~/cert.pem\nkey: ~/key.pem\nverify: True'
    const files = { [usual]: entry(password, rest), 'ca.pem': 'CA', 'cert.pem': 'CERT', 'key.pem': 'KEY' }
    const { tls } = await loadCloud('test', await home(files))
    expect(tls).toEqual({ verify: true, ca: 'CA', cert: 'CERT' })
    expect(tls.key).toBe('KEY')
  })

  it.each([
    ['verify: false', false],
    ['verify: no', false],
    ['verify: "1"', true],
    ['verify:', true],
    ['insecure: yes', false],
    ['', true],
  ])('is checked or not: %s', async (rest, verify) => {
    expect((await loadCloud('test', await home({ [usual]: entry(password, rest) }))).tls.verify).toBe(verify)
  })
})

describe('a mistake', () => {
  it.each<[string, string, string]>([
    ['no password', entry('username: steward'), 'clouds.test.auth.password is missing'],
    ['no user', entry('password: pw'), 'clouds.test.auth.username is missing'],
    [
      'no secret',
      entry('application_credential_id: a', 'auth_type: v3applicationcredential'),
      'clouds.test.auth.application_credential_secret is missing',
    ],
    ['no token', entry('username: x', 'auth_type: token'), 'clouds.test.auth.token is missing'],
    ['no auth', 'clouds:\n  test:\n    region_name: R\n', 'clouds.test.auth is missing'],
    ['no URL', 'clouds:\n  test:\n    auth:\n      username: x\n', 'clouds.test.auth.auth_url is missing'],
    [
      'a URL without scheme',
      'clouds:\n  test:\n    auth:\n      auth_url: keystone:5000\n',
      'clouds.test.auth.auth_url is no http(s) URL without user and query',
    ],
    [
      'a URL with a login',
      'clouds:\n  test:\n    auth:\n      auth_url: http://a:b@keystone\n',
      'clouds.test.auth.auth_url is no http(s) URL without user and query',
    ],
    [
      'an unknown kind of login',
      entry(password, 'auth_type: v3oidc'),
      'clouds.test.auth_type is none of password, token, v3applicationcredential',
    ],
    [
      'an unknown interface',
      entry(password, 'interface: secret'),
      'clouds.test.interface is none of public, internal, admin',
    ],
    ['a doubtful verify', entry(password, 'verify: maybe'), 'clouds.test.verify is neither true nor false'],
    [
      'a missing CA',
      entry(password, 'cacert: /nowhere/ca.pem'),
      'clouds.test.cacert names a file that does not exist: /nowhere/ca.pem',
    ],
    ['no clouds', 'cloud: {}', 'clouds is missing'],
    ['an empty file', '', 'clouds is missing'],
    ['broken YAML', 'clouds:\n  test:\n    auth: {password: "CANARY\n', 'line 4 is no YAML: MISSING_CHAR'],
  ])('is named with file and field: %s', async (_what, text, message) => {
    const env = await home({ [usual]: text })
    const error = await rejection(loadCloud('test', env))
    expect(codeOf(error)).toBe('CONFIG_INVALID')
    expect(error.message).toContain(`${join(env.HOME, usual)}: ${message}`)
    expect(detailsOf(error)).toMatchObject({ file: join(env.HOME, usual) })
    expect(inspect(error)).not.toContain('CANARY')
  })

  it('in the environment is named as its variable', async () => {
    const message = async (env: Record<string, string>) => (await rejection(loadCloud(undefined, env))).message
    expect(await message({ OS_AUTH_URL: authUrl, OS_USERNAME: 'x' })).toBe('the environment: OS_PASSWORD is missing')
    expect(await message({ OS_AUTH_URL: 'keystone' })).toMatch(/^the environment: OS_AUTH_URL is no http/)
    expect(await message({ OS_AUTH_URL: authUrl, OS_ENDPOINT_TYPE: 'x' })).toMatch(
      /^the environment: OS_ENDPOINT_TYPE is none of/,
    )
  })
})
