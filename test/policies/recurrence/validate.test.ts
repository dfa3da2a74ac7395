import { describe, expect, it } from 'vitest'
import { codeOf } from '../../../core/errors.ts'
import { Recurrence } from '../../../core/recurrence.ts'
import { occurrences } from '../../../policies/recurrence/occurrences.ts'
import { validate } from '../../../policies/recurrence/validate.ts'
import { recurrence } from './bench.ts'

const nowMs = Date.parse('2026-11-21T00:00:00Z')
const check = (written: object) => validate(recurrence(written), { nowMs })
const daily = { cron: '0 6 * * *' }

describe('what is refused before anything is saved', () => {
  it.each([
    [{ cron: '0 0 31 2 *' }, 'it never happens: no date matches'],
    [{ cron: '0 0 31 4,6,9,11 *' }, 'it never happens: no date matches'],
    [{ calendar: { times: ['00:00'], monthDays: [30], months: [2] } }, 'it never happens: no date matches'],
    [{ cron: '61 * * * *' }, 'cron 61 * * * * cannot be read: Invalid value for minute: 61'],
    [{ ...daily, timeZone: 'Europe/Berln' }, 'there is no time zone Europe/Berln'],
    [{ interval: 'P1M' }, 'P1M has no fixed length: use weeks, days, hours, minutes and seconds'],
    [{ interval: 'PT59S' }, 'an interval of PT59S is shorter than 60 s'],
    [{ interval: 'PT0S' }, 'an interval of PT0S is shorter than 60 s'],
    [{ ...daily, start: '2027-01-02T00:00:00Z', end: '2027-01-01T00:00:00Z' }, 'it ends before it starts'],
    [{ ...daily, end: '2026-11-20T00:00:00Z' }, /does not happen any more/],
    [{ ...daily, except: ['2026-01-01/2099-01-01'] }, /every date is excluded/],
    [{ cron: '0 0 25 12 *', except: ['12-25'] }, /every date is excluded/],
    [{ ...daily, except: ['2026-02-30'] }, '2026-02-30 in except is not a date, or ends before it begins'],
    [{ ...daily, except: ['2026-12-24/2026-12-23'] }, /ends before it begins/],
    [{ ...daily, except: ['02-30'] }, /02-30 in except is not a date/],
  ])('%j', (written, sentence) => {
    const { refusal, warnings } = check(written)
    expect(refusal).toMatch(sentence)
    expect(warnings).toEqual([])
  })

  it.each([
    [{}],
    [{ ...daily, interval: 'PT1H' }],
    [{ cron: '0 0 0 6 * *' }],
    [{ cron: '@daily' }],
    [{ cron: '? ? * * *' }],
    [{ ...daily, timeZone: '+02:00' }],
    [{ ...daily, timeZone: '../etc/passwd' }],
    [{ ...daily, every: 'day' }],
    [{ ...daily, count: 0 }],
    [{ ...daily, jitterSeconds: 3601 }],
    [{ ...daily, catchUpSeconds: 9 }],
    [{ ...daily, dst: 'both' }],
    [{ ...daily, start: 'tomorrow' }],
    [{ ...daily, except: ['Christmas'] }],
    [{ calendar: { times: [] } }],
    [{ calendar: { times: ['24:00'] } }],
    [{ calendar: { times: ['00:00'], monthDays: [0] } }],
  ])('what cannot even be meant: %j', (written) => {
    expect(Recurrence.safeParse(written).success).toBe(false)
  })

  it('cannot be previewed either', () => {
    const attempt = (written: object) => {
      try {
        return occurrences(recurrence(written), { afterMs: nowMs, count: 1 })
      } catch (error) {
        return codeOf(error)
      }
    }
    expect(attempt({ cron: '61 * * * *' })).toBe('INPUT_INVALID')
    expect(attempt({ ...daily, timeZone: 'Nowhere' })).toBe('INPUT_INVALID')
    expect(attempt({ interval: 'P1Y' })).toBe('INPUT_INVALID')
    expect(attempt({ cron: '0 0 31 2 *' })).toEqual([])
  })
})

describe('what is taken', () => {
  it.each([
    [daily],
    [{ cron: '0 0 29 2 *' }],
    [{ interval: 'PT60S' }],
    [{ ...daily, except: ['02-29', '2028-02-29'] }],
    [{ ...daily, timeZone: 'EST5EDT' }],
    [{ ...daily, timeZone: 'Etc/GMT+3' }],
    [{ ...daily, timeZone: 'America/Argentina/Buenos_Aires' }],
    [{ calendar: { times: ['02:30'] }, timeZone: 'Europe/Berlin' }],
    [{ ...daily, start: '2034-01-01T00:00:00Z' }],
  ])('%j without a word', (written) => {
    expect(check(written)).toEqual({ warnings: [] })
  })

  it.each([
    [{ cron: '0 0 13 * 5' }, 'a day that matches either'],
    [{ cron: '0 * * * *', timeZone: 'Europe/Berlin' }, 'an hour passes without it'],
    [{ interval: 'P1D', timeZone: 'Europe/Berlin' }, 'its local time shifts'],
  ])('%j with a warning', (written, sentence) => {
    expect(check(written)).toEqual({ warnings: [expect.stringContaining(sentence)] })
  })

  it.each([
    [{ cron: '0 * * * *', timeZone: 'Asia/Kolkata' }],
    [{ cron: '0 * * * *', timeZone: 'Europe/Berlin', dst: 'twice' }],
    [{ interval: 'P1D' }],
    [{ interval: 'PT36H', timeZone: 'Europe/Berlin' }],
  ])('%j without one, since clocks do not matter to it', (written) => {
    expect(check(written)).toEqual({ warnings: [] })
  })

  it('may be shorter than a minute where the one who asks allows it', () => {
    expect(validate(recurrence({ interval: 'PT1S' }), { nowMs, minGapMs: 1000 })).toEqual({ warnings: [] })
  })
})
