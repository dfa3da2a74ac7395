import { beforeEach, describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { type PowerRigOptions, powered } from './power-rig.ts'
import { setUp, stopTheClock } from './rig.ts'

beforeEach(stopTheClock)

/** compute1 as a node of the fake Ironic. */
async function atIronic(options: PowerRigOptions = {}) {
  const rig = await setUp()
  const node = rig.cloud.addNode('node1')
  const { sessions } = rig
  return { ...rig, node, ...powered({ way: { ironic: { node: 'node1' } }, sessions, rig, ...options }) }
}

const orders = ({ world }: { world: { effects: readonly { kind: string }[] } }) => world.effects.map(({ kind }) => kind)

describe('the power of a host by Ironic', () => {
  it('is read as Ironic wrote it down', async () => {
    const { look } = await atIronic()
    expect(await look()).toEqual({
      host: 'compute1',
      state: 'on',
      way: 'ironic',
      asked: 'baremetal GET /v1/nodes/node1',
      said: 'power_state: power on',
      at: '2026-11-20T10:00:00.000Z',
    })
  })

  it('is changed with the rights of the standing delegation, and all requests carry the id of the run', async () => {
    const { off, on, cloud, requestId } = await atIronic()
    expect(await off()).toMatchObject({ outcome: 'turned off' })
    expect(await on()).toMatchObject({ outcome: 'turned on' })
    expect(await off('graceful')).toMatchObject({ outcome: 'turned off' })
    expect(orders(cloud)).toEqual(['ironic power off', 'ironic power on', 'ironic soft power off'])
    for (const { userId, sentRequestId } of cloud.effects)
      expect([userId, sentRequestId]).toEqual([cloud.user('olga').id, requestId])
  })

  it('is unknown while it is being changed', async () => {
    const { look, node } = await atIronic()
    Object.assign(node, { target: 'power off' })
    const said = 'power_state: power on; target: power off'
    expect(await look()).toMatchObject({ state: 'unknown', heading: 'off', said })
  })

  it.each([
    ['the node is in maintenance', { maintenance: true, power: 'power off' }, 'is in maintenance: Ironic does not'],
    ['Ironic has none', { power: null }, 'has no power state that Ironic knows: null'],
    ['Ironic could not read it', { power: 'error' }, 'has no power state that Ironic knows: error'],
  ])('is unknown when %s, and nothing is ordered', async (_what, changes, says) => {
    const { look, off, node, cloud } = await atIronic()
    Object.assign(node, changes)
    for (const error of [await rejection(look()), await rejection(off())]) {
      expect(codeOf(error)).toBe('POWER_UNKNOWN')
      expect(error.message).toContain(says)
    }
    expect(orders(cloud)).toEqual([])
  })

  it('is left to a change under way, once it is known', async () => {
    const { off, node, cloud } = await atIronic()
    const pending = { to: 'power off', atMs: Date.now() + 4_000 }
    Object.assign(node, { target: 'power off', pending })
    expect(await off('graceful')).toMatchObject({ outcome: 'was off' })
    expect(orders(cloud)).toEqual([])
  })

  it('is not forced on a node that Ironic works on; that may be tried again', async () => {
    const { off, node } = await atIronic()
    Object.assign(node, { target: 'power off' })
    const error = await rejection(off('hard'))
    expect(codeOf(error)).toBe('CLOUD_BUSY')
    expect(error.message).toMatch(/is locked by host conductor1/)
  })

  it('that Ironic could not change is told with its reason', async () => {
    const { off, node } = await atIronic()
    node.powerFault = 'IPMI call failed'
    const error = await rejection(off('hard', 30))
    expect(codeOf(error)).toBe('POWER_UNCHANGED')
    expect(error.message).toMatch(/last_error: Failed to change power state to 'power off': IPMI call failed$/)
  })

  it('is looked at when the answer to an order was lost', async () => {
    const { off, cloud } = await atIronic()
    cloud.fail({ service: 'baremetal', method: 'PUT' }, 'reset after effect')
    expect(await off()).toMatchObject({ outcome: 'turned off' })
    expect(orders(cloud)).toEqual(['ironic power off'])
  })

  it('of a node that is not there, or not for its owner, is refused', async () => {
    const { sessions, run, heartbeats } = await atIronic()
    const { look } = powered({ way: { ironic: { node: 'node9' } }, sessions, rig: { run, heartbeats } })
    const error = await rejection(look())
    expect([codeOf(error), error.message]).toEqual([
      'CLOUD_REFUSED',
      'baremetal answered 404 to GET /v1/nodes/node9: Node node9 could not be found.',
    ])
  })
})
