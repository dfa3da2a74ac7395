/** Wall-clock time is kept as the epoch ms at which UTC clocks show it: `localMs`. */
export interface Zone {
  /** What the clocks of the zone show. */
  localMs(atMs: number): number
  /** When the clocks show `localMs`. */
  instantsOf(localMs: number): Instants
  /** `2026-03-29 03:00 +02:00 CEST`; without the letters where the zone has none in English. */
  text(atMs: number): string
  /** Whether clocks change within a year from then. */
  changes(fromMs: number): boolean
}

/** `first` to `second`: the time comes twice. `missing`: it never comes, and `first` is when the clocks jump over it. */
export interface Instants {
  readonly first: number
  readonly second?: number
  readonly missing?: true
}

export const dayMs = 86_400_000
/** Clocks differ from UTC by up to 14 h, and dates were skipped as a whole: this is safely to either side. */
const aroundMs = 1.5 * dayMs
/** English of one country or another has the usual letters of most zones. */
const countries = ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-CA']

/** Asking the database is slow. What was asked is remembered, but not without end: names come from users. */
const mostRemembered = 1000
const zones = new Map<string, Zone>()

/**
 * The clocks of one IANA time zone, by the platform's own database.
 * @returns undefined when the database does not have the zone
 */
export function zoneOf(timeZone: string): Zone | undefined {
  const known = zones.get(timeZone)
  if (known) return known
  const clock = clockOf(timeZone)
  if (!clock) return undefined
  if (zones.size >= mostRemembered) zones.clear()
  const zone = createZone(timeZone, clock)
  zones.set(timeZone, zone)
  return zone
}

function createZone(timeZone: string, clock: Intl.DateTimeFormat): Zone {
  /** Offsets before and after a day of wall-clock time; that they are equal is what makes most days cheap. */
  const days = new Map<number, { before: number; after: number }>()
  let lettering: Intl.DateTimeFormat[] | undefined

  const offsetMs = (atMs: number) => {
    const fields: Record<string, number> = {}
    for (const { type, value } of clock.formatToParts(atMs)) fields[type] = Number(value)
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = fields
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000
  }

  function offsetsAround(localMs: number) {
    const day = Math.floor(localMs / dayMs)
    const known = days.get(day)
    if (known) return known
    const offsets = {
      before: offsetMs(day * dayMs - aroundMs),
      after: offsetMs((day + 1) * dayMs + aroundMs),
    }
    if (days.size >= mostRemembered) days.clear()
    days.set(day, offsets)
    return offsets
  }

  function instantsOf(localMs: number): Instants {
    const { before, after } = offsetsAround(localMs)
    if (before === after) return { first: localMs - before }
    const found = [localMs - before, localMs - after].filter((atMs) => atMs + offsetMs(atMs) === localMs)
    const [first, second] = found.sort((a, b) => a - b)
    if (first === undefined) return { first: changeAfter(localMs - aroundMs, localMs + aroundMs), missing: true }
    return second === undefined ? { first } : { first, second }
  }

  /** The moment between the two from which on the later offset holds. */
  function changeAfter(fromMs: number, toMs: number): number {
    const before = offsetMs(fromMs)
    let [low, high] = [fromMs, toMs]
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      if (offsetMs(middle) === before) low = middle
      else high = middle
    }
    return high
  }

  return {
    localMs: (atMs) => atMs + offsetMs(atMs),
    instantsOf,
    text(atMs) {
      const offset = offsetMs(atMs)
      lettering ??= countries.map((country) => new Intl.DateTimeFormat(country, { timeZone, timeZoneName: 'short' }))
      const letters = lettering.map((format) => lettersOf(format, atMs)).find(Boolean)
      return [wallClock(atMs + offset), signed(offset), ...(letters ? [letters] : [])].join(' ')
    },
    changes: (fromMs) =>
      Array.from({ length: 12 }, (_, month) => offsetMs(fromMs + month * 30.5 * dayMs)).some(
        (offset) => offset !== offsetMs(fromMs),
      ),
  }
}

function clockOf(timeZone: string): Intl.DateTimeFormat | undefined {
  const [year, month, day, hour, minute, second] = Array<'numeric'>(6).fill('numeric')
  try {
    return new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, hourCycle: 'h23', calendar: 'gregory', numberingSystem: 'latn' },
      ...{ year, month, day, hour, minute, second },
    })
  } catch {
    return undefined
  }
}

/** `CEST`; nothing when the country only knows `GMT+2`. */
function lettersOf(format: Intl.DateTimeFormat, atMs: number): string | undefined {
  const name = format.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')?.value
  return name && /^[A-Z]{2,5}$/.test(name) ? name : undefined
}

/** `2026-03-29 02:30`, with seconds where there are some. */
export const wallClock = (localMs: number) =>
  new Date(localMs)
    .toISOString()
    .replace('T', ' ')
    .slice(0, localMs % 60_000 === 0 ? 16 : 19)

function signed(offsetMs: number): string {
  const minutes = Math.abs(offsetMs) / 60_000
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  return `${offsetMs < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`
}
