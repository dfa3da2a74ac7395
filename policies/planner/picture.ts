import type { Weights } from './dimensions.ts'
import type { GoalPlan, Model, Skipped } from './model.ts'

const movesShown = 40
const reasonsShown = 20
const columns = 100

/** Any plan, whatever it is called. */
type Drawn = Omit<GoalPlan, 'goal'> & { readonly goal: string }

/** A plan as a person reads it: figures, hosts before and after, moves by wave, and why nothing else is moved. */
export function drawPlan(
  model: Model,
  plan: Drawn & { readonly cpuSeconds?: number; readonly peakMemoryMiB?: number },
): string {
  const after = new Map(model.servers.map(({ id, host }) => [id, host]))
  for (const { serverId, to } of plan.moves) after.set(serverId, to)
  const waves = plan.moves.at(-1)?.wave ?? 0
  const { cpuSeconds, peakMemoryMiB, deviationOfDay, levelled } = plan
  return lines([
    `${plan.goal}: ${plan.hostsBefore} hosts in use before, ${plan.hostsAfter} after, at best ${plan.bound.hosts}`,
    `${plan.moves.length} moves in ${waves} waves; deviation of CPU use ${plan.deviationBefore.toFixed(1)} before, ${plan.deviationAfter.toFixed(1)} after`,
    ...(deviationOfDay
      ? [`over the day ${deviationOfDay.before.toFixed(1)} before, ${deviationOfDay.after.toFixed(1)} after`]
      : []),
    ...(levelled ? [saysLevelled(levelled)] : []),
    ...(plan.released.length > 0 ? [`released: ${plain(listed(plan.released, 10))}`] : []),
    ...(cpuSeconds === undefined
      ? []
      : [`planned in ${cpuSeconds.toFixed(2)} CPU seconds, ${peakMemoryMiB} MiB at most`]),
    '',
    ...grid(model, after),
    '',
    ...table(['WAVE', 'SERVER', 'FROM', 'TO', ...(plan.moves.some(isCold) ? ['HOW'] : []), 'WHY'], moveRows(plan)),
    ...more(plan.moves.length - movesShown, 'moves'),
    '',
    ...table(['LEFT ALONE', 'WHY'], skippedRows(plan.skipped)),
  ])
}

/** What a plan levels that nobody chose. */
export const saysLevelled = (levelled: Weights): string =>
  `levels ${Object.entries(levelled)
    .map(([name, weight]) => `${name}=${weight}`)
    .join(',')}: no weights were given, and CPU counts by half over the day`

/** One character per host: how much of its vCPUs is given away. */
function grid(model: Model, after: ReadonlyMap<string, string>): string[] {
  const hosts = [...model.hosts].sort((a, b) => (a.name < b.name ? -1 : 1))
  const capacity = new Map(hosts.map(({ name, capacity: { vcpu } }) => [name, vcpu]))
  const row = (place: (id: string, host: string) => string) => {
    const used = new Map<string, number>()
    for (const { id, host, uses } of model.servers) {
      const name = place(id, host)
      used.set(name, (used.get(name) ?? 0) + uses.vcpu)
    }
    return hosts.map(({ name }) => glyph(used.get(name), capacity.get(name) ?? 0)).join('')
  }
  const before = row((_, host) => host)
  const then = row((id, host) => after.get(id) ?? host)
  const out = ['vCPUs given away, a character per host: · no server, ▁ few … █ all']
  for (let at = 0; at < hosts.length; at += columns)
    out.push(`before ${before.slice(at, at + columns)}`, `after  ${then.slice(at, at + columns)}`)
  return out
}

const levels = '▁▂▃▄▅▆▇█'

function glyph(used: number | undefined, capacity: number): string {
  if (used === undefined) return '·'
  return levels[Math.min(levels.length - 1, Math.floor((used / Math.max(1, capacity)) * levels.length))]!
}

function moveRows({ moves }: Drawn): string[][] {
  const hasCold = moves.some(isCold)
  return moves.slice(0, movesShown).map((move) => {
    const { wave, serverId, from, to, reason, kind = 'live', isOff } = move
    return [String(wave), serverId, from, to, ...(hasCold ? [isOff ? `${kind}, off` : kind] : []), reason]
  })
}

const isCold = ({ kind }: Drawn['moves'][number]) => kind === 'cold'

/** The same reason once, with all it holds for. */
function skippedRows(skipped: readonly Skipped[]): string[][] {
  const byReason = new Map<string, string[]>()
  for (const one of skipped) {
    const who = 'host' in one ? one.host : one.serverId
    const known = byReason.get(one.reason)
    if (known) known.push(who)
    else byReason.set(one.reason, [who])
  }
  const rows = [...byReason].map(([reason, who]) => [listed(who, 3), reason])
  const hidden = rows.length - reasonsShown
  return hidden > 0 ? [...rows.slice(0, reasonsShown), ['…', `${hidden} more; --json has all`]] : rows
}

function table(head: string[], rows: string[][]): string[] {
  if (rows.length === 0) return [`${head[0]}: none`]
  const all = [head, ...rows.map((row) => row.map(plain))]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
}

const more = (count: number, what: string) => (count > 0 ? [`… and ${count} more ${what}; --json has all`] : [])

const listed = (names: readonly string[], shown: number) =>
  names.length > shown ? `${names.slice(0, shown).join(', ')} and ${names.length - shown} more` : names.join(', ')

/** Control characters in names must not move the reader's cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be replaced
const plain = (text: string) => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')

const lines = (all: readonly string[]) => `${all.join('\n')}\n`
