import fc from 'fast-check'
import type { GovernorState, LeaseRequest, Mode } from '../../../core/governor.ts'
import type { GovernorEvent } from '../../../policies/governor/step.ts'
import { brakes, hour, iso, minute, second, survey } from './bench.ts'

const hosts = ['host/a', 'host/b', 'host/c'] as const
const zoneOf = { 'host/a': 'zone/x', 'host/b': 'zone/x', 'host/c': 'zone/y' } as const
const runbooks = ['restart-service', 'relieve-host'] as const
const modes: Mode[] = ['observe', 'ask', 'auto']
export const scopes = ['all', 'policy/p', 'runbook/restart-service', 'runbook/relieve-host']

const mostly = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, fc.constantFrom(...others))

const targets = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...hosts).map((host) => ({ targets: [host], within: [zoneOf[host]] })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(...hosts).map((host) => ({
      targets: [`server/on-${host.at(-1)}` as const],
      within: [host, zoneOf[host], 'project/p' as const],
    })),
  },
  {
    weight: 1,
    arbitrary: fc.constant({
      targets: ['host/a' as const, 'host/c' as const],
      within: ['zone/x' as const, 'zone/y' as const],
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { targets: ['zone/x' as const], within: [] },
      { targets: ['project/p' as const], within: [] },
      { targets: [], within: ['zone/x' as const] },
    ),
  },
)

const wishes = fc.record({
  places: targets,
  requester: fc.constantFrom('alert' as const, 'alert' as const, 'plan' as const, 'action' as const, 'person' as const),
  plain: fc.boolean(),
  runbook: fc.constantFrom(...runbooks),
  risk: mostly<LeaseRequest['risk']>('service', 'read', 'destructive'),
  incident: fc.constantFrom('i1', 'i2', 'i3', undefined),
  mode: mostly<Mode | undefined>(undefined, 'ask', 'auto'),
  policy: fc.constantFrom('p', undefined),
  waitMs: fc.constantFrom(0, minute, hour, 5 * hour),
  wantedMs: mostly(0, minute, hour),
  expectedMs: fc.constantFrom(minute, hour),
  approved: mostly(false, true),
  surveyed: mostly<'now' | 'old' | 'never'>('now', 'old', 'never'),
  down: fc.constantFrom(0, 0, 0, 0, 1, 2, 3),
})

export const moves = fc.oneof(
  { weight: 10, arbitrary: wishes.map((wish) => ({ do: 'request' as const, wish })) },
  { weight: 7, arbitrary: fc.nat(20).map((nth) => ({ do: 'give-back' as const, nth })) },
  { weight: 2, arbitrary: fc.nat(20).map((nth) => ({ do: 'repeat' as const, nth })) },
  { weight: 2, arbitrary: fc.nat(20).map((nth) => ({ do: 'ended' as const, nth })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(20), fc.constantFrom(minute, hour))
      .map(([nth, expectedMs]) => ({ do: 'extend' as const, nth, expectedMs })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom(...runbooks), mostly(true, false))
      .map(([runbook, helped]) => ({ do: 'outcome' as const, runbook, helped })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...scopes), mostly<Mode>('auto', ...modes))
      .map(([scope, mode]) => ({ do: 'set' as const, scope, mode })),
  },
  { weight: 1, arbitrary: fc.constantFrom(...scopes).map((scope) => ({ do: 'clear' as const, scope })) },
  { weight: 3, arbitrary: fc.constant({ do: 'tick' as const }) },
)
export type Move = typeof moves extends fc.Arbitrary<infer T> ? T : never

export const stories = fc.array(fc.tuple(mostly(second, 0, minute, 20 * minute, hour), moves), {
  minLength: 5,
  maxLength: 45,
})

const budget = (atOnce: number, perHour: number) =>
  mostly({ atOnce: 1000, perHour: 100_000 }, { atOnce, perHour: 1000 }, { atOnce: 1000, perHour })
export const configs = fc
  .record({
    mode: mostly<Mode>('auto', 'ask', 'observe'),
    protectedHosts: mostly<string[]>([], ['b']),
    canary: fc.boolean(),
    coolDownSeconds: fc.constantFrom(0, 0, 600, 7200),
    budgets: fc.record({ overall: budget(2, 4), zone: budget(1, 3), host: budget(1, 2), project: budget(1, 2) }),
    own: mostly<{ atOnce: number; perHour: number } | undefined>(
      undefined,
      { atOnce: 1, perHour: 3 },
      { atOnce: 0, perHour: 3 },
    ),
  })
  .map(({ own, budgets, ...rest }) =>
    brakes({ ...rest, budgets: { ...budgets, ...(own && { runbooks: { 'relieve-host': own } }) } }),
  )

function requestOf(
  id: string,
  wish: typeof wishes extends fc.Arbitrary<infer T> ? T : never,
  nowMs: number,
): LeaseRequest {
  const { places, requester, plain, risk, incident, mode, policy, approved, surveyed, down } = wish
  const isHold = requester === 'person' && plain
  const seen = survey(nowMs - (surveyed === 'old' ? 5 * minute : 0), { up: 3, down }, { up: 30, down })
  return {
    id,
    holder: isHold ? {} : { workflowId: `w/${id}`, runId: `run/${id}` },
    requester,
    by: 'somebody',
    why: 'some reason',
    runbook: isHold ? 'hold' : requester === 'action' ? 'action' : wish.runbook,
    ...places,
    risk: isHold ? 'service' : risk,
    // handed in anew, with another id, by whoever had to count the hosts again
    requestedAt: iso(nowMs - wish.wantedMs),
    waitUntil: iso(nowMs + wish.waitMs),
    expectedMs: wish.expectedMs,
    ...(incident && { incidentRunId: incident }),
    ...(mode && { mode }),
    ...(policy && { policy }),
    ...(approved && { approval: { by: 'alice', at: iso(nowMs), planId: 'plan' } }),
    // a person who looks is stopped by what is seen; here people and tenants do not look
    ...(surveyed !== 'never' && requester !== 'person' && requester !== 'action' && { survey: seen }),
  }
}

/** What the move means in this state; `nth` picks among leases and waiting requests. */
export function eventOf(move: Move, state: GovernorState, id: string, nowMs: number): GovernorEvent {
  const known = [...state.leases.map(({ request }) => request), ...state.queue]
  const picked = 'nth' in move ? known[move.nth % Math.max(1, known.length)] : undefined
  switch (move.do) {
    case 'request':
      return { kind: 'request', request: requestOf(id, move.wish, nowMs) }
    case 'repeat':
      return picked ? { kind: 'request', request: picked } : { kind: 'tick' }
    case 'give-back':
      return { kind: 'give-back', requestId: picked?.id ?? 'never heard of' }
    case 'ended':
      return { kind: 'holders-ended', holders: picked ? [picked.holder] : [] }
    case 'extend':
      return { kind: 'extend', requestId: picked?.id ?? 'never heard of', expectedMs: move.expectedMs }
    case 'outcome':
      return { kind: 'outcome', outcome: { runbook: move.runbook, helped: move.helped, at: iso(nowMs) } }
    case 'set':
      return { kind: 'set-mode', setting: { scope: move.scope, mode: move.mode, by: 'alice', at: iso(nowMs) } }
    case 'clear':
      return { kind: 'clear-mode', scope: move.scope, by: 'alice' }
    case 'tick':
      return { kind: 'tick' }
  }
}
