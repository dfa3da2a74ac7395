/**
 * Remediation and deferred actions never share a queue: a mass of due actions must not starve an alert. The governor has
 * one of its own, because runs wait for its answer inside their workflow tasks: it may not stand in line behind them.
 */
export const taskQueues = {
  governor: 'steward-governor',
  remediation: 'steward-remediation',
  actions: 'steward-actions',
} as const
