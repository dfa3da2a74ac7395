import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Copy,
  copiesInImages,
  copiesInSnapshots,
  copyName,
  isOurs,
  marksOf,
  surplus,
} from '../../policies/rotation.ts'

const of = '9d1f7c9e-3f0b-4a44-8d0a-0f4a4a2b7c11'
const series = { prefix: 'nightly', of }
const nameOf = (day: number) => copyName('nightly', Date.parse('2026-11-01T02:00:00Z') + day * 86_400_000)
const copy = (day: number, changes: Partial<Copy> = {}): Copy => ({
  ...{ id: `id-${day}`, name: nameOf(day), status: 'active', owner: 'p1', isProtected: false, of },
  marks: marksOf(series, nameOf(day)),
  ...changes,
})
const ids = (copies: readonly Copy[]) => copies.map(({ id }) => id)
const days = (...which: number[]) => which.map((day) => copy(day))

describe('the name of a copy', () => {
  it('sorts by time, and can be told from other names', () => {
    expect(nameOf(0)).toBe('nightly-20261101T020000Z')
    expect(isOurs(copy(0), series)).toBe(true)
  })
})

describe('rotation', () => {
  it('deletes the oldest beyond those to keep, the new one counted', () => {
    expect(ids(surplus(days(3, 1, 4, 2), series, 2, nameOf(4)))).toEqual(['id-1', 'id-2'])
    expect(surplus(days(1, 2), series, 2, nameOf(2))).toEqual([])
  })

  it('deletes nothing when the new one is missing or not well', () => {
    expect(surplus(days(1, 2, 3), series, 1, nameOf(4))).toEqual([])
    for (const status of ['queued', 'saving', 'error', 'killed'])
      expect(surplus([...days(1, 2, 3), copy(4, { status })], series, 1, nameOf(4))).toEqual([])
  })

  it('says in a dry run what would go once there is a new one', () => {
    expect(ids(surplus(days(1, 2, 3), series, 2))).toEqual(['id-1', 'id-2'])
    expect(surplus([], series, 2)).toEqual([])
  })

  const others: [string, Partial<Copy>][] = [
    ['of another prefix', { name: 'weekly-20261101T020000Z' }],
    ['whose name a person has written', { name: 'nightly-before-the-move' }],
    ['without marks', { marks: {} }],
    [
      'with inherited marks, made by hand of a server that was made from one of ours',
      { marks: marksOf(series, nameOf(9)) },
    ],
    ['of another server', { of: 'a4c8e2d0-0000-4000-8000-000000000000' }],
    ['marked as of another server', { marks: { ...marksOf(series, nameOf(0)), steward_of: 'x' } }],
    ['of another owner', { owner: 'p2' }],
    ['that is protected', { isProtected: true }],
    ['that is still being made', { status: 'saving' }],
  ]
  it.each(others)('never deletes one %s', (_what, changes) => {
    expect(surplus([copy(0, changes), ...days(1)], series, 1, nameOf(1))).toEqual([])
  })

  it('keeps as many good ones as asked for, whatever else there is, and in whatever order', () => {
    const any = fc.record({
      day: fc.integer({ min: 0, max: 40 }),
      changes: fc.constantFrom<Partial<Copy>>({}, {}, {}, ...others.map(([, changes]) => changes)),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 30 }), fc.integer({ min: 1, max: 10 }), (given, keep) => {
        const copies = [...given.map(({ day, changes }, n) => copy(day, { id: `id-${n}`, ...changes })), copy(50)]
        const gone = surplus(copies, series, keep, nameOf(50))
        const good = (one: Copy) => isOurs(one, series) && one.status === 'active' && one.owner === 'p1'
        expect(gone.every((one) => good(one) && !one.isProtected && one.name !== nameOf(50))).toBe(true)
        const before = copies.filter(good).length
        expect(before - gone.length).toBeGreaterThanOrEqual(Math.min(before, keep))
        expect(new Set(ids(surplus([...copies].reverse(), series, keep, nameOf(50))))).toEqual(new Set(ids(gone)))
      }),
    )
  })
})

describe('copies as services list them', () => {
  it('are read from Glance', () => {
    const marks = marksOf(series, nameOf(0))
    const image = {
      ...{ id: 'i', name: nameOf(0), status: 'active', owner: 'p1', protected: false, instance_uuid: of, ...marks },
    }
    const [read] = copiesInImages({ images: [image] })
    expect(read && isOurs(read, series)).toBe(true)
    expect(read).toMatchObject({ id: 'i', status: 'active', owner: 'p1', isProtected: false })
    // what does not say that it may be deleted is not
    expect(copiesInImages({ images: [{ id: 'i' }] })).toMatchObject([{ isProtected: true, owner: '', of: '' }])
  })

  it('are read from Cinder', () => {
    const metadata = marksOf(series, nameOf(0))
    const [read] = copiesInSnapshots({
      snapshots: [{ id: 's', name: nameOf(0), status: 'available', volume_id: of, metadata }],
    })
    expect(read && isOurs(read, series)).toBe(true)
    expect(copiesInSnapshots({})).toEqual([])
    expect(copiesInSnapshots({ snapshots: [null] })).toMatchObject([{ id: '', marks: {} }])
  })
})
