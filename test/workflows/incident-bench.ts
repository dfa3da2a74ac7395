import type { WorkflowHandle } from '@temporalio/client'
import type { ServiceInCompany } from '../../core/activities.ts'
import type { Alert } from '../../core/alert.ts'
import { type BinaryPolicy, type GaugePolicy, Policy, type TailablePolicy } from '../../core/policy.ts'
import { attributes } from '../../core/search-attributes.ts'
import { type IncidentOptions, incident, observe } from '../../workflows/incident.ts'
import type { Bench } from './engine.ts'
import type { Cloud } from './scripted.ts'

export type IncidentHandle = WorkflowHandle<typeof incident>

export const binaryPolicy = (more: Partial<BinaryPolicy> = {}): BinaryPolicy => ({
  ...(Policy.parse({ name: 'compute-down', kind: 'binary', when: {}, runbook: 'restart-service' }) as BinaryPolicy),
  confirmAfterSeconds: 0,
  ...more,
})

export const gaugePolicy = (more: Partial<GaugePolicy> = {}): GaugePolicy => ({
  ...(Policy.parse({
    name: 'host-hot',
    kind: 'gauge',
    when: { labels: { alertname: 'HostHot' } },
    runbook: 'relieve-host',
  }) as GaugePolicy),
  stableSeconds: 0,
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

/** Opens an incident as the intake does: start and first signal at once. */
export function openIncident(
  bench: Bench,
  cloud: Cloud,
  policy: Policy,
  more: Partial<Alert> = {},
  options: IncidentOptions = {},
): Promise<IncidentHandle> {
  const alert = alertOf(policy, cloud, more)
  return bench.client.workflow.signalWithStart(incident, {
    workflowId: `incident/${policy.name}/${cloud.host}`,
    taskQueue: bench.taskQueue,
    args: [{ alert, policy }, options],
    signal: observe,
    signalArgs: [{ ...alert, lines: [] }],
    typedSearchAttributes: [{ key: attributes.alertKeys, value: [alert.key] }],
  })
}

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
