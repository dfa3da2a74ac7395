import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { checkPath, createCatalog, joinPath } from '../../openstack/catalog.ts'

const endpoint = (url: string, region = 'RegionOne', face = 'public') => ({ interface: face, region_id: region, url })
const codeThrown = (act: () => unknown) => {
  try {
    act()
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

describe('the catalogue', () => {
  const catalog = createCatalog([
    {
      type: 'compute',
      endpoints: [endpoint('http://nova/v2.1'), endpoint('http://nova-int/v2.1/', 'RegionOne', 'internal')],
    },
    { type: 'volumev2', endpoints: [endpoint('http://cinder/v2')] },
    { type: 'volumev3', endpoints: [endpoint('http://cinder/v3')] },
    { type: 'network', endpoints: [endpoint('http://neutron-1'), endpoint('http://neutron-2', 'RegionTwo')] },
    { type: 'image', endpoints: [{ interface: 'publicURL', region: 'RegionOne', url: 'http://glance' }] },
    { type: 'dns', endpoints: [endpoint('ftp://designate')] },
    { type: 'key-manager', endpoints: [endpoint('http://user:pass@barbican')] },
  ])

  it('leads to the endpoint of the interface asked for, public if none is', () => {
    expect(catalog.endpoint('compute')).toBe('http://nova/v2.1')
    expect(catalog.endpoint('compute', { interface: 'internal' })).toBe('http://nova-int/v2.1')
    expect(catalog.endpoint('image')).toBe('http://glance')
  })

  it('finds a service under the other names of its type, but never an older API', () => {
    expect(catalog.endpoint('block-storage')).toBe('http://cinder/v3')
    expect(catalog.endpoint('block-store')).toBe('http://cinder/v3')
    expect(catalog.endpoint('volumev2')).toBe('http://cinder/v2')
    const old = createCatalog([{ type: 'volumev2', endpoints: [endpoint('http://cinder/v2')] }])
    expect(codeThrown(() => old.endpoint('block-storage'))).toBe('SERVICE_UNKNOWN')
  })

  it('takes the region asked for and does not guess one', () => {
    expect(catalog.endpoint('network', { region: 'RegionTwo' })).toBe('http://neutron-2')
    expect(() => catalog.endpoint('network')).toThrow('name one of RegionOne, RegionTwo')
  })

  it('does not know what is not there', () => {
    expect(codeThrown(() => catalog.endpoint('placement'))).toBe('SERVICE_UNKNOWN')
    expect(codeThrown(() => catalog.endpoint('compute', { region: 'RegionTwo' }))).toBe('SERVICE_UNKNOWN')
    expect(codeThrown(() => catalog.endpoint('compute', { interface: 'admin' }))).toBe('SERVICE_UNKNOWN')
  })

  it('is not trusted with URLs that are none of a service', () => {
    expect(codeThrown(() => catalog.endpoint('dns'))).toBe('CLOUD_ANSWER_UNREADABLE')
    expect(codeThrown(() => catalog.endpoint('key-manager'))).toBe('CLOUD_ANSWER_UNREADABLE')
  })
})

describe('a path', () => {
  it.each([
    ['http://nova/v2.1', '/servers', 'http://nova/v2.1/servers'],
    ['http://nova/v2.1/', '/servers/', 'http://nova/v2.1/servers/'],
    ['http://nova/v2.1/8ffc', '/servers?name=a%20b&limit=1', 'http://nova/v2.1/8ffc/servers?name=a%20b&limit=1'],
    ['http://placement', '/', 'http://placement/'],
    ['http://swift/v1/AUTH_1', '/box/a%2Fb%20c', 'http://swift/v1/AUTH_1/box/a%2Fb%20c'],
    ['http://nova/v2.1', '/servers/1/tags/büro', 'http://nova/v2.1/servers/1/tags/b%C3%BCro'],
    ['http://nova/v2.1', '/@evil.example', 'http://nova/v2.1/@evil.example'],
    ['http://nova/v2.1', '/servers?next=http://evil/../x', 'http://nova/v2.1/servers?next=http://evil/../x'],
    ['http://nova/v2.1', '/100%25', 'http://nova/v2.1/100%25'],
  ])('of %s and %s is joined', (base, path, joined) => {
    expect(joinPath(base, path)).toBe(joined)
  })

  it('may name the version that some catalogues have in the endpoint and some not', () => {
    expect(joinPath('http://neutron', '/v2.0/ports')).toBe('http://neutron/v2.0/ports')
    expect(joinPath('http://neutron/v2.0', '/v2.0/ports')).toBe('http://neutron/v2.0/ports')
    expect(joinPath('http://neutron/v2.0', '/v2.0x')).toBe('http://neutron/v2.0/v2.0x')
  })

  it.each([
    '',
    'servers',
    'http://evil/',
    '//evil/x',
    '/a//b',
    '/../x',
    '/a/..',
    '/a/./b',
    '/%2e%2e/x',
    '/.%2E/x',
    '/a%2f..%2fb',
    '/%252e%252e/x',
    '/%25252e%25252e/x',
    '/%2525252525252e',
    '/..;a=b/x',
    '/%2e%2e;/x',
    '/a\\b',
    '/a%5c..%5cb',
    '/a#b',
    '/a b',
    '/a\tb',
    '/a\nb',
    '/a\r\nHost: evil',
    '/a\u0000',
    '/a%00',
    '/a%0d%0ax',
    '/a\u00a0b',
    '/a\u202eb',
    '/a%',
    '/a%zz',
    '/%2f%2fevil',
    '/a%2f%2fb',
    '\\\\evil',
    ' /a',
    '@evil',
    ':80/a',
    '/a\ud800',
  ])('is refused: %j', (path) => {
    expect(codeThrown(() => joinPath('http://nova/v2.1', path))).toBe('PATH_REFUSED')
    expect(codeThrown(() => checkPath(path))).toBe('PATH_REFUSED')
  })

  it('never leads out of the endpoint, whatever it is made of', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '/',
        '..',
        '.',
        '%2e',
        '%2f',
        '%5c',
        '%25',
        '\\',
        '@',
        ':',
        '?',
        '#',
        '//',
        ';',
        'evil',
        'v2.1',
        '\t',
        '%00',
      ),
      fc.string({ maxLength: 4 }),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    const path = fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join('')}`)
    const bases = fc.constantFrom('http://nova', 'https://cloud.example:8774/compute/v2.1', 'http://nova/v2.1/8ffc')
    let joined = 0
    const staysInside = (base: string, given: string) => {
      let url: URL
      try {
        url = new URL(joinPath(base, given))
      } catch (error) {
        return codeOf(error) === 'PATH_REFUSED'
      }
      joined += 1
      const root = new URL(base)
      if (url.origin !== root.origin || url.username || url.password || url.hash) return false
      const prefix = root.pathname.replace(/\/$/, '')
      // whatever a server decodes, and however often, it finds no way up
      let seen = url.pathname
      for (let times = 0; times < 4; times += 1) {
        if (seen !== prefix && !seen.startsWith(`${prefix}/`)) return false
        if (seen.split(/[/\\]/).includes('..')) return false
        seen = seen.replace(/%25/g, '%').replace(/%2e/gi, '.').replace(/%2f/gi, '/').replace(/%5c/gi, '\\')
      }
      return true
    }
    fc.assert(fc.property(bases, path, staysInside), { numRuns: 5_000 })
    expect(joined).toBeGreaterThan(100)
  }, 30_000)
})
