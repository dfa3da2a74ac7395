import type { PowerReading, PowerWay } from '../core/power.ts'

/** What is known of a host that shall be off, before its servers are started elsewhere. */
export interface FenceEvidence {
  readonly host: string
  /** `orderedAt` of the outcome; where it was off already, `askedAt`. */
  readonly orderedAt: string
  readonly readings: readonly PowerReading[]
  /** Whether the host answers on its own, by SSH or ping; missing when nobody tried. */
  readonly answers?: boolean
}

export interface FenceOptions {
  /** Two readings must be so far apart at least. */
  readonly apartSeconds: number
  /** The last reading may be so old at most. */
  readonly freshSeconds: number
  /** Ways whose readings count. Ironic shows its own records, and a command is as good as whoever wrote it. */
  readonly trusted: readonly PowerWay[]
  /** Whether it must also have been seen that the host answers no more. */
  readonly needsSilence: boolean
}

export const fenceDefaults: FenceOptions = {
  apartSeconds: 10,
  freshSeconds: 300,
  trusted: ['redfish', 'ipmi'],
  needsSilence: false,
}

export type FenceVerdict =
  | { readonly verdict: 'proved off'; readonly reason: string; readonly by: readonly [PowerReading, PowerReading] }
  | { readonly verdict: 'not proved'; readonly reason: string }

/**
 * Whether it is proved that a host is off. A server that runs twice destroys its disks, so every doubt is a no: what was
 * read before the order does not count, and a reading other than off takes back all before it.
 */
export function proveOff(
  { host, orderedAt, readings, answers }: FenceEvidence,
  now: string,
  options: FenceOptions = fenceDefaults,
): FenceVerdict {
  const { apartSeconds, freshSeconds, trusted, needsSilence } = options
  const orderMs = Date.parse(orderedAt)
  const nowMs = Date.parse(now)
  if (!(orderMs <= nowMs)) return no('nobody can tell when it was ordered off')
  if (answers === true) return no(`${host} still answers`)
  if (needsSilence && answers !== false) return no(`nobody has looked whether ${host} still answers`)

  const its = readings.filter((reading) => reading.host === host)
  if (its.some(({ at }) => !(Date.parse(at) <= nowMs))) return no('a reading is of no time, or of one to come')
  const after = its.filter((reading) => timeOf(reading) >= orderMs)
  const lastDoubtMs = Math.max(...after.filter(({ state }) => state !== 'off').map(timeOf))
  const offs = after.filter((reading) => trusted.includes(reading.way) && timeOf(reading) > lastDoubtMs)
  const [first, ...others] = offs.toSorted((a, b) => timeOf(a) - timeOf(b))
  const last = others.at(-1)
  const doubt = lastDoubtMs >= orderMs ? `it was read as other than off at ${new Date(lastDoubtMs).toISOString()}` : ''
  if (first === undefined) return no(doubt || `no reading after the order by ${trusted.join(' or ')} says off`)
  if (last === undefined) return no(`only one reading says off${doubt && `, after ${doubt}`}`)
  const apartMs = timeOf(last) - timeOf(first)
  if (!(apartMs >= apartSeconds * 1000))
    return no(`the readings are ${apartMs / 1000} s apart, and must be ${apartSeconds} s`)
  if (!(nowMs - timeOf(last) <= freshSeconds * 1000))
    return no(`the last reading is older than ${freshSeconds} s: it may have been turned on since`)
  const silent = answers === false ? ', and it answers no more' : ''
  const reason = `read as off at ${first.at} and at ${last.at}, after the order of ${orderedAt}${silent}`
  return { verdict: 'proved off', reason, by: [first, last] }
}

const no = (reason: string): FenceVerdict => ({ verdict: 'not proved', reason })

const timeOf = ({ at }: PowerReading) => Date.parse(at)
