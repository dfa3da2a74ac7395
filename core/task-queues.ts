/** Remediation and deferred actions never share a queue: a mass of due actions must not starve an alert. */
export const taskQueues = {
  remediation: 'steward-remediation',
  actions: 'steward-actions',
} as const
