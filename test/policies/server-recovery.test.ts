import { describe, expect, it } from 'vitest'
import type { MigrationFacts, ServerFacts } from '../../policies/nova-facts.ts'
import { diagnose } from '../../policies/server-recovery.ts'

const server = (more: Partial<ServerFacts> = {}): ServerFacts => ({
  ...{ id: 's', name: 'web-1', status: 'ERROR', vmState: 'error', taskState: null, locked: false },
  ...{ host: 'a', node: 'a', memoryMiB: 512, extraSpecs: {}, hasConfigDrive: false, isPowered: false },
  ...more,
})
const nowMs = Date.parse('2026-11-21T12:00:00Z')
const longAgo = { action: 'reboot', startedAt: '2026-11-21T11:00:00.000000', reason: '' }
const justNow = { ...longAgo, startedAt: '2026-11-21T11:50:00.000000' }
const look = (
  more: Partial<ServerFacts>,
  actions: readonly { action: string; startedAt: string; reason: string }[] = [longAgo],
  migrations: readonly Partial<MigrationFacts>[] = [],
) =>
  diagnose(
    { server: server(more), actions, migrations: migrations as MigrationFacts[] },
    { nowMs, olderThanMs: 30 * 60_000 },
  )

describe('a server', () => {
  it.each(['ACTIVE', 'SHUTOFF', 'PAUSED', 'SHELVED_OFFLOADED'])('in %s that does nothing is well', (status) => {
    expect(look({ status })).toEqual({ verdict: 'well', reason: `it is ${status} and does nothing` })
  })

  it('in ERROR is rebooted, and rebuilt if that does not help', () => {
    const failed = { ...longAgo, reason: 'the hypervisor went away' }
    expect(look({}, [failed])).toEqual({
      ...{ verdict: 'sick', steps: ['reboot', 'rebuild'] },
      reason: 'it is ERROR since reboot failed (the hypervisor went away)',
    })
  })

  it('in ERROR after a move may run elsewhere, so that a person is asked', () => {
    expect(look({}, [{ ...longAgo, action: 'live-migration' }])).toMatchObject({
      doubt: 'its last action was live-migration, so it may run on another host than a',
    })
  })

  it('that is stuck in a task for long has its state reset first', () => {
    expect(look({ status: 'ACTIVE', taskState: 'image_snapshot' })).toMatchObject({
      steps: ['reset-state', 'reboot', 'rebuild'],
      reason: 'it is ACTIVE, stuck in image_snapshot',
    })
  })

  it.each([
    [
      'whose task is young',
      { taskState: 'rebooting' },
      [justNow],
      [],
      'it is busy: rebooting since 2026-11-21T11:50:00.000000',
    ],
    ['whose task has no record', { taskState: 'rebooting' }, [], [], 'it is busy: rebooting'],
    [
      'that is being deleted',
      { taskState: 'deleting' },
      [longAgo],
      [],
      'it is stuck in deleting, which cannot be given up half done',
    ],
    [
      'that is being rebuilt',
      { taskState: 'rebuilding' },
      [longAgo],
      [],
      'it is stuck in rebuilding, which cannot be given up half done',
    ],
    [
      'that its owner wants off',
      { taskState: 'powering-off' },
      [longAgo],
      [],
      'it is stuck in powering-off, which cannot be given up half done',
    ],
    ['on its way to another host', {}, [longAgo], [{ uuid: 'm', status: 'running' }], 'its migration m is running'],
    [
      'that waits to be confirmed',
      { status: 'VERIFY_RESIZE' },
      [longAgo],
      [{ uuid: 'm', status: 'finished' }],
      'its migration m is finished',
    ],
    ['that is locked', { locked: true }, [longAgo], [], 'it is locked'],
    [
      'that was never built',
      { host: '' },
      [{ ...longAgo, action: 'create', reason: 'no valid host' }],
      [],
      'it was never built since create failed (no valid host): delete it and make it anew',
    ],
    [
      'of which nothing is known',
      { status: 'UNKNOWN' },
      [longAgo],
      [],
      'it is UNKNOWN: nothing is known of how to help it',
    ],
  ])('%s is left alone', (_which, more, actions, migrations, reason) => {
    expect(look(more, actions, migrations)).toEqual({ verdict: 'refused', reason })
  })
})
