import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig, readConfig } from '../../boot/config-file.ts'
import { whyNot } from './why-not.ts'

const host = (way: string) => `power:\n  hosts:\n    compute1: {${way}}\n`
const redfish = (more = '') => host(`redfish: {url: "https://bmc1", user: u, passwordFile: p${more}}`)
const ipmi = (more = '') => host(`ipmi: {address: bmc1, user: u, passwordFile: p${more}}`)
const command = (status: string) => host(`command: {status: ${status}, off: [/bin/off], on: [/bin/on]}`)

describe('power in steward.yaml', () => {
  it.each([
    ['a host without a way', host(''), 'power.hosts.compute1: give one of redfish, ipmi, ironic, command'],
    [
      'a host with two ways',
      host('ironic: {node: n}, ipmi: {address: a, user: u, passwordFile: p}'),
      'give one of redfish, ipmi, ironic, command',
    ],
    ['a way that there is not', host('wake-on-lan: {}'), 'power.hosts.compute1.wake-on-lan: Unrecognized key'],
    ['a password in the file itself', redfish(', password: secret'), 'redfish.password: Unrecognized key'],
    ['http:// to another machine', redfish().replace('https:', 'http:'), 'redfish.url: must be https://'],
    ['a login in the address', redfish().replace('bmc1', 'u:pw@bmc1'), 'redfish.url: must be https://'],
    ['a path in the address', redfish().replace('bmc1', 'bmc1/redfish/v1'), 'redfish.url: must be https://'],
    [
      'a host that only looks like this machine',
      redfish().replace('https://bmc1', 'http://127.evil.example'),
      'must be',
    ],
    ['a system elsewhere', redfish(', system: /redfish/v1/Systems/../Managers/1'), 'such as /redfish/v1/Systems/1'],
    ['a machine that is no UUID', redfish(', machineUuid: server-7'), 'redfish.machineUuid: '],
    ['an address that is an option', ipmi().replace('bmc1', '-bmc1'), 'ipmi.address: '],
    ['a user that no basic login can have', redfish().replace('user: u', 'user: "u:v"'), 'without a colon'],
    ['a user that is an option', ipmi().replace('user: u', 'user: -u'), 'must not begin with a dash'],
    ['a cipher suite without authentication', ipmi(', cipherSuite: 0'), 'ipmi.cipherSuite: '],
    ['a node that is a path', host('ironic: {node: ../chassis}'), 'ironic.node: '],
    ['a program without its path', command('[power, status]'), 'begins with the full path of a program'],
    ['a line for a shell', command('"/bin/power status"'), 'command.status: '],
    ['a confirmation at once', `${ipmi()}  confirmSeconds: 0\n`, 'power.confirmSeconds: '],
  ])('is refused with %s', (_what, text, says) => {
    expect(whyNot(text)).toContain(says)
  })

  it('says what it takes when nothing is said', () => {
    const { power } = parseConfig(ipmi(), 'steward.yaml')
    expect(power).toMatchObject({
      confirmSeconds: 10,
      timeoutSeconds: 20,
      hosts: { compute1: { ipmi: { port: 623 } } },
    })
    expect(parseConfig('', 'steward.yaml')).not.toHaveProperty('power')
  })

  it.each(['http://127.0.0.1:8000', 'http://localhost:8000', 'http://[::1]:8000', 'https://[2001:db8::1]'])(
    'takes %s',
    (url) => {
      const { power } = parseConfig(redfish().replace('https://bmc1', url), 'steward.yaml')
      expect(power?.hosts.compute1?.redfish?.url).toBe(url)
    },
  )

  it('gives its own folder to the files of passwords and certificates', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'steward-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'my.yaml')
    await writeFile(file, `${redfish(', caFile: /etc/ca.pem')}    compute2: {${ipmi().split('{').slice(1).join('{')}`)
    const { power } = await readConfig(file)
    expect(power?.hosts).toMatchObject({
      compute1: { redfish: { passwordFile: join(folder, 'p'), caFile: '/etc/ca.pem' } },
      compute2: { ipmi: { passwordFile: join(folder, 'p') } },
    })
  })
})
