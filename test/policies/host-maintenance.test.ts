import { describe, expect, it } from 'vitest'
import { closers, isOwnReason, mayReturn, ownReason } from '../../policies/host-maintenance.ts'
import type { ComputeService, MigrationFacts } from '../../policies/nova-facts.ts'

const host = (more: Partial<ComputeService> = {}): ComputeService => ({
  ...{ id: 'i', host: 'a', zone: 'z', isUp: true, isEnabled: false, isForcedDown: false },
  ...{ disabledReason: 'steward drain-host: new disks', reportedAt: '' },
  ...more,
})
const from = (...statuses: string[]) => statuses.map((status) => ({ status, serverId: 's' }) as MigrationFacts)
const may = (more: Partial<ComputeService>, evacuations: MigrationFacts[] = [], force = false) =>
  mayReturn(host(more), evacuations, { force })

describe('a reason of ours', () => {
  it.each(closers)('is known again: %s', (runbook) => {
    expect(isOwnReason(ownReason(runbook, 'x'.repeat(500)))).toBe(true)
    expect(ownReason(runbook, 'x'.repeat(500))).toHaveLength(255)
  })

  it('is that of a plan, too', () => {
    expect(isOwnReason('steward plan/7c2f')).toBe(true)
  })

  it.each(['', 'new disks', 'steward plan', 'not steward drain-host: x'])('is not %j', (reason) => {
    expect(isOwnReason(reason)).toBe(false)
  })
})

describe('a host', () => {
  it('that is up and enabled is open already', () => {
    expect(may({ isEnabled: true })).toEqual({ verdict: 'open', reason: 'a is up and enabled' })
  })

  it('may return when Steward closed it', () => {
    expect(may({})).toEqual({
      ...{ verdict: 'closed', isForeign: false, unsettled: 0 },
      reason: 'disabled for "steward drain-host: new disks"',
    })
  })

  it('may not while evacuations from it are under way, forced or not (P1 10)', () => {
    for (const status of ['accepted', 'pre-migrating'])
      for (const force of [false, true]) expect(may({}, from('done', status), force).verdict).toBe('refused')
  })

  it('has to settle those that are done first (P1 11)', () => {
    expect(may({ isUp: false, isForcedDown: true }, from('done', 'done', 'completed', 'error'))).toMatchObject({
      ...{ verdict: 'closed', unsettled: 2 },
      reason: 'forced down, disabled for "steward drain-host: new disks"',
    })
  })

  it('that somebody else closed needs a word', () => {
    expect(may({ disabledReason: '' })).toEqual({
      verdict: 'refused',
      reason: 'somebody else has disabled a, without a reason; `force` asks a person about it',
    })
    expect(may({ disabledReason: 'ask paul' }, [], true)).toMatchObject({ verdict: 'closed', isForeign: true })
  })
})
