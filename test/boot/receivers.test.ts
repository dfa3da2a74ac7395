import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { parseConfig, readConfig } from '../../boot/config-file.ts'
import { readReceivers } from '../../boot/receivers.ts'
import { codeOf, messageOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { whyNot } from './why-not.ts'

const token = '0123456789abcdef'
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const url = 'https://ops.example/hook'

const notify = (receiver: string) => `notify:\n  - ${receiver}\n`
const ops = (more = '') => notify(`{name: ops, kind: webhook, url: "${url}", on: [incident.escalated]${more}}`)

function environment(values: Record<string, string>): void {
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value)
  onTestFinished(() => void vi.unstubAllEnvs())
}

describe('notify in steward.yaml', () => {
  it.each([
    ['an event that there is not', ops().replace('escalated', 'exploded'), 'steward.yaml:2: notify.0.on.0: '],
    ['no event', ops().replace('incident.escalated', ''), 'notify.0.on: '],
    ['a kind that there is not', ops().replace('webhook', 'email'), 'notify.0.kind: '],
    ['no address', ops().replace(`url: "${url}", `, ''), 'give one of url, urlFile and urlEnv'],
    ['two addresses', ops(', urlEnv: HOOK'), 'give one of url, urlFile and urlEnv'],
    ['a token in the file itself', ops(`, token: ${token}`), 'notify.0.token: Unrecognized key'],
    ['two tokens', ops(', tokenFile: a, tokenEnv: B'), 'give tokenFile or tokenEnv'],
    ['two secrets', ops(', secretFile: a, secretEnv: B'), 'give secretFile or secretEnv'],
    ['http:// to another machine', ops().replace('https:', 'http:'), 'notify.0.url: must be https://'],
    ['another scheme', ops().replace('https:', 'file:'), 'notify.0.url: must be https://'],
    ['a login in the address', ops().replace('ops.example', 'me:pw@ops.example'), 'notify.0.url: must be https://'],
    ['PagerDuty without a routing key', notify('{name: pd, kind: pagerduty, on: [stop.pressed]}'), 'give tokenFile or'],
    ['the same name twice', `${ops()}${ops().replace('notify:\n', '')}`, 'two receivers are named ops'],
    ['a policy that there is not', ops(', policies: [dead]'), 'receiver ops names dead, which is no policy'],
  ])('is refused with %s', (_what, text, says) => {
    expect(whyNot(text)).toContain(says)
  })

  it.each(['http://127.0.0.1:9/x', 'http://localhost/x', 'http://[::1]:9/x'])(
    'takes %s, which is this machine',
    (own) => {
      expect(parseConfig(ops().replace(url, own), 'steward.yaml').notify[0]).toMatchObject({ name: 'ops', url: own })
    },
  )

  it('takes http:// to another machine when that was said', () => {
    const text = ops(', allowHttp: true').replace('https:', 'http:')
    expect(parseConfig(text, 'steward.yaml').notify[0]).toMatchObject({ url: 'http://ops.example/hook' })
  })

  it('gives its own folder to the files of secrets', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'steward-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const files = 'urlFile: url, tokenFile: /run/token, secretFile: key'
    await writeFile(join(folder, 'my.yaml'), notify(`{name: ops, kind: webhook, on: [stop.pressed], ${files}}`))
    expect((await readConfig(join(folder, 'my.yaml'))).notify[0]).toMatchObject({
      ...{ urlFile: join(folder, 'url'), tokenFile: '/run/token', secretFile: join(folder, 'key') },
    })
  })
})

describe('the secrets of a receiver', () => {
  const read = (text: string) => readReceivers(parseConfig(text, 'steward.yaml'))
  const refusal = async (text: string) => {
    const error = await rejection(read(text))
    expect(codeOf(error)).toBe('CONFIG_INVALID')
    return messageOf(error)
  }

  it('come from files or the environment, and are not seen', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'steward-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'key'), `${secret}\n`)
    environment({ HOOK: `${url}/CANARY`, TOKEN: ` ${token}` })
    const [receiver] = await read(
      notify(
        `{name: ops, kind: webhook, on: [stop.pressed], projects: [p], urlEnv: HOOK, tokenEnv: TOKEN, secretFile: ${folder}/key}`,
      ),
    )
    expect(receiver).toEqual({ name: 'ops', kind: 'webhook', on: ['stop.pressed'], projects: ['p'] })
    expect(receiver).toMatchObject({ name: 'ops' })
    expect([receiver?.url, receiver?.token, receiver?.key]).toEqual([`${url}/CANARY`, token, secret.slice(6)])
    for (const hidden of ['CANARY', token, secret.slice(6)])
      expect(inspect(receiver, { showHidden: true }) + JSON.stringify(receiver)).not.toContain(hidden)
  })

  it.each([
    ['', 'its token is missing'],
    ['short', 'its token is missing, shorter than 16 characters'],
    ['with a blank 0123456789', 'or no token'],
  ])('are refused when the token is %j', async (given, says) => {
    environment({ TOKEN: given })
    expect(await refusal(ops(', tokenEnv: TOKEN'))).toContain(says)
  })

  it.each(['', token, 'whsec_', 'whsec_c2hvcnQ=', `whsec_${'A'.repeat(100)}`, `${secret}!`])(
    'are refused when the key is %j',
    async (given) => {
      environment({ KEY: given })
      const says = 'receiver ops: its secret must be whsec_ and 24 to 64 bytes in base64'
      expect(await refusal(ops(', secretEnv: KEY'))).toBe(says)
    },
  )

  it('are refused when their file is not there, or the address they name is not safe', async () => {
    expect(await refusal(ops(', tokenFile: /nowhere/token'))).toBe(
      'receiver ops: its tokenFile /nowhere/token cannot be read: ENOENT',
    )
    const from = notify('{name: ops, kind: slack, on: [stop.pressed], urlEnv: HOOK}')
    for (const [given, says] of [
      ['', 'is no URL'],
      ['http://ops.example', 'is http:// and not this machine: say allowHttp if it must be'],
      ['https://me:CANARY@ops.example', 'holds a login: secrets are given by file'],
      ['ftp://ops.example', 'is neither https:// nor http://'],
    ] as const) {
      environment({ HOOK: given })
      expect(await refusal(from)).toBe(`receiver ops: its url ${says}`)
    }
  })
})
