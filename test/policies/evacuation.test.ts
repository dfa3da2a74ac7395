import { describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { strandedIn, triage, whyNotDown } from '../../policies/evacuation.ts'
import type { ComputeService } from '../../policies/nova-facts.ts'

const server = (id: string, vmState = 'active', more: object = {}) => ({
  ...{ id, name: `name-${id}`, status: vmState.toUpperCase(), image: '', metadata: {} },
  ...{ flavor: { ram: 512 }, 'OS-EXT-STS:vm_state': vmState, 'OS-EXT-STS:task_state': null },
  ...more,
})
const sorted = (servers: object[], storage: 'shared' | 'volumes-only' = 'volumes-only') =>
  triage(strandedIn({ servers }), storage)

describe('the servers of a dead host', () => {
  it.each([
    ['P1 4: paused', server('a', 'paused'), 'it is paused, and Nova evacuates only active, stopped and error'],
    [
      'P1 7: with a TPM',
      server('a', 'active', { flavor: { ram: 1, extra_specs: { 'hw:tpm_version': '2.0' } } }),
      'it has a TPM, whose content would be lost',
    ],
    [
      'P1 3: with an image',
      server('a', 'active', { image: { id: 'i' } }),
      'part of its disks is on the host itself and would be made anew from its image',
    ],
    [
      'P1 3: with swap',
      server('a', 'active', { flavor: { ram: 1, swap: 1 } }),
      'part of its disks is on the host itself and would be made anew from its image',
    ],
  ])('stay when they would be lost, %s', (_which, one, why) => {
    expect(sorted([one])).toEqual({ go: [], stay: [{ id: 'a', name: 'name-a', why }], interrupted: [] })
  })

  it('go with their local disks where these are on shared storage', () => {
    expect(sorted([server('a', 'active', { image: { id: 'i' } })], 'shared').go).toHaveLength(1)
  })

  it('go in the order of their priority, those that ran first, the large ones first (P1 14)', () => {
    const order = sorted([
      ...[server('off', 'stopped'), server('small'), server('large', 'active', { flavor: { ram: 4096 } })],
      ...[server('broken', 'error'), server('first', 'stopped', { metadata: { 'steward:priority': '5' } })],
      server('odd', 'active', { metadata: { 'steward:priority': 'high' } }),
    ])
    expect(order.go.map(({ id }) => id)).toEqual(['first', 'large', 'odd', 'small', 'off', 'broken'])
  })

  it('are named when they are cut off in the middle of something (P1 5)', () => {
    expect(sorted([server('a', 'active', { 'OS-EXT-STS:task_state': 'powering-off' })]).interrupted).toEqual([
      'name-a: powering-off',
    ])
  })

  it('are not guessed when Nova does not show them', () => {
    expect(() => strandedIn({ servers: [{ id: 'a' }] })).toThrow(
      expect.toSatisfy((error: unknown) => codeOf(error) === 'CLOUD_ANSWER_UNREADABLE'),
    )
  })
})

describe('that a host is down', () => {
  const service = (host: string, more: Partial<ComputeService> = {}): ComputeService => ({
    ...{ id: host, host, zone: 'z', isUp: true, isEnabled: true, isForcedDown: false, disabledReason: '' },
    ...{ reportedAt: '2026-11-21T10:00:00.000000' },
    ...more,
  })
  const dead = service('dead', { isUp: false })
  const others = ['b', 'c', 'd'].map((host) => service(host))

  it('is believed when the others are well', () => {
    expect(whyNotDown([dead, ...others], 'dead')).toBeUndefined()
    expect(whyNotDown([dead, ...others], 'dead', dead)).toBeUndefined()
  })

  it('is not when Nova sees it up, or does not know it (P1 2)', () => {
    expect(whyNotDown([service('dead'), ...others], 'dead')?.code).toBe('HOST_UNFIT')
    expect(whyNotDown(others, 'dead')?.code).toBe('HOST_UNKNOWN')
  })

  it('is not when it reports although it was forced down', () => {
    const forced = { ...dead, isForcedDown: true }
    const alive = { ...forced, reportedAt: '2026-11-21T10:00:10.000000' }
    expect(whyNotDown([alive, ...others], 'dead', forced)?.code).toBe('HOST_CAME_BACK')
  })

  it.each([
    ['all are down', others.map((one) => ({ ...one, isUp: false }))],
    ['half are down', [others[0]!, { ...others[1]!, isUp: false }]],
    ['it is the only one', []],
  ])('is not believed when %s: that is the fault of something else', (_what, company) => {
    expect(whyNotDown([dead, ...company], 'dead')?.code).toBe('MASS_OUTAGE')
  })

  it('is believed beside hosts that are closed on purpose', () => {
    const closed = others.map((one) => ({ ...one, host: `${one.host}-closed`, isUp: false, isEnabled: false }))
    expect(whyNotDown([dead, ...others, ...closed], 'dead')).toBeUndefined()
  })
})
