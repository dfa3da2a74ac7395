import type { Alert } from '../../core/alert.ts'
import { codeOf, failure } from '../../core/errors.ts'
import type { Incidents, Receipt } from '../../temporal/incidents.ts'

export interface Intake {
  /**
   * Takes a batch in durably, a few alerts at a time; the answer counts what became of them.
   *
   * One that fails does not keep the others from being tried; but when the engine does not answer, the rest waits for
   * the sender's repetition instead of each running into its own time limit.
   *
   * @throws ENGINE_UNREACHABLE, OVERLOADED; whoever sent the batch sends it again, which is harmless
   */
  take(alerts: readonly Alert[]): Promise<Partial<Record<Receipt, number>>>
  /** Alerts being taken in now. */
  readonly inFlight: number
}

/** More in flight makes the engine slower, not faster. */
const atOnce = 16
/** A storm of one group of 10,000 fits; a second one waits at its sender. */
const mostInFlight = 20_000

export function createIntake(incidents: Incidents): Intake {
  let inFlight = 0
  return {
    get inFlight() {
      return inFlight
    },
    async take(alerts) {
      if (inFlight > 0 && inFlight + alerts.length > mostInFlight)
        throw failure('OVERLOADED', `${inFlight} alerts are being taken in`)
      inFlight += alerts.length
      const counts: Partial<Record<Receipt, number>> = {}
      const failures: unknown[] = []
      const queue = alerts.values()
      let isEngineAway = false
      const lane = async () => {
        for (const alert of queue) {
          if (isEngineAway) {
            inFlight--
            continue
          }
          try {
            const receipt = await incidents.report(alert)
            counts[receipt] = (counts[receipt] ?? 0) + 1
          } catch (error) {
            failures.push(error)
            isEngineAway ||= codeOf(error) === 'ENGINE_UNREACHABLE'
          } finally {
            inFlight--
          }
        }
      }
      await Promise.all(Array.from({ length: atOnce }, lane))
      if (failures.length > 0) throw failures[0]
      return counts
    },
  }
}
