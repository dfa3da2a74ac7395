import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow'
import type { Activities } from '../core/activities.ts'

/**
 * The only place with timeouts and retries. Each kind takes a `summary`, which the Temporal UI shows beside the step.
 */

/** Reads and small repeatable writes: seconds. Given up after ten minutes without the cloud. */
export const quick = (summary: string): Activities =>
  proxyActivities<Activities>({
    startToCloseTimeout: '45s',
    scheduleToCloseTimeout: '10m',
    retry: { initialInterval: '1s', maximumInterval: '30s' },
    summary,
  })

/** Waits for the cloud: minutes to hours, so the heartbeat is what detects a lost worker. */
export const patient = (summary: string, limitMs: number): Activities =>
  proxyActivities<Activities>({
    scheduleToCloseTimeout: limitMs,
    heartbeatTimeout: '20s',
    retry: { initialInterval: '1s', maximumInterval: '30s' },
    summary,
  })

/**
 * A call that must not be made twice: one attempt, and the workflow decides what a failure means. It heartbeats while
 * the call is under way, so that a lost worker is noticed in seconds.
 */
export const once = (summary: string): Activities =>
  proxyActivities<Activities>({
    startToCloseTimeout: '2m',
    heartbeatTimeout: '20s',
    retry: { maximumAttempts: 1 },
    summary,
  })

/**
 * A word with Steward itself, repeatable and short: made by the worker at hand, so that it costs the engine next to
 * nothing. Given up after ten minutes. After the first tries it is the workflow that waits for the next one, because a
 * worker that leaves would wait as well.
 */
export const internal = (summary: string): Activities =>
  proxyLocalActivities<Activities>({
    startToCloseTimeout: '15s',
    scheduleToCloseTimeout: '10m',
    retry: { initialInterval: '250ms', maximumInterval: '15s' },
    localRetryThreshold: '400ms',
    summary,
  })

/** Clean-up that must happen in the end, however long the cloud is away. */
export const eventually = (summary: string, limitMs: number): Activities =>
  proxyActivities<Activities>({
    startToCloseTimeout: '45s',
    scheduleToCloseTimeout: limitMs,
    retry: { initialInterval: '1s', maximumInterval: '5m' },
    summary,
  })
