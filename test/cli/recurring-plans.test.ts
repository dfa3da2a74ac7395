import { describe, expect, it } from 'vitest'
import type { RecurringPlanView } from '../../core/recurring-plan.ts'
import { installation, steward } from './steward.ts'

const weekly = ['--goal', 'consolidate', '--cron', '0 2 * * sat', '--time-zone', 'Europe/Berlin']

async function planning(changes: Parameters<typeof installation>[0] = {}) {
  const all = await installation(changes)
  const run = (...args: string[]) => steward(all.env, '--api', all.url, 'plan', 'recurring', ...args)
  return { ...all, run, json: async (...args: string[]) => JSON.parse((await run('--json', ...args)).out) }
}

describe('steward plan recurring', () => {
  it('create says what is to be planned, when, and who says yes; and shows the times to come', async () => {
    const { run, recurringPlanned } = await planning()
    const more = ['--max-moves', '20', '--window', '3h', '--approve', 'auto', '--name', 'weekend', '--why', 'energy']
    const { out, err } = await run('create', ...weekly, ...more)
    expect(err).toBe('')
    expect(recurringPlanned[0]?.view).toMatchObject({
      ...{ goal: 'consolidate', options: { maxMoves: 20 }, windowMinutes: 180, approve: 'auto' },
      ...{ name: 'weekend', why: 'energy', when: { cron: '0 2 * * sat', timeZone: 'Europe/Berlin' } },
    })
    expect(out).toContain('when       0 2 * * sat (Europe/Berlin; clock changes: once; overlap: skip)')
    expect(out).toContain('window     waves begin within 180 min')
    expect(out).toContain('next       2026-11-28 02:00 +01:00 CET, 2026-11-28T01:00:00.000Z')
  })

  it('create takes two hours and asks when nothing is said of it; what is wrong is told', async () => {
    const { run, recurringPlanned } = await planning()
    await run('create', ...weekly)
    expect(recurringPlanned[0]?.view).toMatchObject({ windowMinutes: 120, approve: 'ask', options: {} })
    const wrong = await run('create', '--goal', 'balance', '--cron', '0 2 30 2 *')
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('it never happens') })
    expect(recurringPlanned).toHaveLength(1)
    const down = await run('create', ...weekly, '--cold', 'all', '--approve', 'auto')
    expect(down).toMatchObject({ code: 1, err: expect.stringContaining('takes servers down') })
    await run('create', ...weekly, '--cold', 'stopped')
    expect(recurringPlanned[1]?.view.options).toEqual({ cold: 'stopped' })
  })

  it('list, show, pause, resume and delete', async () => {
    const { run, json, recurringPlanned, recurringCommanded } = await planning()
    await run('create', ...weekly, '--name', 'weekend')
    const id = recurringPlanned[0]?.view.id ?? ''
    expect((await run('list')).out).toMatch(/NEXT +STATE +WHAT +APPROVE +LAST +ID\n- +active +weekend +ask +- /)
    expect(await json('list')).toEqual([expect.objectContaining({ id })])
    expect((await json('show', id)).upcoming).toHaveLength(10)
    for (const does of ['pause', 'resume', 'delete']) expect((await run(does, id)).err).toBe('')
    expect(recurringCommanded.map(([of, { does }]) => [of, does])).toEqual(
      ['pause', 'resume', 'delete'].map((does) => [id, does]),
    )
  })

  it('show tells what became of the last plans', async () => {
    const past: RecurringPlanView['past'] = [
      { at: '2026-11-07T01:00:00.000Z', outcome: 'skipped', endedAt: '2026-11-07T01:00:00.000Z', detail: 'still runs' },
      { at: '2026-11-14T01:00:00.000Z', planId: 'p-2', outcome: 'stopped', endedAt: '2026-11-14T04:00:00.000Z' },
    ]
    const running = { at: '2026-11-21T01:00:00.000Z', planId: 'p-3' }
    const show = async () => ({ ...recurringPlanned[0]!.view, past, running })
    const { run, recurringPlanned } = await planning({ recurringPlans: { show } })
    await run('create', ...weekly)
    const { out } = await run('show', recurringPlanned[0]?.view.id ?? '')
    expect(out).toContain('at work    plan p-3 of 2026-11-21T01:00:00.000Z\n')
    expect(out).toContain('past       2026-11-07T01:00:00.000Z skipped: still runs\n')
    expect(out).toContain('past       2026-11-14T01:00:00.000Z stopped plan p-2\n')
  })
})
