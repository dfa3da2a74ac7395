import { createCloudReadActivities } from '../activities/cloud-reads.ts'
import { createComputeHosts } from '../activities/compute-hosts.ts'
import { createDeferredCallActivities } from '../activities/deferred-call.ts'
import { createDrainActivities } from '../activities/drain.ts'
import { createEffectActivities } from '../activities/effect.ts'
import { createEvacuationActivities } from '../activities/evacuation.ts'
import { createEvidenceActivities } from '../activities/evidence.ts'
import { createSurvey } from '../activities/governor.ts'
import { createMigrationActivities } from '../activities/migration.ts'
import type { Pause } from '../activities/pause.ts'
import { createServiceActivities } from '../activities/services.ts'
import { createEvacuationChecks } from '../activities/unfinished-evacuations.ts'
import type { Activities } from '../core/activities.ts'
import type { LeaseRequest, Verdict } from '../core/governor.ts'
import type { Announcement } from '../core/notification.ts'
import type { Stage } from './stage.ts'

export interface PlayedParts {
  readonly stage: Pick<Stage, 'sessions' | 'brake'>
  readonly pause: Pause
  readonly now: () => number
  /** In the place of whoever wants to be told. */
  hear(announcement: Announcement): void
}

/**
 * The activities of a worker, at the simulated cloud. Nobody else has a lease, and nobody presses the stop button unless
 * the test says so; hosts have no SSH and no BMC.
 */
export function createPlayedActivities({ stage, pause, now, hear }: PlayedParts): Partial<Activities> {
  const { sessions, brake } = stage
  const granted = ({ id }: LeaseRequest): Verdict => ({
    ...{
      requestId: id,
      says: 'granted',
      at: new Date(now()).toISOString(),
      rulings: [],
      reason: 'nobody else is there',
    },
  })
  return {
    ...createServiceActivities({ sessions, pause }),
    ...createEvacuationChecks(sessions),
    ...createMigrationActivities({ sessions, pause, brake }),
    ...createComputeHosts(sessions, brake),
    ...createDrainActivities(sessions),
    ...createEvacuationActivities(sessions),
    ...createEvidenceActivities(sessions),
    ...createCloudReadActivities(sessions),
    ...createDeferredCallActivities(sessions, pause, brake),
    ...createEffectActivities(sessions, pause),
    ...createSurvey(sessions, { now }),
    consultGovernor: async ({ request }) => granted(request),
    async requestLease({ request }) {
      await brake()
      return granted(request)
    },
    giveBackLease: async () => undefined,
    reportOutcome: async () => undefined,
    announce: async (announcement) => hear(announcement),
  }
}
