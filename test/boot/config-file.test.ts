import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { hashOf } from '../../api/access.ts'
import { parseConfig, readConfig, readSources } from '../../boot/config-file.ts'
import { codeOf, messageOf } from '../../core/errors.ts'
import { whyNot } from './why-not.ts'

/** A folder with these files, gone when the test ends. */
async function folder(files: Record<string, string> = {}): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'steward-config-'))
  onTestFinished(() => rm(path, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
  return path
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(codeOf(error)).toBe('CONFIG_INVALID')
  return messageOf(error)
}

describe('steward.yaml', () => {
  it.each(['', '# nothing yet\n', '{}'])('may be as good as empty (%j): there are defaults for all', (text) => {
    const config = parseConfig(text, 'steward.yaml')
    expect(config).toMatchObject({
      listen: { host: '127.0.0.1', port: 8774 },
      codec: { host: '127.0.0.1', origins: [] },
      sources: [],
      policies: [],
      operatorRole: 'admin',
      delegation: { maxDays: 370 },
    })
  })

  it.each([
    ['listen:\n  host: 0.0.0.0\n  port: http\n', 'steward.yaml:3: listen.port: '],
    ['cloud: mine\n\nlistn:\n  port: 1\n', 'steward.yaml:4: listn: Unrecognized key'],
    ['cloud: mine\nlisten:\n  port: 1\n  prot: 2\n', 'steward.yaml:4: listen.prot: Unrecognized key'],
    ['sources:\n  - name: am\n    kind: alertmanger\n    tokenEnv: T\n', 'steward.yaml:3: sources.0.kind: '],
    ['sources:\n  - name: am\n    kind: logs\n', 'steward.yaml:2: sources.0: give tokenFile or tokenEnv'],
    ['delegation:\n  maxDays: 0\n', 'steward.yaml:2: delegation.maxDays: '],
    ['- a\n- b\n', 'steward.yaml:1: the file: '],
    ['just words', 'steward.yaml:1: the file: '],
    ['listen: {port: 1\ncloud: x', 'steward.yaml: '],
    ['a: 1\na: 2\n', 'steward.yaml: '],
    ['a: 1\n---\nb: 2\n', 'steward.yaml: '],
  ])('is refused, naming line and field (%j)', (text, says) => {
    expect(whyNot(text)).toContain(says)
  })

  it('is refused with all that is wrong with it at once', () => {
    const said = whyNot('listen:\n  port: http\ncodec:\n  port: -1\n')
    expect(said).toContain('steward.yaml:2: listen.port: ')
    expect(said).toContain('steward.yaml:4: codec.port: ')
  })

  it('is refused when it holds a secret in place of the name of its file', () => {
    expect(whyNot('sources:\n  - name: am\n    kind: logs\n    token: 0123456789abcdef\n')).toContain('sources.0.token')
  })

  it('is refused when a few lines would become a giant', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi', 'ij'])
      bomb.push(`${to}: &${to} [${Array.from({ length: 10 }, () => `*${from}`).join(', ')}]`)
    expect(whyNot(bomb.join('\n'))).toBe('steward.yaml: aliases (*name) are not taken')
    expect(whyNot('a: *nowhere')).toMatch(/^steward\.yaml: /)
  })

  it('is refused when two policies have one name', () => {
    const policy = '  - {name: dead, kind: binary, when: {}, runbook: restart-service}\n'
    expect(whyNot(`policies:\n${policy}${policy}`)).toBe('steward.yaml: two policies are named dead')
  })

  it.each([
    ['ssh command with a shell in it', 'restart: [systemctl, restart, "nova; reboot"]'],
    ['ssh command that is one word list', 'restart: systemctl restart nova'],
    ['ssh command without words', 'restart: []'],
  ])('is refused with an %s', (_what, command) => {
    const said = whyNot(`ssh:
  user: steward
  keyFile: k
  knownHostsFile: h
  hosts:
    cmp-1:
      address: 10.0.0.1
      services:
        nova-compute: {${command}}
`)
    expect(said).toContain('ssh.hosts.cmp-1.services.nova-compute.restart')
  })
})

describe('http', () => {
  const secret = 'name: tickets, file: t, hosts: [tickets.example]'

  it('has each secret once', () => {
    expect(() => parseConfig(`http: {secrets: [{${secret}}, {${secret}}]}`, 'my.yaml')).toThrow(
      'my.yaml: two HTTP secrets are named tickets',
    )
  })

  it.each(['10.0.0.0/33', '10.0.0.300', 'https://x.example', 'UPPER.example', ''])('cannot allow %j', (entry) => {
    expect(() => parseConfig(`http: {allow: ['${entry}']}`, 'my.yaml')).toThrow('http.allow')
  })

  it('allows ranges, addresses and names', () => {
    const allow = ['10.0.0.0/8', 'fd00::/8', '10.0.0.1', '::1', 'tickets.internal', 'localhost']
    expect(parseConfig(JSON.stringify({ http: { allow } }), 'my.yaml').http.allow).toEqual(allow)
  })
})

describe('the file', () => {
  it('gives its own folder to relative paths, and leaves absolute ones alone', async () => {
    const path = await folder({
      'my.yaml': `dataDir: data
keys: {file: /etc/steward/keys.json}
sources:
  - {name: am, kind: alertmanager, tokenFile: am.token}
  - {name: logs, kind: logs, tokenFile: /run/secrets/logs}
  - {name: env, kind: logs, tokenEnv: TOKEN}
ssh: {user: steward, keyFile: id, knownHostsFile: ../known_hosts, hosts: {}}
http: {secrets: [{name: tickets, file: t.token, hosts: [tickets.example]}]}
`,
    })
    const config = await readConfig(join(path, 'my.yaml'))
    expect(config.dataDir).toBe(join(path, 'data'))
    expect(config.http.secrets.map(({ file }) => file)).toEqual([join(path, 't.token')])
    expect(config.keys.file).toBe('/etc/steward/keys.json')
    expect(config.sources.map(({ tokenFile }) => tokenFile)).toEqual([
      join(path, 'am.token'),
      '/run/secrets/logs',
      undefined,
    ])
    expect(config.ssh).toMatchObject({ keyFile: join(path, 'id'), knownHostsFile: join(path, '../known_hosts') })
  })

  it('keeps the keys with the data when nothing else is said', async () => {
    const path = await folder({ 'my.yaml': 'dataDir: data' })
    expect((await readConfig(join(path, 'my.yaml'))).keys.file).toBe(join(path, 'data/keys.json'))
  })

  it('is the one STEWARD_CONFIG names, when none is given', async () => {
    const path = await folder({ 'env.yaml': 'cloud: from-env', 'given.yaml': 'cloud: given' })
    vi.stubEnv('STEWARD_CONFIG', join(path, 'env.yaml'))
    onTestFinished(() => void vi.unstubAllEnvs())
    expect((await readConfig()).cloud).toBe('from-env')
    expect((await readConfig(join(path, 'given.yaml'))).cloud).toBe('given')
  })

  it('must be there when it was named', async () => {
    const path = join(await folder(), 'missing.yaml')
    expect(await refusal(readConfig(path))).toBe(`${path} cannot be read: ENOENT`)
  })

  it('must be a file', async () => {
    const path = await folder()
    expect(await refusal(readConfig(path))).toBe(`${path} cannot be read: EISDIR`)
  })
})

describe('the token of a source', () => {
  const source = (changes: object) => ({ sources: [{ name: 'am', kind: 'alertmanager' as const, ...changes }] })
  const token = '0123456789abcdef'

  it('is read from its file or the environment, without the line feed, and kept as a hash', async () => {
    const path = await folder({ token: `${token}\n` })
    vi.stubEnv('AM_TOKEN', ` ${token} `)
    onTestFinished(() => void vi.unstubAllEnvs())
    const expected = [{ name: 'am', kind: 'alertmanager', tokenHash: hashOf(token) }]
    expect(await readSources(source({ tokenFile: join(path, 'token') }))).toEqual(expected)
    expect(await readSources(source({ tokenEnv: 'AM_TOKEN' }))).toEqual(expected)
  })

  it('has to be there', async () => {
    const path = join(await folder(), 'missing')
    const says = `source am: its tokenFile ${path} cannot be read: ENOENT`
    expect(await refusal(readSources(source({ tokenFile: path })))).toBe(says)
    expect(await refusal(readSources(source({ tokenEnv: 'STEWARD_TEST_UNSET' })))).toMatch(/^source am: /)
  })

  it.each(['', '\n', token.slice(1), ` ${token.slice(1)}\n`])('has to have sixteen characters (%j)', async (short) => {
    const path = await folder({ token: short })
    const said = await refusal(readSources(source({ tokenFile: join(path, 'token') })))
    expect(said).toBe('source am: its token is missing or shorter than 16 characters')
  })
})
