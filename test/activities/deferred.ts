import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import type { Call } from '../../core/call.ts'
import type { Server } from '../../simulator/cloud.ts'
import { passing, released, setUp } from './rig.ts'

/** What changes a server. */
export const action = { service: 'compute', method: 'POST', path: /\/action$/ } as const

/** A server of alice, her trust, and a call that stops the server at the time it is made. */
export async function deferred({ timeoutMs = 2_000, status = 'ACTIVE' as 'ACTIVE' | 'SHUTOFF' } = {}) {
  const rig = await setUp({ timeoutMs })
  const { cloud } = rig
  const vmState = status === 'ACTIVE' ? 'active' : 'stopped'
  const server = cloud.addServer({ host: 'compute1', status, vmState })
  const trustId = cloud.addTrust('alice', 'demo', ['member'])
  const { performCall, reconcileCall } = createDeferredCallActivities(rig.sessions, passing(), released)
  return {
    ...rig,
    server,
    trustId,
    perform: (call: Call = stop(server)) => rig.run(() => performCall({ call, trustId })),
    reconcile: (sentAfter: string, call: Call = stop(server)) =>
      rig.run(() => reconcileCall({ call, trustId, sentAfter })),
  }
}

export const stop = ({ id }: Server): Call => ({
  service: 'compute',
  method: 'POST',
  path: `/servers/${id}/action`,
  body: { 'os-stop': null },
})
