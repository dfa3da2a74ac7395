import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow'
import type { Activities } from '../core/activities.ts'

/**
 * The only place with timeouts and retries. Each kind takes a `summary`, which the Temporal UI shows beside the step.
 *
 * What may be repeated is given up after a number of attempts, not after a time: while Temporal or all workers are away
 * nothing was tried, and nobody shall find the runs of that night given up.
 */

/** Reads and small repeatable writes: seconds. Given up after some ten minutes without the cloud. */
export const quick = (summary: string): Activities =>
  proxyActivities<Activities>({
    startToCloseTimeout: '45s',
    retry: { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 20 },
    summary,
  })

/** Waits for the cloud: minutes to hours, so the heartbeat is what detects a lost worker. `limitMs` is for one attempt. */
export const patient = (summary: string, limitMs: number): Activities =>
  proxyActivities<Activities>({
    startToCloseTimeout: limitMs,
    heartbeatTimeout: '20s',
    retry: { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 60 },
    summary,
  })

/**
 * A call that must not be made twice: one attempt, and the workflow decides what a failure means. It heartbeats while
 * the call is under way, so that a lost worker is noticed in seconds.
 */
export const once = (summary: string, limitMs = 120_000): Activities =>
  proxyActivities<Activities>({
    startToCloseTimeout: limitMs,
    heartbeatTimeout: '20s',
    retry: { maximumAttempts: 1 },
    summary,
  })

/**
 * A word with Steward itself, repeatable and short: made by the worker at hand, so that it costs the engine next to
 * nothing. Given up after some ten minutes. After the first tries it is the workflow that waits for the next one, because a
 * worker that leaves would wait as well.
 */
export const internal = (summary: string): Activities =>
  proxyLocalActivities<Activities>({
    startToCloseTimeout: '15s',
    retry: { initialInterval: '250ms', maximumInterval: '15s', maximumAttempts: 46 },
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
