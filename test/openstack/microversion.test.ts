import { describe, expect, it } from 'vitest'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { chooseMicroversion, createVersions, microversionHeaders, versionRoot } from '../../openstack/microversion.ts'
import { rejection } from './server.ts'

const nova = { version: { id: 'v2.1', status: 'CURRENT', version: '2.96', min_version: '2.1', links: [] } }
const placement = { versions: [{ id: 'v1.0', max_version: '1.39', min_version: '1.0', status: 'CURRENT', links: [] }] }
const novaRoot = {
  versions: [
    { id: 'v2.0', status: 'SUPPORTED', version: '', min_version: '' },
    { id: 'v2.1', status: 'CURRENT', version: '2.96', min_version: '2.1' },
  ],
}
const cinder = { versions: [{ id: 'v3.0', status: 'CURRENT', version: '3.71', min_version: '3.0' }] }
const neutron = { versions: [{ id: 'v2.0', status: 'CURRENT', links: [] }] }
const range = (root: string, document: unknown) => createVersions().range(root, 'x', async () => document)

describe('what a service offers', () => {
  it.each([
    ['Nova', 'http://nova/v2.1/', nova, { min: '2.1', max: '2.96' }],
    ['Nova without version in the catalogue', 'http://nova/', novaRoot, { min: '2.1', max: '2.96' }],
    ['the old Nova API', 'http://nova/v2.0/', novaRoot, undefined],
    ['Placement', 'http://placement/', placement, { min: '1.0', max: '1.39' }],
    ['Placement below a path', 'http://cloud/placement/', placement, { min: '1.0', max: '1.39' }],
    ['Cinder', 'http://cinder/v3/', cinder, { min: '3.0', max: '3.71' }],
    ['Neutron', 'http://neutron/', neutron, undefined],
  ])('is read from the versions document of %s', async (_who, root, document, expected) => {
    expect(await range(root, document)).toEqual(expected)
  })

  it.each([undefined, 'hello', {}, { versions: {} }, { version: { id: 'v2.1', version: 'new', min_version: '2.1' } }])(
    'is not guessed from %j',
    async (document) => {
      expect(codeOf(await rejection(range('http://nova/', document)))).toBe('CLOUD_ANSWER_UNREADABLE')
    },
  )

  it('is asked once in ten minutes, and again after a failure', async () => {
    let nowMs = 0
    let asked = 0
    const versions = createVersions({ now: () => nowMs })
    const read = async () => {
      asked += 1
      if (asked === 1) throw new Error('no answer')
      return nova
    }
    await rejection(versions.range('http://nova/', 'compute', read))
    await versions.range('http://nova/', 'compute', read)
    await versions.range('http://nova/', 'compute', read)
    expect(asked).toBe(2)
    nowMs = 600_000
    await versions.range('http://nova/', 'compute', read)
    expect(asked).toBe(3)
  })
})

describe('where a service describes its versions', () => {
  it.each([
    ['http://nova/v2.1', 'http://nova/v2.1/'],
    ['http://nova/v2.1/8ffca476cc4548849fdfc534212acc34', 'http://nova/v2.1/'],
    ['https://cloud/compute/v2.1', 'https://cloud/compute/v2.1/'],
    ['https://cloud/placement', 'https://cloud/placement/'],
    ['http://placement:8778', 'http://placement:8778/'],
  ])('%s is %s', (endpoint, root) => {
    expect(versionRoot(endpoint)).toBe(root)
  })
})

describe('choosing', () => {
  const offered = { min: '2.1', max: '2.96' }
  it.each([
    ['2.53', '2.96', '2.96'],
    ['2.53', '2.100', '2.96'],
    ['2.1', '2.90', '2.90'],
    ['2.96', '2.96', '2.96'],
    ['1.0', '2.9', '2.9'],
  ])('between %s and %s gives the highest both know', (min, max, chosen) => {
    expect(chooseMicroversion('compute', offered, { min, max })).toBe(chosen)
  })

  it.each([
    ['2.97', '2.100'],
    ['1.0', '1.9'],
    ['3.0', '3.1'],
  ])('between %s and %s is impossible and says what is offered', (min, max) => {
    const choose = async () => chooseMicroversion('compute', offered, { min, max })
    return rejection(choose()).then((error) => {
      expect(codeOf(error)).toBe('MICROVERSION_UNSUPPORTED')
      expect(detailsOf(error)).toMatchObject({ offered, wanted: { min, max } })
      expect(error.message).toBe(`compute offers 2.1 to 2.96; ${min} to ${max} is needed`)
    })
  })

  it('is impossible with a service that has none', async () => {
    const choose = async () => chooseMicroversion('network', undefined, { min: '1.0', max: '1.1' })
    expect((await rejection(choose())).message).toMatch('offers no microversions')
  })
})

describe('asking for a microversion', () => {
  it('takes the one common header, and the own one of services that know no other', () => {
    expect(microversionHeaders('compute', '2.96')).toEqual({ 'openstack-api-version': 'compute 2.96' })
    expect(microversionHeaders('placement', '1.39')).toEqual({ 'openstack-api-version': 'placement 1.39' })
    expect(microversionHeaders('volumev3', '3.71')).toEqual({ 'openstack-api-version': 'volume 3.71' })
    expect(microversionHeaders('baremetal', '1.90')).toMatchObject({ 'x-openstack-ironic-api-version': '1.90' })
  })
})
