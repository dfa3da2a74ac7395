import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import { mostShown, ServerSelector, type TargetOutcome, Targets } from '../../core/group.ts'
import { batchesOf, batchSize, groupView, isSelected, targetKey } from '../../policies/group.ts'
import { chainOf, checkWork, roleFor } from '../../policies/work.ts'
import { id } from './catalogue/examples.ts'

const server = (more: object = {}) => ({
  name: 'web-1',
  status: 'ACTIVE',
  tags: ['night-off', 'web'],
  metadata: { tier: '2' },
  ...more,
})

describe('a selector', () => {
  it.each([
    [{ tags: ['night-off'] }, true],
    [{ tags: ['night-off', 'web'] }, true],
    [{ tags: ['night-off', 'db'] }, false],
    [{ anyTag: ['db', 'web'] }, true],
    [{ anyTag: ['db'] }, false],
    [{ withoutTags: ['keep'] }, true],
    [{ withoutTags: ['web'] }, false],
    [{ metadata: { tier: '2' } }, true],
    [{ metadata: { tier: '2', owner: 'ana' } }, false],
    [{ nameBegins: 'web-' }, true],
    [{ nameBegins: 'eb-' }, false],
    [{ status: ['ACTIVE', 'PAUSED'] }, true],
    [{ status: ['SHUTOFF'] }, false],
    [{ tags: ['night-off'], withoutTags: ['web'] }, false],
  ])('%j means this server: %s', (select, expected) => {
    expect(isSelected(select, server())).toBe(expected)
  })

  it('that says nothing is none: nothing never means everything', () => {
    expect(ServerSelector.safeParse({}).success).toBe(false)
    expect(Targets.safeParse({ select: {} }).success).toBe(false)
    expect(Targets.safeParse({ ids: [] }).success).toBe(false)
    expect(Targets.safeParse({ ids: ['a', 'a'] }).success).toBe(false)
    expect(Targets.safeParse({ ids: ['a'], select: { tags: ['x'] } }).success).toBe(false)
  })

  it('means no more servers, the more it says', () => {
    const word = fc.constantFrom('a', 'b', 'c')
    const words = fc.uniqueArray(word, { minLength: 1 })
    const selector = fc.record(
      { tags: words, withoutTags: words, anyTag: words, nameBegins: word },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(selector, selector, fc.uniqueArray(word), word, (one, other, tags, name) => {
        const both = { ...one, ...other }
        const overlaps = Object.keys(one).some((key) => Object.hasOwn(other, key))
        return overlaps || !isSelected(both, server({ tags, name })) || isSelected(one, server({ tags, name }))
      }),
    )
  })
})

describe('work on many targets', () => {
  const targets = { ids: [id.server, id.volume] }
  const stop = { action: 'server.stop', with: {}, targets }

  it('takes its role and its limits from what is done to one of them', () => {
    expect(() => checkWork(stop)).not.toThrow()
    expect(roleFor(stop, ['member'])).toBe('member')
    expect(chainOf(stop).steps).toMatchObject([{ action: 'server.stop', with: { serverId: id.server } }])
    expect(() => checkWork({ ...stop, targets: { select: { tags: ['night-off'] } } })).not.toThrow()
    expect(targetKey('volume.extend', targets)).toBe('volumeId')
  })

  it.each([
    ['says its target twice', { ...stop, with: { serverId: id.server } }, /with\.serverId: the targets say that/],
    ['is about no server', { action: 'volume.delete', with: {}, targets: { select: { tags: ['x'] } } }, /named/],
    ['has an id that leads elsewhere', { ...stop, targets: { ids: [id.server, '..'] } }, /serverId/],
  ])('is refused when it %s', (_what, work, says) => {
    try {
      checkWork(work)
      expect.unreachable()
    } catch (error) {
      expect([codeOf(error), messageOf(error)]).toEqual(['INPUT_INVALID', expect.stringMatching(says)])
    }
  })

  it('is told by numbers, and one by one beginning with what is not done', () => {
    const outcomes: TargetOutcome[] = [
      { id: 'a', outcome: 'done', detail: 'nothing to do' },
      { id: 'b', outcome: 'failed', detail: 'locked' },
      { id: 'c', outcome: 'unknown' },
      { id: 'd', outcome: 'again', detail: 'busy' },
    ]
    expect(groupView(outcomes)).toEqual({
      ...{ total: 4, done: 1, failed: 2, unknown: 1 },
      shown: [
        { id: 'c', outcome: 'unknown' },
        { id: 'b', outcome: 'failed', detail: 'locked' },
        { id: 'd', outcome: 'failed', detail: 'busy' },
        { id: 'a', outcome: 'done', detail: 'nothing to do' },
      ],
    })
    const many = Array.from({ length: 2 * mostShown }, (_, n): TargetOutcome => ({ id: `${n}`, outcome: 'done' }))
    expect(groupView(many)).toMatchObject({ total: 2 * mostShown, done: 2 * mostShown })
    expect(groupView(many).shown).toHaveLength(mostShown)
  })

  it('goes in batches, each target in one of them', () => {
    fc.assert(
      fc.property(fc.nat(5 * batchSize), (count) => {
        const all = Array.from({ length: count }, (_, n) => n)
        const batches = batchesOf(all)
        expect(batches.flat()).toEqual(all)
        return batches.every(({ length }) => length > 0 && length <= batchSize)
      }),
    )
  })
})
