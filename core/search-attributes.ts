import { defineSearchAttributeKey } from '@temporalio/common'

/** Search attributes are plain text in the engine's database: ids, names of hosts and of rules only. */
export const attributes = {
  kind: defineSearchAttributeKey('StewardKind', 'KEYWORD'),
  state: defineSearchAttributeKey('StewardState', 'KEYWORD'),
  policy: defineSearchAttributeKey('StewardPolicy', 'KEYWORD'),
  runbook: defineSearchAttributeKey('StewardRunbook', 'KEYWORD'),
  target: defineSearchAttributeKey('StewardTarget', 'KEYWORD'),
  projectId: defineSearchAttributeKey('StewardProjectId', 'KEYWORD'),
  /** Digest of the id of the trust that is used; the id itself would be plain text. */
  delegation: defineSearchAttributeKey('StewardDelegation', 'KEYWORD'),
  incidentRunId: defineSearchAttributeKey('StewardIncidentRunId', 'KEYWORD'),
  /** Keys of the alerts an incident has taken in, so that a late duplicate does not open another one. */
  alertKeys: defineSearchAttributeKey('StewardAlertKeys', 'KEYWORD_LIST'),
} as const

export type WorkflowKind =
  | 'incident'
  | 'run'
  | 'run-move'
  | 'runbooks'
  | 'action'
  | 'recurring-action'
  | 'delegation'
  | 'plan'
  | 'recurring-plan'
  | 'sweep'
  | 'watch'
  | 'governor'
  | 'stop'
  | 'notification'
