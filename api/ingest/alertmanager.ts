import { z } from 'zod'
import type { Alert } from '../../core/alert.ts'
import type { GaugePolicy, Policy } from '../../core/policy.ts'
import { HostName } from './log-lines.ts'

const text = z.string().max(65_536)

/** One alert of a delivery. Alertmanager adds fields with its versions, so unknown ones are let through. */
export const AlertmanagerAlert = z.looseObject({
  status: z.enum(['firing', 'resolved']),
  labels: z.record(z.string().max(1024), text),
  annotations: z.record(z.string().max(1024), text).optional(),
  startsAt: z.iso.datetime({ offset: true }).max(64),
  fingerprint: z.string().regex(/^[\w.-]{1,64}$/, 'not a fingerprint'),
})
export type AlertmanagerAlert = z.infer<typeof AlertmanagerAlert>

/**
 * Body of Alertmanager's webhook (version 4; Grafana's is a superset). Alerts are read one by one in `toAlerts`: one
 * that is odd must not lose the others, since Alertmanager drops a whole group that is answered with 4xx.
 *
 * @see https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
 */
export const AlertmanagerWebhook = z.looseObject({
  version: z.string().max(16).optional(),
  groupKey: text.optional(),
  truncatedAlerts: z.int().min(0).optional().describe('alerts that the sender left out'),
  alerts: z.array(z.unknown()).describe('alerts: status, labels, annotations, startsAt, fingerprint'),
})
export type AlertmanagerWebhook = z.infer<typeof AlertmanagerWebhook>

export interface Intake {
  readonly alerts: Alert[]
  /** Alerts nothing is done about, each with a reason. */
  readonly ignored: { readonly fingerprint: string; readonly reason: string }[]
}

const maxAlerts = 20_000
const maxAheadMs = 3_600_000

/**
 * Turns a delivery into alerts: one per alert and gauge policy whose labels it carries. Never throws: an alert that
 * cannot be used is ignored with a reason, and the same one twice in a delivery counts once.
 *
 * The host is taken from the policy's host label as Nova writes it, case and all; only a port and the dot of a fully
 * qualified name are taken off. It is never matched loosely.
 */
export function toAlerts(
  payload: AlertmanagerWebhook,
  policies: readonly Policy[],
  sourceName: string,
  nowMs: number,
): Intake {
  const gauges = policies.filter((policy) => policy.kind === 'gauge')
  const alerts = new Map<string, Alert>()
  const ignored: Intake['ignored'] = []
  for (const given of payload.alerts.slice(0, maxAlerts)) {
    const parsed = AlertmanagerAlert.safeParse(given)
    const found = parsed.success ? read(parsed.data, gauges, sourceName, nowMs) : whyUnreadable(parsed.error)
    if (typeof found === 'string') ignored.push({ fingerprint: fingerprintOf(given), reason: found })
    else for (const alert of found) alerts.set(`${alert.policy} ${alert.key} ${alert.status}`, alert)
  }
  const beyond = payload.alerts.length - maxAlerts
  if (beyond > 0)
    ignored.push({
      fingerprint: 'none',
      reason: `${beyond} alerts beyond the ${maxAlerts} of a delivery were not read`,
    })
  return { alerts: [...alerts.values()], ignored }
}

/** The alerts of one alert, or why there are none. */
function read(
  given: AlertmanagerAlert,
  gauges: readonly GaugePolicy[],
  sourceName: string,
  nowMs: number,
): Alert[] | string {
  const startsAtMs = Date.parse(given.startsAt)
  // Go's zero time stands for "unknown"
  if (!(startsAtMs > 0)) return 'startsAt is no date an alert can have begun at'
  if (startsAtMs - nowMs > maxAheadMs) return 'startsAt lies more than an hour ahead'
  const matching = gauges.filter((policy) => matches(policy, given.labels))
  if (matching.length === 0) return 'no gauge policy has these labels'
  const startsAt = new Date(startsAtMs).toISOString()
  const alerts: Alert[] = []
  let refusal = ''
  for (const policy of matching) {
    const { hostLabel } = policy.when
    const label = Object.hasOwn(given.labels, hostLabel) ? given.labels[hostLabel] : undefined
    const host = label === undefined ? undefined : HostName.safeParse(canonicalHost(label)).data
    if (host === undefined) {
      refusal = `policy ${policy.name}: ${label === undefined ? `no label ${hostLabel}` : `label ${hostLabel} is not a host name`}`
      continue
    }
    alerts.push({
      policy: policy.name,
      entity: { host },
      status: given.status,
      startsAt,
      observedAt: new Date(nowMs).toISOString(),
      source: sourceName,
      key: `${given.fingerprint}@${startsAt}`,
      summary: summaryOf(given, host),
    })
  }
  return alerts.length > 0 ? alerts : refusal
}

/** A policy without labels would match every alert of the monitor: it matches none. */
function matches({ when }: GaugePolicy, labels: AlertmanagerAlert['labels']): boolean {
  const wanted = Object.entries(when.labels)
  return wanted.length > 0 && wanted.every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value)
}

function canonicalHost(label: string): string {
  return label
    .trim()
    .replace(/:\d{1,5}$/, '')
    .replace(/\.$/, '')
}

function summaryOf({ annotations = {}, labels, status }: AlertmanagerAlert, host: string): string {
  const given = annotations.summary ?? annotations.description ?? labels.alertname ?? 'alert'
  const line = given.slice(0, 1000).replace(unprintable, ' ').trim().slice(0, 300)
  return status === 'resolved' ? `resolved on ${host}: ${line}` : line || `alert on ${host}`
}

/** Control characters, and those that turn the direction of writing: a summary is shown in terminals and pages. */
const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]+/gu

function whyUnreadable(error: z.ZodError): string {
  const issue = error.issues[0]
  return `${issue?.path.slice(0, 2).join('.') || 'the alert'}: ${issue?.message ?? 'does not match the schema'}`.slice(
    0,
    200,
  )
}

function fingerprintOf(given: unknown): string {
  const found = z.object({ fingerprint: z.string() }).safeParse(given)
  return found.success ? found.data.fingerprint.replace(/[^\w.-]/g, '?').slice(0, 64) : 'none'
}
