/**
 * Remediation and deferred actions never share a queue: a mass of due actions must not starve an alert. The governor has
 * one of its own, because runs wait for its answer inside their workflow tasks: it may not stand in line behind them. Runs
 * have one of their own because each of its tasks goes to a worker that has the code its run began with.
 */
export const taskQueues = {
  governor: 'steward-governor',
  remediation: 'steward-remediation',
  runs: 'steward-runs',
  actions: 'steward-actions',
} as const

/** Where a workflow that waits on this queue has its runs begin; whoever has one queue for everything keeps to it. */
export const runsQueueBeside = (taskQueue: string): string =>
  taskQueue === taskQueues.remediation ? taskQueues.runs : taskQueue
