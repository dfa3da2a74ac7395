import { leasesIn } from '../records/leases.ts'
import { type Records, type Run, runOf, runsOf } from '../records/records.ts'
import { at, type Violation } from './violation.ts'

/** I1: at most one actor on a host and on a server at any moment. */
export function oneActor(records: Records): Violation[] {
  return [...bySamples(records), ...byEffects(records), ...byReceivers(records), ...byMigrations(records)]
}

function bySamples({ samples }: Records): Violation[] {
  const found = new Map<string, Violation>()
  for (const sample of samples) {
    const leases = leasesIn(sample)
    for (const [i, one] of leases.entries())
      for (const other of leases.slice(i + 1)) {
        const shared = one.targets.find((target) => other.targets.includes(target))
        if (!shared) continue
        const key = [one.id, other.id].sort((a, b) => a.localeCompare(b)).join()
        if (found.has(key)) continue
        found.set(key, {
          rule: 'I1 one actor',
          says: `two leases on ${shared} at once`,
          evidence: [`sample of ${at(sample.at)}`, JSON.stringify(one), JSON.stringify(other)],
        })
      }
  }
  return [...found.values()]
}

interface Span {
  readonly run: Run
  from: number
  until: number
  readonly evidence: string[]
}

/** From the first effect of a run in the cloud to the end of its last one. */
function byEffects(records: Records): Violation[] {
  const runs = runsOf(records)
  const spans = new Map<string, Span>()
  for (const effect of records.effects) {
    const run = runOf(effect, runs)
    if (!run || !effect.took) continue
    const span = spans.get(run.runId) ?? { run, from: effect.at, until: effect.until, evidence: [] }
    span.from = Math.min(span.from, effect.at)
    span.until = Math.max(span.until, effect.until)
    span.evidence.push(`${effect.what} ${at(effect.at)}-${at(effect.until)}: ${effect.evidence.slice(0, 220)}`)
    spans.set(run.runId, span)
  }
  const all = [...spans.values()].sort((a, b) => a.from - b.from)
  return all.flatMap((one, i) =>
    all.slice(i + 1).flatMap((other): Violation[] => {
      const shared = one.run.targets.find((target) => other.run.targets.includes(target))
      if (!shared || other.from >= one.until) return []
      return [
        {
          rule: 'I1 one actor',
          says: `${one.run.of} and ${other.run.of} both acted on ${shared}`,
          evidence: [...one.evidence, ...other.evidence],
        },
      ]
    }),
  )
}

/** A host that takes servers in is not restarted meanwhile. */
function byReceivers({ effects, migrations }: Records): Violation[] {
  const restarts = effects.filter(({ what }) => what === 'restart')
  const moves = effects.filter(({ what, took }) => what === 'live-migration' && took)
  return restarts.flatMap((restart) =>
    moves.flatMap((move): Violation[] => {
      const to = migrations.find((m) => `server/${m.serverId}` === move.target && m.updatedAt === move.until)?.to
      if (`host/${to}` !== restart.target || restart.at <= move.at || restart.at >= move.until) return []
      const says = `${to} was restarted while a server was moved to it`
      return [{ rule: 'I1 one actor', says, evidence: [move.evidence, restart.evidence] }]
    }),
  )
}

/** Whoever asked for them. Nova's times are whole seconds. */
function byMigrations({ migrations }: Records): Violation[] {
  return migrations.flatMap((one, i) =>
    migrations.slice(i + 1).flatMap((other): Violation[] => {
      if (one.serverId !== other.serverId) return []
      const overlapMs = Math.min(one.updatedAt, other.updatedAt) - Math.max(one.createdAt, other.createdAt)
      if (overlapMs <= 1_000) return []
      const says = `two migrations of ${one.serverId} overlap by ${overlapMs / 1000} s`
      return [{ rule: 'I1 one actor', says, evidence: [JSON.stringify(one), JSON.stringify(other)] }]
    }),
  )
}
