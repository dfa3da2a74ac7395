import { describe, expect, it } from 'vitest'
import { incidentCard } from '../../cli/incident-card.ts'
import { spanSeconds, spanText } from '../../cli/span.ts'
import { type Incident, IncidentState } from '../../core/incident.ts'
import { at, nowMs } from '../api/app.ts'
import { asking, incidentId, planId } from '../api/asking.ts'

const drawn = (incident: Incident) =>
  incidentCard(incident, nowMs)
    .filter((group) => group.length > 0)
    .map((group) => group.map(([label, text]) => `${label}|${text}`))
const without = ({ proposal: _proposal, rulings: _rulings, ...rest }: Incident): Incident => rest

describe('the card of an incident', () => {
  it('that asks says what would be done, why not, who is needed and what to type', () => {
    const answers = [{ planId, by: 'otto', userId: 'u', at: at(-5), says: 'approved' as const, why: 'fine' }]
    const former = { planId: incidentId, by: 'ana', userId: 'a', at: at(-90), says: 'rejected' as const }
    expect(drawn(asking({ answers: [former, ...answers], acknowledgedBy: 'otto' }))).toEqual([
      [
        "ASKING|waits for a person's answer, 29 min left",
        'what|CPU of cmp-1 above 90 % for 10 min',
        'where|cmp-1, by the policy host-cpu-high',
        'since|2026-11-21 00:48:00 UTC (12 min), 3 signals from am',
        'who has it|otto, who has seen it',
      ],
      [
        'would do|move 2 servers off cmp-1, so that its use of vcpu comes down from 95 % to 71 %',
        '|1. web-1  cmp-1 → cmp-2  4096 MiB',
        '|2. build-7  cmp-1 → cmp-4  2048 MiB',
        '|use of the host: 95 % now, 71 % afterwards',
        'touches|host/cmp-1',
        `plan|${planId}`,
        'asks because|the mode is ask, by governor.mode of steward.yaml',
        '|3 hosts are unhealthy at once',
        'needs|one yes until 2026-11-21 01:29:00 UTC',
        'said so far|otto: approved, fine',
      ],
      [
        'why not|ask, by the rule mode (APPROVAL_NEEDED): the mode is ask, by governor.mode of steward.yaml',
        '|  mode ask · from governor.mode of steward.yaml',
        '|ask, by the rule fuse (APPROVAL_NEEDED): 3 hosts are unhealthy at once',
        '|  unhealthy 3 · hosts 12 · askFromHosts 3',
        '|no objection: targets, lease',
      ],
      [
        'time line|2026-11-21 00:48:00  opened: CPU of cmp-1 above 90 % for 10 min',
        '|2026-11-21 00:48:15  still firing after the second look',
        '|2026-11-21 00:59:00  asks a person: the mode is ask',
      ],
      [
        `next|steward incident approve ${incidentId} --plan 7b0c4a52`,
        `|steward incident reject ${incidentId} --plan 7b0c4a52 --why …`,
        `|steward incident approval-link ${incidentId} --for NAME`,
        `|steward incident take-over ${incidentId}`,
      ],
      [`id|${incidentId}`, 'workflow|incident/host-cpu-high/cmp-1'],
    ])
  })

  it('has the gravest reason first', () => {
    const rulings: Incident['rulings'] = (['wait', 'pass', 'ask', 'refuse', 'observe'] as const).map((says) => ({
      rule: `rule-${says}`,
      says,
      reason: says,
    }))
    const [, group = []] = drawn({ ...without(asking({ state: 'observing' })), rulings })
    expect(group.map((line) => line.slice(line.indexOf('|') + 1).split(/[ ,]/, 1)[0])).toEqual([
      'refuse',
      'observe',
      'ask',
      'wait',
      'no',
    ])
  })

  it('tells whether runs helped', () => {
    const run = { runbook: 'relieve-host', workflowId: 'w', runId: 'r', targets: ['host/cmp-1'], startedAt: at(-60) }
    const runs: Incident['runs'] = [
      { ...run, outcome: 'succeeded', helped: true },
      { ...run, outcome: 'succeeded', helped: false, detail: '2 moves' },
      { ...run, outcome: 'running' },
    ]
    const [, group] = drawn({ ...without(asking({ state: 'acting' })), runs })
    expect(group).toEqual([
      'runs|2026-11-21 00:59:00  relieve-host on host/cmp-1 succeeded, and it helped',
      '|2026-11-21 00:59:00  relieve-host on host/cmp-1 succeeded, and it did not help: 2 moves',
      '|2026-11-21 00:59:00  relieve-host on host/cmp-1 running',
    ])
  })

  it.each([
    ['escalated', {}, ['take-over', 'hand-back', 'close']],
    ['escalated', { takenOverBy: 'olga' }, ['hand-back', 'close']],
    ['taken-over', { takenOverBy: 'olga' }, ['hand-back', 'close']],
    ['acting', {}, ['take-over']],
    ['observing', {}, ['take-over']],
    ['closed', {}, []],
  ] as const)('that is %s %j names the commands that work then', (state, changes, commands) => {
    const groups = drawn(without(asking({ state, ...changes })))
    const next = groups.find(([first]) => first?.startsWith('next|')) ?? []
    expect(next.map((line) => /steward incident ([\w-]+)/.exec(line)?.[1])).toEqual(commands)
  })

  it('that is over says how long it took and how it ended', () => {
    const reason = { code: 'OBSERVE_ONLY', detail: 'the signal cleared' }
    const [about] = drawn(
      without(asking({ state: 'closed', endedAt: at(3000), takenOverBy: 'olga', reason, signals: 1 })),
    )
    expect(about).toEqual([
      'CLOSED|over',
      'what|CPU of cmp-1 above 90 % for 10 min',
      'where|cmp-1, by the policy host-cpu-high',
      'since|2026-11-21 00:48:00 UTC (lasted 1 h 2 min), 1 signal from am',
      'who has it|olga, who took it over',
      'why|OBSERVE_ONLY: the signal cleared',
    ])
  })

  it('has a meaning for every state', () => {
    for (const state of IncidentState.options) {
      const [about = []] = drawn(without(asking({ state })))
      expect(about[0]).toMatch(new RegExp(`^${state.toUpperCase()}\\|.{4,}`))
    }
  })
})

describe('a duration', () => {
  it.each([
    ['90s', 90],
    ['30m', 1800],
    ['2h', 7200],
    ['1d', 86_400],
    ['1w', 604_800],
    ['PT2H30M', 9000],
  ])('%s is %i s', (text, seconds) => {
    expect(spanSeconds(text)).toBe(seconds)
  })

  it.each(['', '2', '0h', '-1h', '2 h', '1.5h', 'P1M', 'PT0S', '9999999h'])('is not %j', (text) => {
    expect(() => spanSeconds(text)).toThrow('It has to be a duration')
  })

  it.each([
    [0, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_600_000, '1 h'],
    [3_660_000, '1 h 1 min'],
    [86_400_000, '1 d'],
    [90_000_000, '1 d 1 h'],
  ])('of %i ms is said as %s', (ms, text) => {
    expect(spanText(ms)).toBe(text)
  })
})
