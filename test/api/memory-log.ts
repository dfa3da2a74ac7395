import type { Logger } from 'pino'
import { createLog } from '../../boot/log.ts'

/** Steward's log, and what was written to it. */
export function memoryLog(): { log: Logger; text(): string; lines(): Record<string, unknown>[] } {
  const written: string[] = []
  const write = (line: string) => {
    written.push(line)
  }
  return {
    log: createLog('test', 'info', { write }),
    text: () => written.join(''),
    lines: () => written.map((line) => JSON.parse(line)),
  }
}
