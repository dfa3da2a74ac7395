import type { Alert } from '../../core/alert.ts'
import type { Intake } from './intake.ts'
import type { LogInput } from './log-lines.ts'
import type { LogWindows } from './log-windows.ts'

export interface LogWatch {
  /** Counts the lines, and takes in durably whatever alert they raise. */
  take(inputs: readonly LogInput[], source: string): Promise<void>
  /** Lets time pass, once a second. */
  tick(): Promise<void>
}

/**
 * Log lines → windows → alerts. The windows forget that they raised an alert only when it is durable: what could not
 * be handed over waits here, the newest per policy and host, and goes with the next tick.
 */
export function createLogWatch(windows: LogWindows, intake: Intake, now: () => number = Date.now): LogWatch {
  const waiting = new Map<string, Alert>()
  async function handOver(alerts: readonly Alert[]) {
    for (const alert of alerts) {
      const key = `${alert.policy}/${alert.entity.host}`
      const held = waiting.get(key)
      // an alert that nobody knows of yet must not be replaced by the news that it is over
      if (held?.status !== 'firing' || alert.status === 'firing') waiting.set(key, alert)
    }
    const batch = [...waiting]
    if (batch.length === 0) return
    await intake.take(batch.map(([, alert]) => alert))
    for (const [key, alert] of batch) if (waiting.get(key) === alert) waiting.delete(key)
  }
  return {
    async take(inputs, source) {
      // first what waits: lines that are counted and then refused would be counted again when they are sent again
      await handOver([])
      await handOver(windows.ingest(inputs, now(), source))
    },
    tick: () => handOver(windows.tick(now())),
  }
}
