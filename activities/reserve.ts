import type { Activities } from '../core/activities.ts'
import { isOfPlan } from '../policies/host-maintenance.ts'
import { compare } from '../policies/placement.ts'
import { hostsToWake } from '../policies/planner/energy.ts'
import { readModel } from '../policies/planner/model-file.ts'
import { whileBeating } from './beating.ts'
import { readCloudModel } from './cloud-model.ts'
import { listed } from './compute-hosts.ts'
import { runRequestId, type Sessions } from './sessions.ts'

/** What of the hosts that sleep is needed. */
export const createReserve = ({
  forRemediation,
}: Pick<Sessions, 'forRemediation'>): Pick<Activities, 'findHostsToWake'> => ({
  /**
   * Reads only: one picture of the whole cloud. A host sleeps when its nova-compute is down and a plan has disabled it;
   * one that was fenced, evacuated or drained for maintenance does not. What Placement still knows of it is what it would add. Heartbeats.
   *
   * @throws SNAPSHOT_INCOMPLETE, DELEGATION_MISSING, DELEGATION_LOST; CLOUD_UNREACHABLE (retried)
   */
  findHostsToWake: ({ freeShare }) =>
    whileBeating(async () => {
      const session = await forRemediation()
      const services = await listed(session)
      const asleep = services
        .filter(
          ({ status, state, disabled_reason: reason }) =>
            state === 'down' && status === 'disabled' && isOfPlan(reason ?? ''),
        )
        .map(({ host }) => host)
        .sort(compare)
      if (asleep.length === 0) return { wake: [], asleep, suffices: true }
      const model = readModel(await readCloudModel(session, { requestId: runRequestId() }))
      return { ...hostsToWake(model, new Set(asleep), freeShare), asleep }
    }),
})
