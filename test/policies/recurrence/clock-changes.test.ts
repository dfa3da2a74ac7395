import { describe, expect, it } from 'vitest'
import { between, preview } from './bench.ts'

const rules = ['skip', 'once', 'twice'] as const
const halfHourMs = 1_800_000

/** Every half hour of 2026, and what the clocks show; by another way than the code under test goes. */
function clocks(timeZone: string) {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' })
  const shown: { atMs: number; local: string }[] = []
  // a day to either side, so that no zone misses hours of the year
  for (let atMs = Date.UTC(2025, 11, 31); atMs < Date.UTC(2027, 0, 2); atMs += halfHourMs)
    shown.push({ atMs, local: format.format(atMs) })
  return shown
}

/** What the rule says of the local times given, found by looking at every half hour of the year. */
function expected(shown: ReturnType<typeof clocks>, times: readonly string[], rule: (typeof rules)[number]) {
  const found = new Set<number>()
  const byLocal = new Map<string, number[]>()
  for (const { atMs, local } of shown) byLocal.set(local, [...(byLocal.get(local) ?? []), atMs])
  for (let day = Date.UTC(2026, 0, 1); day < Date.UTC(2027, 0, 1); day += 86_400_000)
    for (const time of times) {
      const wanted = `${new Date(day).toISOString().slice(0, 10)} ${time}`
      const [first, second] = byLocal.get(wanted) ?? []
      if (first !== undefined) found.add(first)
      else if (rule !== 'skip') found.add(shown.find(({ local }) => local > wanted)?.atMs ?? 0)
      if (second !== undefined && rule === 'twice') found.add(second)
    }
  return [...found].sort((a, b) => a - b).map((atMs) => new Date(atMs).toISOString())
}

const everyHour = Array.from({ length: 24 }, (_, hour) => `${String(hour).padStart(2, '0')}:00`)

describe.each(['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Havana', 'Asia/Kolkata'])(
  'the whole year 2026 in %s',
  (timeZone) => {
    const shown = clocks(timeZone)
    const from = shown.find(({ local }) => local === '2026-01-01 00:00')?.atMs ?? 0
    const to = shown.findLast(({ local }) => local === '2026-12-31 23:30')?.atMs ?? 0
    const year = (cron: string, dst: string) =>
      between({ cron, timeZone, dst }, new Date(from - 1).toISOString(), new Date(to).toISOString()).map(({ at }) => at)

    for (const dst of rules)
      it.each([
        ['30 2 * * *', ['02:30']],
        ['30 1 * * *', ['01:30']],
        ['0 0 * * *', ['00:00']],
        ['0 * * * *', everyHour],
      ] as const)(`has %s exactly when the rule \`${dst}\` says`, (cron, times) => {
        expect(year(cron, dst)).toEqual(expected(shown, times, dst))
      })
  },
)

describe('when clocks are put forward', () => {
  it.each([
    ['skip', ['2026-03-28 02:30 +01:00 CET', '2026-03-30 02:30 +02:00 CEST']],
    ['once', ['2026-03-28 02:30 +01:00 CET', '2026-03-29 03:00 +02:00 CEST (moved: 02:30 does not exist)']],
    ['twice', ['2026-03-28 02:30 +01:00 CET', '2026-03-29 03:00 +02:00 CEST (moved: 02:30 does not exist)']],
  ])('in Berlin, the rule `%s` decides on 02:30', (dst, days) => {
    expect(preview({ cron: '30 2 * * *', timeZone: 'Europe/Berlin', dst }, '2026-03-27T12:00:00Z', 2)).toEqual(days)
  })

  it('in New York, 02:30 is made up for at 03:00', () => {
    expect(preview({ cron: '30 2 * * *', timeZone: 'America/New_York' }, '2026-03-08T00:00:00Z', 2)).toEqual([
      '2026-03-08 03:00 -04:00 EDT (moved: 02:30 does not exist)',
      '2026-03-09 02:30 -04:00 EDT',
    ])
  })

  it('on Lord Howe Island only half an hour is missing', () => {
    expect(preview({ cron: '0,15,30 2 * * *', timeZone: 'Australia/Lord_Howe' }, '2026-10-03T12:00:00Z', 2)).toEqual([
      '2026-10-04 02:30 +11:00 LHDT',
      '2026-10-05 02:00 +11:00 LHDT',
    ])
  })

  it('times that are missing together are made up for once, and not at all when one is due then anyway', () => {
    const timeZone = 'Europe/Berlin'
    expect(preview({ cron: '15,45 2 * * *', timeZone }, '2026-03-29T00:00:00Z', 2)).toEqual([
      '2026-03-29 03:00 +02:00 CEST (moved: 02:45 does not exist)',
      '2026-03-30 02:15 +02:00 CEST',
    ])
    expect(preview({ cron: '0,30 2-3 * * *', timeZone }, '2026-03-29T00:00:00Z', 2)).toEqual([
      '2026-03-29 03:00 +02:00 CEST',
      '2026-03-29 03:30 +02:00 CEST',
    ])
  })

  it('the rule holds for a calendar as it does for cron', () => {
    const calendar = { times: ['02:30'], weekdays: ['sun'] }
    expect(preview({ calendar, timeZone: 'Europe/Berlin' }, '2026-03-28T00:00:00Z', 1)).toEqual([
      '2026-03-29 03:00 +02:00 CEST (moved: 02:30 does not exist)',
    ])
    expect(preview({ calendar, timeZone: 'Europe/Berlin', dst: 'skip' }, '2026-03-28T00:00:00Z', 1)).toEqual([
      '2026-04-05 02:30 +02:00 CEST',
    ])
  })
})

describe('when clocks are put back', () => {
  const missed = '(first of two, the second is left out)'
  it.each([
    ['skip', [`2026-10-25 02:30 +02:00 CEST ${missed}`, '2026-10-26 02:30 +01:00 CET']],
    ['once', [`2026-10-25 02:30 +02:00 CEST ${missed}`, '2026-10-26 02:30 +01:00 CET']],
    ['twice', ['2026-10-25 02:30 +02:00 CEST (first of two)', '2026-10-25 02:30 +01:00 CET (second of two)']],
  ])('in Berlin, the rule `%s` decides on 02:30', (dst, days) => {
    expect(preview({ cron: '30 2 * * *', timeZone: 'Europe/Berlin', dst }, '2026-10-24T12:00:00Z', 2)).toEqual(days)
  })

  it('an hour that comes twice is gone through twice from its beginning, not each time twice in a row', () => {
    const written = { cron: '*/30 1-2 * * *', timeZone: 'America/New_York', dst: 'twice' }
    expect(preview(written, '2026-11-01T04:00:00Z', 5)).toEqual([
      '2026-11-01 01:00 -04:00 EDT (first of two)',
      '2026-11-01 01:30 -04:00 EDT (first of two)',
      '2026-11-01 01:00 -05:00 EST (second of two)',
      '2026-11-01 01:30 -05:00 EST (second of two)',
      '2026-11-01 02:00 -05:00 EST',
    ])
  })

  it('between the two passes the second one is still to come', () => {
    const written = { cron: '30 2 * * *', timeZone: 'Europe/Berlin', dst: 'twice' }
    expect(preview(written, '2026-10-25T00:30:00Z', 1)).toEqual(['2026-10-25 02:30 +01:00 CET (second of two)'])
    expect(preview({ ...written, dst: 'once' }, '2026-10-25T00:30:00Z', 1)).toEqual(['2026-10-26 02:30 +01:00 CET'])
  })

  it('an interval goes on as if nothing had happened', () => {
    const written = { interval: 'PT1H', timeZone: 'Europe/Berlin' }
    expect(preview(written, '2026-10-24T23:30:00Z', 4)).toEqual([
      '2026-10-25 02:00 +02:00 CEST',
      '2026-10-25 02:00 +01:00 CET',
      '2026-10-25 03:00 +01:00 CET',
      '2026-10-25 04:00 +01:00 CET',
    ])
  })
})
