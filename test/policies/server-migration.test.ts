import { describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import { type MigrationFacts, migrationsIn, type ServerFacts, serverIn } from '../../policies/nova-facts.ts'
import {
  doubtsAbout,
  hasEnded,
  isWaiting,
  limitSecondsOf,
  type MigrationKind,
  whyNotMoved,
  whyNotSettled,
  whyNotTaken,
} from '../../policies/server-migration.ts'

const server = (more: Partial<ServerFacts> = {}): ServerFacts => ({
  ...{ id: 's', name: 'web-1', status: 'ACTIVE', vmState: 'active', taskState: null, locked: false },
  ...{ host: 'a', node: 'a.example.org', memoryMiB: 512, extraSpecs: {}, hasConfigDrive: false, isPowered: true },
  ...more,
})

describe('a server is not moved', () => {
  const cases: [string, MigrationKind, Partial<ServerFacts>, string | undefined][] = [
    ['when it is on no host', 'live', { host: '' }, 'it is on no host'],
    ['while it is busy', 'live', { taskState: 'rebooting' }, 'it is busy: rebooting'],
    ['while it is locked', 'cold', { locked: true }, 'it is locked'],
    [
      'live while it is off',
      'live',
      { vmState: 'stopped' },
      'it is stopped, and only active and paused servers are moved live',
    ],
    [
      'cold while it is paused',
      'cold',
      { vmState: 'paused' },
      'it is paused, and only active and stopped servers are moved cold',
    ],
    [
      'live with an accelerator',
      'live',
      { extraSpecs: { 'accel:device_profile': 'fpga' } },
      'it has an accelerator (flavor: accel:device_profile=fpga)',
    ],
    [
      'live with a TPM whose secret is its own',
      'live',
      { extraSpecs: { 'hw:tpm_version': '2.0' } },
      'the secret of its TPM belongs to its user, so it cannot be moved live',
    ],
    [
      'but with a TPM of the deployment it is',
      'live',
      { extraSpecs: { 'hw:tpm_version': '2.0', 'hw:tpm_secret_security': 'deployment' } },
      undefined,
    ],
    ['but cold with an accelerator it is', 'cold', { extraSpecs: { 'accel:device_profile': 'fpga' } }, undefined],
    ['but live while it is paused it is', 'live', { vmState: 'paused' }, undefined],
  ]
  it.each(cases)('%s (P2 16, 21)', (_when, kind, more, why) => {
    expect(whyNotMoved(server(more), kind)).toBe(why)
  })
})

it('what Nova may refuse later is told beforehand (P2 21, 22)', () => {
  expect(doubtsAbout(server())).toEqual([])
  const odd = server({
    hasConfigDrive: true,
    extraSpecs: { 'hw:cpu_policy': 'dedicated', 'pci_passthrough:alias': 'gpu:1' },
  })
  expect(doubtsAbout(odd)).toEqual([
    'it is bound to NUMA cells, CPUs or huge pages',
    'it has PCI devices: only those that say `live_migratable` move',
    'it has a config drive, which older hosts cannot copy',
  ])
})

it.each([
  [256, 1600],
  [2048, 1600],
  [2049, 2400],
  [65_536, 51_200],
])('a server of %i MiB is given %i s (P2 19)', (memoryMiB, seconds) => {
  expect(limitSecondsOf(memoryMiB)).toBe(seconds)
})

it('a migration waits, runs and ends', () => {
  const told = ['queued', 'running', 'post-migrating', 'completed', 'finished', 'cancelled'].map((status) => {
    const migration = { status } as MigrationFacts
    return isWaiting(migration) ? 'waits' : hasEnded(migration) ? 'over' : 'runs'
  })
  expect(told).toEqual(['waits', 'runs', 'runs', 'over', 'over', 'over'])
})

describe('a server that has moved has not settled', () => {
  const moved = server({ host: 'b', node: 'b.example.org' })
  const holders = ['b.example.org']
  const port = { id: 'p', host: 'b', status: 'ACTIVE' }
  const wanted = { from: 'a', to: 'b', statuses: ['ACTIVE'] }
  it.each([
    ['while it is busy', { server: { ...moved, taskState: 'migrating' }, holders }, 'it is busy: migrating'],
    ['where it came from', { server: server(), holders }, 'it is still on a'],
    ['on another host than was wanted', { server: { ...moved, host: 'c' }, holders }, 'it is on c, not on b'],
    ['in another state', { server: { ...moved, status: 'ERROR' }, holders }, 'its status is ERROR, not ACTIVE'],
    [
      'while two hosts hold room for it',
      { server: moved, holders: ['a.example.org', ...holders] },
      'room is still held for it on a.example.org',
    ],
    ['while none holds room for it', { server: moved, holders: [] }, 'no room is held for it'],
    [
      'while a port is elsewhere',
      { server: moved, holders, ports: [{ ...port, host: 'a' }] },
      'its port p is ACTIVE on a',
    ],
    [
      'while a port is down',
      { server: moved, holders, ports: [{ ...port, status: 'DOWN' }] },
      'its port p is DOWN on b',
    ],
  ])('%s (P2 30)', (_when, place, why) => {
    expect(whyNotSettled(place, wanted)).toBe(why)
  })

  it('otherwise it has, also in a cloud without Neutron', () => {
    expect(whyNotSettled({ server: moved, holders, ports: [port] }, wanted)).toBeUndefined()
    expect(whyNotSettled({ server: moved, holders }, wanted)).toBeUndefined()
  })
})

it('a host takes servers when its service is up, enabled and not forced down', () => {
  const host = {
    id: 'i',
    host: 'b',
    zone: 'z',
    isUp: true,
    isEnabled: true,
    isForcedDown: false,
    disabledReason: '',
    reportedAt: '',
  }
  expect(whyNotTaken(host)).toBeUndefined()
  expect(whyNotTaken({ ...host, isUp: false })).toBe('its nova-compute is down')
  expect(whyNotTaken({ ...host, isUp: false, isForcedDown: true })).toBe('it is forced down')
  expect(whyNotTaken({ ...host, isEnabled: false, disabledReason: 'new disks' })).toBe('it is disabled (new disks)')
})

it('what Nova does not say is not guessed', () => {
  for (const read of [() => serverIn({}), () => serverIn(undefined), () => migrationsIn({ migrations: [{}] })])
    expect(() => read()).toThrow(expect.toSatisfy((error: unknown) => codeOf(error) === 'CLOUD_ANSWER_UNREADABLE'))
})
