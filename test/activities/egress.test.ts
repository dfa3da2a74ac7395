import type { LookupAddress } from 'node:dns'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Address, createEgress } from '../../activities/http/egress.ts'
import { codeOf } from '../../core/errors.ts'
import { HttpConfig } from '../../core/http-call.ts'
import { rejection } from '../openstack/server.ts'

const good: Address = { address: '93.184.215.14', family: 4 }
const of = (address: string): Address => ({ address, family: address.includes(':') ? 6 : 4 })
const leadingTo = (config: Partial<HttpConfig>, ...addresses: string[]) =>
  createEgress(HttpConfig.parse(config), async () => addresses.map(of))
const verdict = async (check: Promise<unknown>) =>
  check.then(
    () => 'passes',
    (error) => codeOf(error),
  )
const byName = (address: string, config: Partial<HttpConfig> = {}) =>
  verdict(leadingTo(config, address)('https://hooks.example/x'))
const literal = (host: string, config: Partial<HttpConfig> = {}) => verdict(leadingTo(config)(`https://${host}/x`))

const notPublic = [
  ...['0.0.0.0', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.8.8.8', '169.254.169.254', '172.16.0.1', '172.31.255.255'],
  ...['192.0.0.192', '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1'],
  ...['255.255.255.255', '100.100.100.200'],
  ...['::', '::1', '::ffff:93.184.215.14', '::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b:1::a00:1'],
  ...['100::1', '2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fec0::1'],
  ...['ff02::1', '5f00::1'],
]

describe('an HTTP call of a runbook', () => {
  it.each(['93.184.215.14', '8.8.8.8', '172.32.0.1', '2606:2800:21f::1', '2a00:1450::1'])(
    'may go to %s',
    async (to) => {
      expect(await byName(to)).toBe('passes')
    },
  )

  it.each(notPublic)('may not go to %s, neither by name nor by itself', async (to) => {
    expect(await byName(to)).toBe('ADDRESS_REFUSED')
    expect(await literal(to.includes(':') ? `[${to}]` : to)).toBe('ADDRESS_REFUSED')
  })

  it('may not go to an address on a link of this machine', async () => {
    expect(await byName('fe80::1%eth0', { allow: ['fe80::/10'] })).toBe('ADDRESS_REFUSED')
  })

  it.each(['0x7f000001', '2130706433', '127.1', '0177.0.0.1', '１２７.0.0.1'])(
    'is not deceived by another spelling of loopback, %s',
    async (host) => {
      expect(await literal(host)).toBe('ADDRESS_REFUSED')
    },
  )

  it('is refused when only one of the addresses of a name is not public', async () => {
    const error = await rejection(leadingTo({}, '93.184.215.14', '10.0.0.1')('https://hooks.example/x'))
    expect(error.message).toBe(
      'not called: hooks.example leads to 10.0.0.1, which is not public; if it may be called, list it in http.allow of steward.yaml',
    )
  })

  it('may go to a range that steward.yaml lists, and to nothing beside it', async () => {
    const config = { allow: ['10.1.0.0/16', 'fd12::/16', '10.9.9.9'] }
    for (const to of ['10.1.2.3', 'fd12::1', '10.9.9.9']) expect(await byName(to, config)).toBe('passes')
    for (const to of ['10.2.0.1', 'fd13::1', '10.9.9.8', '127.0.0.1'])
      expect(await byName(to, config)).toBe('ADDRESS_REFUSED')
  })

  it('may go to a name that steward.yaml lists, but never by that to the metadata of the machine', async () => {
    const config = { allow: ['hooks.example'] }
    expect(await byName('10.0.0.1', config)).toBe('passes')
    expect(await verdict(leadingTo(config, '10.0.0.1')('https://hooks.example./x'))).toBe('passes')
    expect(await verdict(leadingTo(config, '10.0.0.1')('https://other.example/x'))).toBe('ADDRESS_REFUSED')
    for (const to of ['169.254.169.254', 'fe80::1', '::ffff:10.0.0.1', 'fd00:ec2::254', '100.100.100.200'])
      expect(await byName(to, config)).toBe('ADDRESS_REFUSED')
  })

  it.each([
    ['http://hooks.example/', 'not called: the url is http://'],
    ['https://me:CANARY@hooks.example/', 'not called: the url holds a login'],
    ['https://hooks.example:8443/', 'not called: port 8443 of hooks.example is not in http.ports'],
    ['file:///etc/passwd', 'not called: the url is neither'],
    ['gopher://hooks.example/', 'not called: the url is neither'],
    ['hooks', 'not called: the url is no URL'],
  ])('is refused for %s', async (url, says) => {
    const error = await rejection(leadingTo({}, good.address)(url))
    expect(codeOf(error)).toBe('ADDRESS_REFUSED')
    expect(error.message).toContain(says)
    expect(error.message).not.toContain('CANARY')
  })

  it('over http:// is refused also on this machine: its port is not listed', async () => {
    expect(await verdict(leadingTo({}, '127.0.0.1')('http://localhost/'))).toBe('ADDRESS_REFUSED')
  })

  it('over http:// goes where steward.yaml allows it, on a port that it lists', async () => {
    const config = { allowHttp: true, ports: [443, 80] }
    expect(await verdict(leadingTo(config, good.address)('http://hooks.example/'))).toBe('passes')
  })

  it('connects to what was checked, whatever the name leads to a moment later', async () => {
    let asked = 0
    const egress = createEgress(HttpConfig.parse({}), async () => [asked++ === 0 ? good : of('127.0.0.1')])
    const { lookup } = await egress('https://hooks.example/x')
    const all = await new Promise<unknown>((resolve) =>
      lookup('hooks.example', { all: true }, (_, found) => resolve(found)),
    )
    const one = await new Promise<unknown>((resolve) => lookup('hooks.example', {}, (_, found) => resolve(found)))
    expect([all as LookupAddress[], one, asked]).toEqual([[good], good.address, 1])
  })

  it('to a name that leads nowhere can be made later', async () => {
    const egress = createEgress(HttpConfig.parse({}))
    expect(codeOf(await rejection(egress('https://no-such-name.invalid/')))).toBe('ENDPOINT_UNREACHABLE')
  })

  it('reaches no IPv4 address inside 10/8 in whatever way it is written', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0x0a000000, max: 0x0affffff }), async (n) => {
        const dotted = [24, 16, 8, 0].map((shift) => (n >>> shift) & 255).join('.')
        for (const host of [dotted, String(n), `0x${n.toString(16)}`, `[::ffff:${dotted}]`, `[64:ff9b::${dotted}]`])
          expect(await literal(host)).toBe('ADDRESS_REFUSED')
      }),
      { numRuns: 50 },
    )
  })
})
