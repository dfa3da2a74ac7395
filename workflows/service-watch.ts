import { continueAsNew } from '@temporalio/workflow'
import { patient } from './steps.ts'

/** The id makes it one watch in the whole installation, however many workers run. */
export const serviceWatchId = 'watch/services'

const shiftMs = 12 * 3_600_000

/**
 * Watches Nova's service list for ever, by a single heartbeating activity: Temporal keeps exactly one alive,
 * and its small state travels in the heartbeat.
 */
export async function serviceWatch(): Promise<void> {
  await patient("Watch Nova's services", shiftMs + 3_600_000).watchServices()
  await continueAsNew<typeof serviceWatch>()
}
