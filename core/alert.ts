/** What an alert is about. `binary` names the service on the host, where the alert is about one. */
export interface Entity {
  readonly host: string
  readonly binary?: string
}

/** One log record as evidence: `at` is RFC 3339 UTC; `text` is cut to a bounded length. */
export interface LogLine {
  readonly at: string
  readonly level: string
  readonly component: string
  readonly text: string
  /** OpenStack's request ids found in the record, global one first. */
  readonly requestIds: readonly string[]
}

/** A threshold crossed, or an alert a monitor sent, in the one form everything after intake understands. */
export interface Alert {
  /** Name of the policy that takes care of it. */
  readonly policy: string
  readonly entity: Entity
  /** `quiet` only for logs: the source was heard from, and there was no error in what it said. */
  readonly status: 'firing' | 'resolved' | 'quiet'
  /** RFC 3339 UTC, whole milliseconds: when the condition began. */
  readonly startsAt: string
  /** When this observation was made, RFC 3339 UTC. */
  readonly observedAt: string
  /** Name of the configured source, or `poll` for what Steward looked at itself. */
  readonly source: string
  /** Equal for deliveries of the same alert: fingerprint and start. */
  readonly key: string
  /** One sentence for people. */
  readonly summary: string
  /** Figures of the crossing, such as `{ errors: 31, windowSeconds: 30 }`. */
  readonly figures?: Readonly<Record<string, number>>
  readonly lines?: readonly LogLine[]
}
