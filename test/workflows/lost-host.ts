import { failure } from '../../core/errors.ts'
import type { PowerReading, PowerState } from '../../core/power.ts'
import type { FakeCloud } from '../../simulator/cloud.ts'
import { hostWith } from './library-bench.ts'
import type { Script } from './scripted.ts'

/** A host with servers on volumes, of which Nova has not heard for long. */
export function lostHost(cloud: FakeCloud, servers: number): ReturnType<typeof hostWith> {
  const found = hostWith(cloud, servers, { onVolume: true })
  const longAgo = { alive: false, lastReportMs: Date.now() - 3_600_000 }
  Object.assign(cloud.service('nova-compute', found.host), longAgo)
  return found
}

/** Its nova-compute reports again, from now on. */
export const report = (cloud: FakeCloud, host: string): unknown =>
  Object.assign(cloud.service('nova-compute', host), { alive: true, reportsFromMs: Date.now() - 1_000 })

export const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString()

export const reading = (state: PowerState, agoSeconds: number, host: string): PowerReading => ({
  ...{ host, state, way: 'redfish', asked: 'GET /redfish/v1/Systems/1', said: `PowerState: ${state}` },
  at: ago(agoSeconds),
})

/** A BMC that does what it is told, and a host that does not answer. */
export const bmc = {
  lookAtPower: ({ host }) => reading('on', 0, host),
  powerOff: ({ host }) => ({
    ...{ outcome: 'turned off', askedAt: ago(31), orderedAt: ago(30) },
    readings: [reading('off', 15, host), reading('off', 2, host)],
  }),
  powerOn: ({ host }) => ({
    ...{ outcome: 'turned on', askedAt: ago(30) },
    readings: [reading('on', 15, host), reading('on', 2, host)],
  }),
  lookAtProcess: failure('SSH_UNREACHABLE', 'no route to host'),
} satisfies Script
