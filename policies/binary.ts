import type { Alert } from '../core/alert.ts'
import type { BinaryPolicy } from '../core/policy.ts'

/** One line of Nova's service list. */
export interface ListedService {
  readonly id: string
  readonly binary: string
  readonly host: string
  readonly status: 'enabled' | 'disabled'
  readonly state: 'up' | 'down'
  readonly forcedDown: boolean
  readonly updatedAt: string | null
}

/** A service that was down when last looked at. */
export interface DownService {
  /** When it was first seen down, epoch ms. */
  readonly sinceMs: number
  /** When an alert was last sent for it; missing while none was. */
  readonly alertedMs?: number
  /** When it was last seen down together with all others of its binary, epoch ms. */
  readonly togetherMs?: number
}

/** Services that are down, by `binary@host`; a service that is not in it was up. Small JSON. */
export type BinaryState = Readonly<Record<string, DownService>>

export interface Comparison {
  readonly alerts: Alert[]
  readonly state: BinaryState
  /** Services that are down without an alert, each with a reason. */
  readonly skipped: { readonly subject: string; readonly reason: string }[]
  /** Binaries no alert was sent for, because all of them look down at once. */
  readonly suppressed: { readonly subject: string; readonly reason: string }[]
}

export interface CompareOptions {
  /** Shortest time between two alerts of a service that stays down; repeating repairs a lost one. @default 30000 */
  repeatMs?: number
  /** Alert source to write down. @default 'poll' */
  source?: string
}

/**
 * Compares Nova's service list with what was down before, for the binaries that policies look after.
 *
 * Down → `firing`, again every `repeatMs` while it lasts; up again → `resolved`, once, if an alert had been sent.
 * Disabled and forced-down services are left alone: an operator or an evacuation is at work. When every enabled
 * service of a binary is down at once, and there are two or more, nobody is alerted; when that is over, those still down
 * have `afterOutageSeconds` to come back, since they reconnect one after the other.
 *
 * Losing the state costs nothing but new keys: what is down is found again. Deliver the alerts before keeping `state`.
 */
export function compareServices(
  previous: BinaryState,
  current: readonly ListedService[],
  policies: readonly BinaryPolicy[],
  nowMs: number,
  { repeatMs = 30_000, source = 'poll' }: CompareOptions = {},
): Comparison {
  const found: Comparison = { alerts: [], state: {}, skipped: [], suppressed: [] }
  const state: Record<string, DownService> = {}
  for (const binary of new Set(policies.map((policy) => policy.when.binary))) {
    const services = distinct(current.filter((service) => service.binary === binary))
    if (services.length === 0) {
      // an empty answer is no news of a service: what was down is remembered
      for (const [name, was] of Object.entries(previous)) if (name.startsWith(`${binary}@`)) state[name] = was
      continue
    }
    const lookedAfter = services.filter(isLookedAfter)
    const allDown = lookedAfter.length >= 2 && lookedAfter.every((service) => service.state === 'down')
    if (allDown) found.suppressed.push({ subject: binary, reason: whyAllDown(binary, lookedAfter.length) })
    for (const service of services) {
      const name = `${binary}@${service.host}`
      const was = previous[name]
      const about = policies.filter(
        ({ when }) => when.binary === binary && (when.hosts?.includes(service.host) ?? true),
      )
      const tell = (status: Alert['status'], since: number) => {
        for (const policy of about) found.alerts.push(alertOf(policy, service, status, since, nowMs, source))
      }
      if (service.state === 'up') {
        if (was?.alertedMs !== undefined) tell('resolved', was.sinceMs)
      } else if (!isLookedAfter(service)) {
        found.skipped.push({ subject: name, reason: whyLeftAlone(service) })
        if (was) state[name] = was
      } else if (about.length > 0) {
        const sinceMs = was?.sinceMs ?? nowMs
        const isDue = was?.alertedMs === undefined || nowMs - was.alertedMs >= repeatMs
        const togetherMs = allDown ? nowMs : was?.togetherMs
        const patienceMs = Math.max(...about.map(({ afterOutageSeconds }) => afterOutageSeconds)) * 1000
        const isAwaited = !allDown && togetherMs !== undefined && nowMs - togetherMs < patienceMs
        if (isAwaited) found.skipped.push({ subject: name, reason: whyAwaited(patienceMs) })
        const tells = isDue && !allDown && !isAwaited
        if (tells) tell('firing', sinceMs)
        const alertedMs = tells ? nowMs : was?.alertedMs
        state[name] = {
          sinceMs,
          ...(alertedMs !== undefined && { alertedMs }),
          ...(togetherMs !== undefined && { togetherMs }),
        }
      }
    }
  }
  return { ...found, state }
}

const isLookedAfter = ({ status, forcedDown }: ListedService) => status === 'enabled' && !forcedDown

/** One entry per host: a stale second record of a service that is up elsewhere does not make it down. */
function distinct(services: readonly ListedService[]): ListedService[] {
  const byHost = new Map<string, ListedService>()
  for (const service of services) {
    const known = byHost.get(service.host)
    if (!known || rank(service) > rank(known)) byHost.set(service.host, service)
  }
  return [...byHost.values()].sort((a, b) => (a.host < b.host ? -1 : 1))
}

const rank = (service: ListedService) => (service.state === 'up' ? 2 : 0) + (isLookedAfter(service) ? 0 : 1)

const whyLeftAlone = ({ forcedDown }: ListedService) =>
  forcedDown ? 'forced down: an evacuation or an operator is at work' : 'disabled: an operator is at work'

const whyAllDown = (binary: string, services: number) =>
  `all ${services} ${binary} look down at once: more likely RabbitMQ, the database or a clock than ${services} dead hosts`

const whyAwaited = (patienceMs: number) =>
  `it went down with all others, and has ${patienceMs / 1000} s from then to come back as they did`

function alertOf(
  policy: BinaryPolicy,
  { binary, host, updatedAt }: ListedService,
  status: Alert['status'],
  sinceMs: number,
  nowMs: number,
  source: string,
): Alert {
  const startsAt = new Date(sinceMs).toISOString()
  return {
    policy: policy.name,
    entity: { host, binary },
    status,
    startsAt,
    observedAt: new Date(nowMs).toISOString(),
    source,
    key: `${binary}@${host}/${startsAt}`,
    summary:
      status === 'resolved'
        ? `${binary} on ${host} is up again`
        : `${binary} on ${host} is down: last report ${updatedAt ?? 'never'}`,
  }
}
