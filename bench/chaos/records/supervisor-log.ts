/** One start of a nova-compute that was there before, with the stop it began with, if it had to be stopped. */
export interface ServiceStart {
  /** When the first trace of it is seen, epoch ms. */
  readonly at: number
  readonly startedAt: number
  readonly host: string
  readonly line: string
}

const form = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) INFO (spawned: |stopped: |waiting for )'?nova-compute-(\d+)'?/

/** Reads the log of the test cloud's supervisor, which does what is asked over SSH. The first start of each is no restart. */
export function readSupervisorLog(text: string): ServiceStart[] {
  const known = new Set<string>()
  const stopping = new Map<string, number>()
  return text.split('\n').flatMap((line) => {
    const [, time, ms, word, n] = form.exec(line) ?? []
    if (!time || !word || !n) return []
    const at = Date.parse(`${time.replace(' ', 'T')}.${ms}`)
    const host = `compute${n}`
    if (word !== 'spawned: ') {
      if (!stopping.has(host)) stopping.set(host, at)
      return []
    }
    const began = stopping.get(host) ?? at
    stopping.delete(host)
    if (known.has(host)) return [{ at: began, startedAt: at, host, line }]
    known.add(host)
    return []
  })
}
