import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GovernorConfig } from '../../core/governor.ts'
import type { Answer } from '../../core/incident.ts'
import { decision, isSamePlan, judgeAnswer, type Proposed, personsFor } from '../../policies/approval.ts'

const nowMs = Date.parse('2026-11-21T12:00:00.000Z')
const planId = 'plan-1'
const proposal = { planId, needs: 1, expiresAt: '2026-11-21T12:30:00.000Z' }
const answer = (userId: string, more: Partial<Answer> = {}): Answer => ({
  ...{ planId, by: userId, userId, at: '2026-11-21T12:00:00.000Z', says: 'approved' },
  ...more,
})
const judge = (given: Answer, answers: readonly Answer[] = [], more = {}) =>
  judgeAnswer({ proposal, answers, answer: given, nowMs, ...more })?.code

describe('an answer', () => {
  it('of another person in time counts', () => {
    expect(judge(answer('olga'))).toBeUndefined()
    expect(judge(answer('olga', { says: 'rejected' }))).toBeUndefined()
  })

  it('to another plan does not', () => {
    expect(judge(answer('olga', { planId: 'plan-0' }))).toBe('APPROVAL_STALE')
    expect(judge(answer('olga', { planId: 'plan-0', says: 'rejected' }))).toBe('APPROVAL_STALE')
  })

  it('at or after the end of its time does not', () => {
    const atMs = Date.parse(proposal.expiresAt)
    expect(judge(answer('olga'), [], { nowMs: atMs - 1 })).toBeUndefined()
    expect(judge(answer('olga'), [], { nowMs: atMs })).toBe('APPROVAL_STALE')
    expect(judge(answer('olga'), [], { proposal: { ...proposal, expiresAt: 'nonsense' } })).toBe('APPROVAL_STALE')
  })

  it('after the plan was decided does not', () => {
    expect(judge(answer('olga'), [answer('paul')])).toBe('APPROVAL_STALE')
    expect(judge(answer('olga'), [answer('paul', { says: 'rejected' })])).toBe('APPROVAL_STALE')
  })

  it('of whoever asked for the plan is no yes, but may be a no', () => {
    expect(judge(answer('olga'), [], { requestedBy: 'olga' })).toBe('APPROVAL_OWN')
    expect(judge(answer('olga', { says: 'rejected' }), [], { requestedBy: 'olga' })).toBeUndefined()
    expect(judge(answer('paul'), [], { requestedBy: 'olga' })).toBeUndefined()
  })

  it('of the same person is no second yes, but may take the first one back', () => {
    const two = { proposal: { ...proposal, needs: 2 } }
    expect(judge(answer('olga'), [answer('olga')], two)).toBe('APPROVAL_OWN')
    expect(judge(answer('olga', { says: 'rejected' }), [answer('olga')], two)).toBeUndefined()
    expect(judge(answer('paul'), [answer('olga')], two)).toBeUndefined()
  })

  it('to an earlier plan is no answer to the present one', () => {
    const earlier = answer('olga', { planId: 'plan-0' })
    expect(judge(answer('olga'), [earlier])).toBeUndefined()
    expect(decision(proposal, [earlier])).toBeUndefined()
  })
})

describe('two persons', () => {
  const link = (name: string, issuerId: string) =>
    answer(`link:${name}@${issuerId}`, { by: `${name} (by a link of ${issuerId})`, byLink: { name, issuerId } })
  const login = (name: string) => answer(`id-of-${name}`, { by: name })

  it.each([
    ['who made the link has said yes', login('olga'), link('bob', 'id-of-olga'), 'APPROVAL_OWN'],
    ['who made the link comes after it', link('bob', 'id-of-olga'), login('olga'), 'APPROVAL_OWN'],
    ['another link of the same maker was used', link('bob', 'id-of-olga'), link('eve', 'id-of-olga'), 'APPROVAL_OWN'],
    ['the person has said yes by login', login('bob'), link(' Bob', 'id-of-olga'), 'APPROVAL_OWN'],
    ['the person has used a link of somebody else', link('bob', 'id-of-olga'), link('BOB', 'u-2'), 'APPROVAL_OWN'],
    ['it was somebody else, by login', login('otto'), link('bob', 'id-of-olga'), undefined],
    ['it was somebody else, by the link of another', link('bob', 'id-of-olga'), link('eve', 'id-of-otto'), undefined],
    ['two logins have the same name', login('bob'), answer('id-of-another-bob', { by: 'bob' }), undefined],
  ])('when %s', (_what, first, second, code) => {
    const two = { proposal: { ...proposal, needs: 2 } }
    expect(judge(second, [first], two)).toBe(code)
    // about another plan, or as a no, neither stands in the other's way
    expect(judge(second, [{ ...first, planId: 'plan-0' }], two)).toBeUndefined()
    expect(judge({ ...second, says: 'rejected' }, [first], two)).toBeUndefined()
  })
})

describe('a decision', () => {
  const people = fc.constantFrom('olga', 'paul', 'rita', 'sven')
  const answers = fc.array(
    fc.record({
      userId: people,
      planId: fc.constantFrom(planId, 'plan-0'),
      says: fc.constantFrom<Answer['says']>('approved', 'approved', 'approved', 'rejected'),
    }),
    { maxLength: 10 },
  )

  it('is a yes only of as many different persons as the plan needs, and never against a no', () => {
    fc.assert(
      fc.property(
        answers,
        fc.integer({ min: 1, max: 3 }),
        fc.option(people, { nil: undefined }),
        (given, needs, requestedBy) => {
          const counted: Answer[] = []
          for (const each of given) {
            const next = answer(each.userId, each)
            const about = { proposal: { ...proposal, needs }, answers: counted, answer: next, nowMs }
            if (!judgeAnswer({ ...about, ...(requestedBy && { requestedBy }) })) counted.push(next)
          }
          const own = counted.filter((each) => each.planId === planId)
          const yes = own.filter(({ says }) => says === 'approved').map(({ userId }) => userId)
          const no = own.some(({ says }) => says === 'rejected')
          // nobody counts twice, and nobody approves what he asked for
          expect(new Set(yes).size).toBe(yes.length)
          if (requestedBy) expect(yes).not.toContain(requestedBy)
          expect(counted.length).toBe(own.length)
          const expected = no ? 'rejected' : yes.length >= needs ? 'approved' : undefined
          expect(decision({ ...proposal, needs }, counted)).toBe(expected)
        },
      ),
    )
  })

  it('is never made by nobody', () => {
    expect(decision({ ...proposal, needs: 0 }, [])).toBeUndefined()
  })
})

const move = (serverId: string, to: string, more = {}) => ({
  ...{ serverId, serverName: serverId, from: 'cmp-1', to, memoryMiB: 512, reason: 'relieves it' },
  ...more,
})
const proposed = (...moves: ReturnType<typeof move>[]): Proposed => ({
  runbook: 'relieve-host',
  targets: ['host/cmp-1', ...moves.map(({ serverId }) => `server/${serverId}`)],
  plan: { moves, skipped: [], before: 0.9, after: 0.7 },
})

describe('a plan', () => {
  it('is another one when anything else would be done, and the same when only its figures differ', () => {
    const plan = proposed(move('a', 'cmp-2'), move('b', 'cmp-3'))
    expect(isSamePlan(plan, proposed(move('a', 'cmp-2', { reason: 'other words' }), move('b', 'cmp-3')))).toBe(true)
    expect(isSamePlan(plan, proposed(move('a', 'cmp-3'), move('b', 'cmp-3')))).toBe(false)
    expect(isSamePlan(plan, proposed(move('a', 'cmp-2', { from: 'cmp-9' }), move('b', 'cmp-3')))).toBe(false)
    expect(isSamePlan(plan, proposed(move('b', 'cmp-3'), move('a', 'cmp-2')))).toBe(false)
    expect(isSamePlan(plan, proposed(move('a', 'cmp-2')))).toBe(false)
    expect(isSamePlan(plan, { ...plan, runbook: 'restart-service' })).toBe(false)
    expect(isSamePlan(plan, { ...plan, targets: ['host/cmp-1'] })).toBe(false)
  })

  it('needs two persons from so many hosts on, counting where servers come from and go to', () => {
    const limits = { ...GovernorConfig.parse({}).approval, twoPersonsFromHosts: 3 }
    expect(personsFor(proposed(), limits)).toBe(1)
    expect(personsFor(proposed(move('a', 'cmp-2')), limits)).toBe(1)
    expect(personsFor(proposed(move('a', 'cmp-2'), move('b', 'cmp-3')), limits)).toBe(2)
    expect(personsFor({ runbook: 'x', targets: ['host/a', 'host/b', 'host/c', 'server/d'] }, limits)).toBe(2)
    expect(personsFor({ runbook: 'x', targets: ['host/a', 'host/a', 'server/c', 'server/d'] }, limits)).toBe(1)
  })
})
