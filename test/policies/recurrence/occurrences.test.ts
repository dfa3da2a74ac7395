import { describe, expect, it } from 'vitest'
import { nextOccurrence, occurrences } from '../../../policies/recurrence/occurrences.ts'
import { between, preview, recurrence } from './bench.ts'

const dates = (written: object, after: string, count: number) =>
  preview(written, after, count).map((t) => t.slice(0, 16))

describe('the days of a calendar', () => {
  it('29 February comes every four years, and not in 2100', () => {
    expect(dates({ cron: '0 12 29 2 *' }, '2026-01-01T00:00:00Z', 2)).toEqual(['2028-02-29 12:00', '2032-02-29 12:00'])
    expect(dates({ cron: '0 12 29 2 *' }, '2096-03-01T00:00:00Z', 1)).toEqual(['2104-02-29 12:00'])
    const calendar = { times: ['12:00'], monthDays: [29], months: [2] }
    expect(dates({ calendar }, '2096-03-01T00:00:00Z', 1)).toEqual(['2104-02-29 12:00'])
  })

  it.each([{ cron: '0 0 31 * *' }, { calendar: { times: ['00:00'], monthDays: [31] } }])(
    'the 31st is left out in shorter months: %j',
    (written) => {
      const months = dates(written, '2026-01-01T00:00:00Z', 7).map((date) => date.slice(5, 7))
      expect(months).toEqual(['01', '03', '05', '07', '08', '10', '12'])
    },
  )

  it('-1 is the last day of every month', () => {
    const written = { calendar: { times: ['23:00'], monthDays: [-1] } }
    expect(dates(written, '2028-01-15T00:00:00Z', 3)).toEqual([
      '2028-01-31 23:00',
      '2028-02-29 23:00',
      '2028-03-31 23:00',
    ])
  })

  it('all that a calendar names must match, so that the first Monday can be said', () => {
    const calendar = { times: ['08:00', '07:00'], weekdays: ['mon'], monthDays: [1, 2, 3, 4, 5, 6, 7] }
    expect(dates({ calendar }, '2026-11-21T00:00:00Z', 3)).toEqual([
      '2026-12-07 07:00',
      '2026-12-07 08:00',
      '2027-01-04 07:00',
    ])
  })

  it('cron with day of month and weekday takes a day that matches either', () => {
    expect(dates({ cron: '0 0 13 * fri' }, '2026-11-21T00:00:00Z', 4)).toEqual([
      '2026-11-27 00:00',
      '2026-12-04 00:00',
      '2026-12-11 00:00',
      '2026-12-13 00:00',
    ])
  })

  it('a local day is a day of the zone, not of UTC', () => {
    const written = { cron: '0 7 * * mon', timeZone: 'Pacific/Auckland' }
    const [first] = occurrences(recurrence(written), { afterMs: Date.parse('2026-11-21T00:00:00Z'), count: 1 })
    expect(first).toEqual({
      at: '2026-11-22T18:00:00.000Z',
      startsAt: '2026-11-22T18:00:00.000Z',
      local: '2026-11-23 07:00 +13:00 NZDT',
    })
  })
})

describe('an interval', () => {
  it('is counted from its start, which is the first occurrence', () => {
    const written = { interval: 'PT90M', start: '2026-11-21T10:10:00+01:00' }
    expect(dates(written, '2026-11-01T00:00:00Z', 2)).toEqual(['2026-11-21 09:10', '2026-11-21 10:40'])
    expect(dates(written, '2026-11-21T09:10:00Z', 1)).toEqual(['2026-11-21 10:40'])
  })

  it('without a start is counted from 1970, whoever asks when', () => {
    expect(dates({ interval: 'PT6H' }, '2026-11-21T00:00:00Z', 2)).toEqual(['2026-11-21 06:00', '2026-11-21 12:00'])
  })
})

describe('limits', () => {
  const daily = { cron: '0 6 * * *' }
  it('start and end are themselves allowed', () => {
    const written = { ...daily, start: '2026-12-01T06:00:00Z', end: '2026-12-03T06:00:00Z' }
    expect(dates(written, '2026-11-01T00:00:00Z', 10)).toEqual([
      '2026-12-01 06:00',
      '2026-12-02 06:00',
      '2026-12-03 06:00',
    ])
  })

  it('count is a total: those that have been are not given again', () => {
    const of = (counted: number) =>
      occurrences(recurrence({ ...daily, count: 3 }), { afterMs: 0, count: 10, counted }).length
    expect([0, 1, 3, 4].map(of)).toEqual([3, 2, 0, 0])
    expect(nextOccurrence(recurrence({ ...daily, count: 3 }), { afterMs: 0, counted: 3 })).toBeUndefined()
  })
})

describe('dates to leave out', () => {
  const daily = { cron: '0 0,12 * * *', timeZone: 'Europe/Berlin' }
  it('can be one, several in a row, or one of every year', () => {
    const except = ['2026-12-24/2026-12-26', '2026-12-28', '12-31']
    const found = between({ ...daily, except }, '2026-12-23T00:00:00Z', '2027-01-01T00:00:00Z')
    expect([...new Set(found.map(({ local }) => local.slice(8, 10)))]).toEqual(['23', '27', '29', '30', '01'])
  })

  it('are dates of the zone, also for an interval', () => {
    const written = { interval: 'PT12H', timeZone: 'America/New_York', except: ['2026-12-25'] }
    expect(preview(written, '2026-12-24T12:00:00Z', 2)).toEqual([
      '2026-12-24 19:00 -05:00 EST',
      '2026-12-26 07:00 -05:00 EST',
    ])
  })

  it('end at midnight, which is itself allowed', () => {
    const except = ['2026-12-25']
    const expected = ['2026-12-24 12:00', '2026-12-26 00:00']
    expect(dates({ interval: 'PT12H', except }, '2026-12-24T00:00:00Z', 2)).toEqual(expected)
    expect(dates({ cron: '0 0,12 * * *', except }, '2026-12-24T00:00:00Z', 2)).toEqual(expected)
  })

  it('cost nothing when they are many years long', () => {
    const written = { cron: '* * * * *', except: ['2026-01-01/2033-12-31'] }
    expect(dates(written, '2026-11-21T00:00:00Z', 1)).toEqual(['2034-01-01 00:00'])
  })
})

describe('what is shown', () => {
  it.each([
    ['Europe/Berlin', '2026-11-21 00:00 +01:00 CET'],
    ['America/New_York', '2026-11-21 00:00 -05:00 EST'],
    ['Asia/Kolkata', '2026-11-21 00:00 +05:30 IST'],
    ['America/St_Johns', '2026-11-21 00:00 -03:30'],
    ['Asia/Tokyo', '2026-11-21 00:00 +09:00'],
    ['UTC', '2026-11-21 00:00 +00:00 UTC'],
  ])('has the offset of %s, and its letters where there are some', (timeZone, shown) => {
    const [local] = preview({ cron: '0 0 21 11 *', timeZone }, '2026-11-01T00:00:00Z', 1)
    expect(local?.startsWith(shown)).toBe(true)
  })

  it('has seconds where there are some', () => {
    expect(preview({ interval: 'PT90S' }, '2026-11-21T00:00:00Z', 1)).toEqual(['2026-11-21 00:01:30 +00:00 UTC'])
  })
})

describe('jitter', () => {
  const written = recurrence({ cron: '0 6 * * *', jitterSeconds: 600 })
  const from = { afterMs: Date.parse('2026-11-21T00:00:00Z'), count: 50 }
  const delays = (id: string) =>
    occurrences(written, { ...from, id }).map(({ at, startsAt }) => Date.parse(startsAt) - Date.parse(at))

  it('moves the start, not the name, of an occurrence, by an amount of its own', () => {
    expect(new Set(delays('a')).size).toBeGreaterThan(40)
    expect(Math.max(...delays('a'))).toBeLessThan(600_000)
    expect(Math.max(...delays('a'))).toBeGreaterThan(400_000)
    expect(Math.min(...delays('a'))).toBeLessThan(200_000)
    expect(delays('a')).not.toEqual(delays('b'))
  })

  it('is the same whenever one looks', () => {
    const all = occurrences(written, { ...from, id: 'a' })
    const one = nextOccurrence(written, { afterMs: Date.parse(all[20]?.at ?? ''), id: 'a' })
    expect(one).toEqual(all[21])
  })

  it('does not reach the next occurrence', () => {
    const tight = occurrences(recurrence({ cron: '* * * * *', jitterSeconds: 3600 }), { ...from, id: 'a' })
    for (const [i, { at, startsAt }] of tight.entries()) {
      expect(startsAt >= at).toBe(true)
      expect(startsAt < (tight[i + 1]?.at ?? 'z')).toBe(true)
    }
  })

  it('is none as long as nothing has an id', () => {
    expect(occurrences(written, from).every(({ at, startsAt }) => at === startsAt)).toBe(true)
  })
})
