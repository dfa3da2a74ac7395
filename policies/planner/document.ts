import { failure } from '../../core/errors.ts'
import type { PlanDocument } from '../../core/plan-document.ts'
import { compare } from '../placement.ts'
import { checkPlan } from './check.ts'
import { letMoveCold, notesOnDowntime } from './cold.ts'
import { type EnergyOptions, energyOf } from './energy.ts'
import { digest, fingerprintOf, touchedBy } from './fingerprint.ts'
import type { Goal, Model, PlannedMove } from './model.ts'
import { drawPlan, saysLevelled } from './picture.ts'
import { afterMoves, undoOf } from './undo.ts'
import { wishesUnheard } from './wishes.ts'
import { planWorthwhile, type WorthwhileOptions, type WorthwhilePlan } from './worthwhile.ts'

export interface DocumentOptions extends WorthwhileOptions, EnergyOptions {
  /** How long the plan holds, counted from the picture. @default 15 minutes */
  readonly validForMs?: number
}

/** What a plan is made on. */
export interface Picture {
  readonly model: Model
  /** When the cloud was looked at, milliseconds since 1970. */
  readonly takenMs: number
  readonly notes?: readonly { readonly where: string; readonly says: string }[]
}

const usualValidMs = 15 * 60_000

/**
 * Plans towards a goal as far as that is worthwhile, and writes the plan down with all that is needed to judge it, approve
 * it and carry it out. Every plan is put through the independent checker first.
 *
 * @throws what `planGoal` throws; PLAN_STALE when the picture is too old to plan on; INTERNAL when the checker objects
 */
export function planDocument(
  { model: given, takenMs, notes = [] }: Picture,
  goal: Goal,
  options: DocumentOptions,
  nowMs: number,
): PlanDocument {
  assertFresh(takenMs, options, nowMs)
  const model = letMoveCold(given, options.cold)
  const made = planWorthwhile(model, goal, options, nowMs)
  const broken = checkPlan(model, made.plan, options)
  if (broken.length > 0)
    throw failure('INTERNAL', `the checker objects to the plan: ${broken[0]}`, { broken: broken.slice(0, 20) })
  return writeDown({ model, takenMs, notes }, goal, made, options, nowMs)
}

/** @throws PLAN_STALE when the picture is too old to plan on */
export function assertFresh(takenMs: number, { validForMs = usualValidMs }: DocumentOptions, nowMs: number): void {
  if (nowMs >= takenMs + validForMs)
    throw failure('PLAN_STALE', `the picture of the cloud is ${Math.round((nowMs - takenMs) / 1000)} s old`, {
      takenMs,
    })
}

/** Writes a plan down that has been checked. */
export function writeDown(
  { model, takenMs, notes = [] }: Picture,
  goal: PlanDocument['goal'],
  { plan, forecast, benefitHostHours, costHostHours, faults }: Omit<WorthwhilePlan, 'model'>,
  options: DocumentOptions,
  nowMs: number,
): PlanDocument {
  const { validForMs = usualValidMs, reserveHosts, past: _past, stay: _stay, ...asked } = options
  const touched = touchedBy(plan.moves)
  const fingerprint = fingerprintOf(model, touched)
  const after = afterMoves(model, plan.moves)
  const undo = undoOf(model, plan, options)
  const energy = energyOf(model, plan, reserveHosts === undefined ? {} : { reserveHosts })
  const { hostsBefore, hostsAfter, released, deviationBefore, deviationAfter, deviationOfDay, skipped, bound } = plan
  return {
    format: 'steward-plan/1',
    id: digest(
      JSON.stringify([goal, fingerprint, plan.moves.map(({ wave, serverId, from, to }) => [wave, serverId, from, to])]),
    ),
    goal,
    options: { ...asked },
    createdAt: new Date(nowMs).toISOString(),
    validity: {
      takenAt: new Date(takenMs).toISOString(),
      expiresAt: new Date(takenMs + validForMs).toISOString(),
      fingerprint,
    },
    hosts: hostStates(model, after),
    waves: wavesOf(forecast).map(({ wave, moves }) => ({
      wave,
      fingerprint: fingerprintOf(
        afterMoves(
          model,
          plan.moves.filter((move) => move.wave < wave),
        ),
        touched,
      ),
      durationMs: Math.max(...moves.map(({ durationMs }) => durationMs)),
      moves: moves.map(written),
    })),
    skipped: [...skipped],
    faults: faults.map(({ host, reasons }) => ({ host, reasons: [...reasons] })),
    efficacy: {
      hostsBefore,
      hostsAfter,
      released: [...released],
      deviationBefore,
      deviationAfter,
      ...(deviationOfDay && { deviationOfDay: { ...deviationOfDay } }),
      wishesUnheardBefore: wishesUnheard(model),
      wishesUnheardAfter: wishesUnheard(after),
      benefitHostHours,
      costHostHours,
    },
    energy: { ...energy, powerOff: [...energy.powerOff], reserve: [...energy.reserve], unknown: [...energy.unknown] },
    bound,
    forecast: { durationMs: forecast.durationMs, downtimeMs: forecast.downtimeMs, copiedMiB: forecast.copiedMiB },
    undo: {
      waves: wavesOf(undo).map(({ wave, moves }) => ({ wave, moves: moves.map(written) })),
      ...(undo.impossible !== undefined && { impossible: undo.impossible }),
    },
    notes: [
      ...[...notes, ...notesOnDowntime(forecast.moves)].map(({ where, says }) => ({ where, says })),
      ...(plan.levelled ? [{ where: goal, says: saysLevelled(plan.levelled) }] : []),
    ],
    picture: drawPlan(model, { ...plan, goal }),
  }
}

const written = <M extends PlannedMove>({ wave: _wave, kind, ...move }: M) => ({
  ...move,
  kind: kind ?? ('live' as const),
})

function wavesOf<M extends PlannedMove>({ moves }: { readonly moves: readonly M[] }): { wave: number; moves: M[] }[] {
  const byWave = new Map<number, M[]>()
  for (const move of moves) {
    const own = byWave.get(move.wave)
    if (own) own.push(move)
    else byWave.set(move.wave, [move])
  }
  return [...byWave].map(([wave, own]) => ({ wave, moves: own }))
}

function hostStates(before: Model, after: Model): PlanDocument['hosts'] {
  const [then, now] = [statesOf(after), statesOf(before)]
  const isDayKnown = before.servers.some(({ cpuPercentOfDay }) => cpuPercentOfDay !== undefined)
  const none = { ...empty, ...(isDayKnown && { cpuPercentOfDay: 0 }) }
  return before.hosts
    .map(({ name, zone, usable }) => ({
      name,
      zone,
      usable: usable !== false,
      before: now.get(name) ?? none,
      after: then.get(name) ?? none,
    }))
    .sort((a, b) => compare(a.name, b.name))
}

type HostState = PlanDocument['hosts'][number]['before']
const empty: HostState = { servers: 0, vcpu: 0, memoryMiB: 0, diskGiB: 0, cpuPercent: 0 }

function statesOf({ hosts, servers }: Model): Map<string, HostState> {
  const isDayKnown = servers.some(({ cpuPercentOfDay }) => cpuPercentOfDay !== undefined)
  const threads = new Map(hosts.map((host) => [host.name, host.threads]))
  const states = new Map<string, HostState>()
  for (const server of [...servers].sort((a, b) => compare(a.id, b.id))) {
    const { host, uses, cpuPercent, cpuPercentOfDay = cpuPercent } = server
    const state = states.get(host) ?? empty
    states.set(host, {
      servers: state.servers + 1,
      vcpu: state.vcpu + uses.vcpu,
      memoryMiB: state.memoryMiB + uses.memoryMiB,
      diskGiB: state.diskGiB + uses.diskGiB,
      cpuPercent: state.cpuPercent + cpuPercent / (threads.get(host) ?? 1),
      ...(isDayKnown && {
        cpuPercentOfDay: (state.cpuPercentOfDay ?? 0) + cpuPercentOfDay / (threads.get(host) ?? 1),
      }),
    })
  }
  return states
}
