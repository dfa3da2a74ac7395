const pattern = /^P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?$/

/**
 * Milliseconds of an ISO 8601 duration of weeks, days, hours, minutes and seconds.
 * `undefined` for anything else: years and months have no fixed length.
 */
export function durationMs(text: string): number | undefined {
  const found = pattern.exec(text)
  if (!found || text === 'P' || text.endsWith('T')) return undefined
  const [, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found.map((n) => (n ? Number(n) : 0))
  return ((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
}
