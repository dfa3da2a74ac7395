import { describe, expect, it } from 'vitest'
import { at } from '../api/app.ts'
import { installation, steward } from './steward.ts'

const stop = ['compute', 'post', '/servers/6f1c/action', '--body', '{"os-stop": null}']
const nightly = ['--cron', '0 22 * * mon-fri', '--time-zone', 'Europe/Berlin']

describe('steward recurring', () => {
  it('previews in local time and UTC, and says what may surprise', async () => {
    const { url, env } = await installation()
    const asked = ['--at', '02:30', '--time-zone', 'Europe/Berlin', '--start', '2027-03-27T00:00:00Z', '--next', '2']
    const { out } = await steward(env, '--api', url, 'recurring', 'preview', ...asked)
    expect(out.split('\n').slice(1, 3)).toEqual([
      expect.stringMatching(/^2027-03-27 02:30 .*2027-03-27T01:30:00.000Z$/),
      expect.stringMatching(/^2027-03-28 03:00 .*2027-03-28T01:00:00.000Z {2}moved: 02:30 does not exist$/),
    ])
    const surprising = ['--cron', '0 * * * *', '--time-zone', 'Europe/Berlin']
    expect((await steward(env, '--api', url, 'recurring', 'preview', ...surprising)).out).toContain(
      '\nnote: when clocks',
    )
    const never = await steward(env, '--api', url, 'recurring', 'preview', '--cron', '0 0 31 2 *')
    expect(never).toMatchObject({ code: 1, err: expect.stringContaining('it never happens: no date matches') })
  })

  it('creates, lists, changes, holds up and ends', async () => {
    const { url, env, repeated, told } = await installation()
    const run = (...args: string[]) => steward(env, '--api', url, 'recurring', ...args)
    const created = await run('create', ...stop, ...nightly, '--name', 'off at night', '--late', '10m')
    expect(created).toMatchObject({ err: '', code: 0 })
    const [{ view } = { view: undefined }] = repeated
    expect(view).toMatchObject({
      ...{ name: 'off at night', maxLatenessSeconds: 600 },
      recurrence: { cron: '0 22 * * mon-fri', timeZone: 'Europe/Berlin' },
    })
    const id = view?.id ?? ''
    expect(created.out).toContain('when       0 22 * * mon-fri (Europe/Berlin; clock changes: once; overlap: skip)')
    expect((await run('list')).out).toContain(`active  off at night  -     ${id}`)
    expect((await run('show', id)).out).toContain(id)
    for (const args of [
      ['pause', id],
      ['resume', id],
      ['snooze', id, '--until', at(3600)],
      ['run-now', id],
      ['change', id, '--at', '06:30,22:00', '--weekdays', 'mon,tue', '--delegate-for', 'P10D'],
      ['cancel', id],
    ])
      expect(await run(...args)).toMatchObject({ err: '', code: 0 })
    expect(told.map(({ does }) => does)).toEqual(['pause', 'resume', 'snooze', 'runNow', 'change', 'cancel'])
    expect(told[4]).toMatchObject({
      recurrence: { calendar: { times: ['06:30', '22:00'], weekdays: ['mon', 'tue'] } },
      delegated: { until: at(10 * 86_400) },
    })
  })
})
