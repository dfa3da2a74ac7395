import type { WorkflowHandle } from '@temporalio/client'
import type { ServiceInCompany } from '../../core/activities.ts'
import type { Alert } from '../../core/alert.ts'
import { GovernorConfig, type LeaseRequest, type Ruling, type Verdict } from '../../core/governor.ts'
import type { IncidentCommand, IncidentView, OpenIncident } from '../../core/incident.ts'
import type { Person } from '../../core/person.ts'
import { type BinaryPolicy, type GaugePolicy, Policy, type TailablePolicy } from '../../core/policy.ts'
import { attributes } from '../../core/search-attributes.ts'
import { commands } from '../../workflows/incident/desk.ts'
import { incident, observe } from '../../workflows/incident/incident.ts'
import type { IncidentOptions } from '../../workflows/incident/life.ts'
import { type Bench, untilState, viewOf } from './engine.ts'
import { person } from './people.ts'
import { type Cloud, verdict } from './scripted.ts'

export type IncidentHandle = WorkflowHandle<typeof incident>

export const binaryPolicy = (more: Partial<BinaryPolicy> = {}): BinaryPolicy => ({
  ...(Policy.parse({ name: 'compute-down', kind: 'binary', when: {}, runbook: 'restart-service' }) as BinaryPolicy),
  ...{ confirmAfterSeconds: 0, afterOutageSeconds: 0, backOffSeconds: 0 },
  ...more,
})

export const gaugePolicy = (more: Partial<GaugePolicy> = {}): GaugePolicy => ({
  ...(Policy.parse({
    name: 'host-hot',
    kind: 'gauge',
    when: { labels: { alertname: 'HostHot' } },
    runbook: 'relieve-host',
  }) as GaugePolicy),
  ...{ stableSeconds: 0, backOffSeconds: 0 },
  ...more,
})

export const tailablePolicy = (more: Partial<TailablePolicy> = {}): TailablePolicy => ({
  ...(Policy.parse({
    name: 'compute-errors',
    kind: 'tailable',
    when: { component: 'nova-compute', count: 5, windowSeconds: 30 },
    runbook: 'collect-evidence',
  }) as TailablePolicy),
  ...more,
})

export const alertOf = (policy: Policy, { host }: { host: string }, more: Partial<Alert> = {}): Alert => ({
  policy: policy.name,
  entity: { host, ...(policy.kind === 'binary' && { binary: policy.when.binary }) },
  status: 'firing',
  startsAt: '2026-11-21T00:00:00.000Z',
  observedAt: '2026-11-21T00:00:05.000Z',
  source: 'test',
  key: `${host}/2026-11-21T00:00:00.000Z`,
  summary: `something is wrong with ${host}`,
  ...more,
})

/** The brakes of a new installation, as far as an incident knows them. */
export const brakes = GovernorConfig.parse({})

/** What the intake knows of steward.yaml. */
export const configOf = (...policies: Policy[]) => ({ policies, governor: brakes })

export interface BenchOptions extends IncidentOptions {
  governor?: Partial<OpenIncident['governor']>
}

/** Opens an incident as the intake does: start and first signal at once. */
export function openIncident(
  bench: Pick<Bench, 'client' | 'taskQueue'>,
  cloud: Pick<Cloud, 'host'>,
  policy: Policy,
  more: Partial<Alert> = {},
  { governor, ...options }: BenchOptions = {},
): Promise<IncidentHandle> {
  const alert = alertOf(policy, cloud, more)
  return bench.client.workflow.signalWithStart(incident, {
    workflowId: `incident/${policy.name}/${cloud.host}`,
    taskQueue: bench.taskQueue,
    args: [{ alert, policy, governor: { ...brakes, ...governor } }, options],
    signal: observe,
    signalArgs: [{ ...alert, lines: [] }],
    typedSearchAttributes: [
      { key: attributes.kind, value: 'incident' },
      { key: attributes.policy, value: policy.name },
      { key: attributes.target, value: cloud.host },
      { key: attributes.alertKeys, value: [alert.key] },
    ],
  })
}

/** Follows an incident until it is in this state; the view as people read it then. */
export async function followTo(handle: IncidentHandle, state: IncidentView['state']): Promise<IncidentView> {
  await untilState(handle, state)
  return viewOf<IncidentView>(handle)
}

/** Has a person do something with the incident; its view afterwards. */
export const order = <K extends IncidentCommand['does']>(
  handle: IncidentHandle,
  does: K,
  by: string | Person,
  more: Omit<Extract<IncidentCommand, { does: K }>, 'does' | 'by'>,
): Promise<IncidentView> =>
  handle.executeUpdate<IncidentView, [IncidentCommand]>(commands[does].name, {
    args: [{ does, by: typeof by === 'string' ? person(by) : by, ...more } as unknown as IncidentCommand],
  })

export const texts = ({ timeline }: IncidentView) => timeline.map(({ text }) => text)

/** What the governor says when it is consulted, with one ruling that is not a pass. */
export const consulted = (says: Verdict['says'], ruling: Ruling) => {
  const { reason, code } = ruling
  return ({ request }: { request: LeaseRequest }): Verdict =>
    verdict(request, { says, rulings: [ruling], reason, ...(code && { code }) })
}

export const watchesOnly = consulted('observe', {
  ...{ rule: 'mode', says: 'observe', reason: 'the mode is observe, by governor.mode', code: 'OBSERVE_ONLY' },
})
export const asks = consulted('ask', {
  ...{ rule: 'mode', says: 'ask', reason: 'the mode is ask, by governor.mode', code: 'APPROVAL_NEEDED' },
})
export const personAtWork = consulted('wait', {
  ...{ rule: 'lease', says: 'wait', reason: 'the host is held by olga (person)', code: 'TARGET_BUSY' },
  figures: { requester: 'person' },
})

/** What the governor says when a run asks for its lease. */
export const leaseIs =
  (more: Partial<Verdict>) =>
  ({ request }: { request: LeaseRequest }): Verdict =>
    verdict(request, more)

/** One service as Nova lists it, among others that are up. */
export const service = (state: 'up' | 'down', more: Partial<ServiceInCompany> = {}): ServiceInCompany => ({
  host: 'cmp-1',
  binary: 'nova-compute',
  state,
  status: 'enabled',
  forcedDown: false,
  updatedAt: '2026-11-20T23:59:00.000000',
  company: { up: 3, down: state === 'down' ? 1 : 0 },
  ...more,
})
