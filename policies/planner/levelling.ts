import { type Dimension, dimensionsOf, type Weights } from './dimensions.ts'
import type { Occupancy } from './occupancy.ts'
import type { Tables } from './tables.ts'

/** How uneven the use of hosts is: weighted variance over hosts, much more above the limit, and wishes not heard. */
export interface Level {
  /** Real CPU use of each host in percent of its threads. */
  readonly load: Float64Array
  /** Use of each host over all dimensions, by their weights; much more above the limit. */
  readonly pressure: Float64Array
  /** What a move would add to the unevenness; negative is better. */
  change(server: number, to: number): number
  /** Books a move, in the occupancy too. */
  move(server: number, to: number): void
  /** The weighted variance in square percentage points, with the extras. */
  unevenness(): number
  /** At the deviation, and no host above the limit in any dimension. */
  isEven(targetDeviation: number): boolean
}

const hotWeight = 20
/** Square points that a wish of a soft group is worth, over all hosts. */
const wishWeight = 25

interface Layer {
  readonly dimension: Dimension
  readonly sums: Float64Array
  readonly load: Float64Array
  total: number
  costs: number
}

/** @param maxPercent use above which a host is hot, in any of the dimensions that count */
export function createLevel(tables: Tables, occupancy: Occupancy, maxPercent: number, weights: Weights = usual): Level {
  const { at, put, take, on } = occupancy
  const count = tables.hosts.length
  const layers = dimensionsOf(tables, weights).map((dimension): Layer => {
    const sums = Float64Array.from(on, (own) => own.reduce((sum, server) => sum + dimension.amounts[server]!, 0))
    const load = sums.map((sum, host) => sum * dimension.percentPerUnit[host]!)
    return { dimension, sums, load, total: 0, costs: 0 }
  })
  const pressure = new Float64Array(count)
  let wishes = 0

  const costOf = (percent: number, weight: number) => {
    const excess = percent - maxPercent
    return weight * percent * percent + (excess > 0 ? hotWeight * excess * excess : 0)
  }
  const excessOf = (percent: number) => Math.max(0, percent - maxPercent)
  const addUp = (layer: Layer) => {
    layer.total = 0
    layer.costs = 0
    for (const percent of layer.load) {
      layer.total += percent
      layer.costs += costOf(percent, layer.dimension.weight)
    }
  }
  const press = (host: number) => {
    pressure[host] = layers.reduce((sum, { dimension, load }) => sum + dimension.weight * load[host]!, 0)
    // one that is hot in any of them gives servers away, however calm it is by what is levelled
    pressure[host]! += hotWeight * layers.reduce((sum, { load }) => sum + excessOf(load[host]!), 0)
  }
  layers.forEach(addUp)
  for (let host = 0; host < count; host++) press(host)

  function wishesAt(server: number, host: number): number {
    let sum = 0
    for (const [other, sign] of tables.wishes[server] ?? none) if (at[other] === host) sum += sign
    return sum
  }
  function change(server: number, to: number) {
    const from = at[server]!
    let sum = ((wishesAt(server, to) - wishesAt(server, from)) * wishWeight) / count
    for (const { dimension, load, total } of layers) {
      const { weight, amounts, percentPerUnit } = dimension
      const less = load[from]! - amounts[server]! * percentPerUnit[from]!
      const more = load[to]! + amounts[server]! * percentPerUnit[to]!
      // what is only held to the limit costs nothing below it
      if (weight === 0 && load[from]! <= maxPercent && more <= maxPercent) continue
      const costChange =
        costOf(less, weight) - costOf(load[from]!, weight) + costOf(more, weight) - costOf(load[to]!, weight)
      const after = total + (less - load[from]!) + (more - load[to]!)
      sum += costChange / count - (weight * (after * after - total * total)) / (count * count)
    }
    return sum
  }
  function move(server: number, to: number) {
    const from = at[server]!
    wishes += wishesAt(server, to) - wishesAt(server, from)
    take(server)
    put(server, to)
    for (const layer of layers) {
      const { amounts, percentPerUnit } = layer.dimension
      layer.sums[from]! -= amounts[server]!
      layer.sums[to]! += amounts[server]!
      for (const host of [from, to]) layer.load[host] = layer.sums[host]! * percentPerUnit[host]!
      addUp(layer)
    }
    press(from)
    press(to)
  }
  const variance = () =>
    layers.reduce(
      (sum, { dimension, costs, total }) => sum + costs / count - dimension.weight * (total / count) ** 2,
      0,
    )
  return {
    load: layers[0]!.load,
    pressure,
    change,
    move,
    unevenness: () => variance() + (wishes * wishWeight) / count,
    isEven: (target) =>
      variance() <= target * target && layers.every(({ load }) => load.every((percent) => percent <= maxPercent)),
  }
}

const usual: Weights = { cpu: 1 }
const none: ReadonlyMap<number, number> = new Map()

/** The best next move: from one of the busiest hosts to one of the idlest that take it. */
export function bestMove(
  tables: Tables,
  occupancy: Occupancy,
  level: Level,
  allowed: (server: number) => boolean,
): { server: number; to: number; change: number } | undefined {
  const { hosts, stays } = tables
  const byLoad = Array.from(hosts.keys()).sort((a, b) => level.pressure[a]! - level.pressure[b]! || a - b)
  const idle = byLoad.filter((host) => tables.usable[host])
  let best: { server: number; to: number; change: number } | undefined
  for (const from of byLoad.toReversed().slice(0, sourcesTried)) {
    for (const server of occupancy.on[from]!.toSorted((a, b) => a - b)) {
      if (stays[server] !== undefined || !allowed(server)) continue
      let tried = 0
      for (const to of idle) {
        if (tried >= targetsTried || level.pressure[to]! >= level.pressure[from]!) break
        if (to === from || !occupancy.fits(server, to)) continue
        tried++
        const change = level.change(server, to)
        if (change < (best?.change ?? 0)) best = { server, to, change }
      }
    }
  }
  return best
}

const sourcesTried = 24
const targetsTried = 12
