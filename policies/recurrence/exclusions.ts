import { dayMs } from './zone.ts'

/** Where a local time falls into a day without occurrences: when that day, or the days with it, are over. */
export type Exclusions = (localMs: number) => number | undefined

export function exclusionsOf(except: readonly string[]): Exclusions {
  const yearly = new Set(except.filter((text) => text.length === 5))
  const spans = except.filter((text) => text.length > 5).map(spanOf)
  return (localMs) => {
    const date = new Date(localMs).toISOString().slice(0, 10)
    const span = spans.find(({ from, to }) => from <= date && date <= to)
    if (span) return Date.parse(span.to) + dayMs
    return yearly.has(date.slice(5)) ? Date.parse(date) + dayMs : undefined
  }
}

/** The first entry that is no date, or ends before it begins. */
export const wrongExclusion = (except: readonly string[]): string | undefined =>
  except.find((text) => {
    if (text.length === 5) return !isDate(`2000-${text}`)
    const { from, to } = spanOf(text)
    return !isDate(from) || !isDate(to) || to < from
  })

function spanOf(text: string): { from: string; to: string } {
  const [from = text, to = from] = text.split('/')
  return { from, to }
}

/** `2026-02-30` is read as 2 March by some and refused by others; it is no date. */
function isDate(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}
