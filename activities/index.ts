import type { Client } from '@temporalio/client'
import type { Activities } from '../core/activities.ts'
import type { Config } from '../core/config.ts'
import type { Keystone } from '../openstack/keystone.ts'
import type { Governor } from '../temporal/governor.ts'
import type { Incidents } from '../temporal/incidents.ts'
import type { Notifications } from '../temporal/notifications.ts'
import type { StopButton } from '../temporal/stop.ts'
import { createTrustHolders } from '../temporal/trust-holders.ts'
import { createAheadActivities } from './ahead.ts'
import { createBrake } from './brake.ts'
import { createCloudReadActivities } from './cloud-reads.ts'
import { createDeferredCallActivities } from './deferred-call.ts'
import { createEffectActivities } from './effect.ts'
import { createEvacuationActivities } from './evacuations.ts'
import { createEvidenceActivities } from './evidence.ts'
import { createGovernorActivities } from './governor.ts'
import { createGroupActivities } from './group.ts'
import { createHttpCallActivities } from './http/calls.ts'
import { createMigrationActivities } from './migration.ts'
import { createNotificationActivities } from './notifications.ts'
import { createPace } from './pace.ts'
import { createPause } from './pause.ts'
import type { Receiver } from './receivers/receiver.ts'
import { createServiceWatch } from './service-watch.ts'
import { createServiceActivities } from './services.ts'
import type { Sessions } from './sessions.ts'
import { createSshActivities } from './ssh/index.ts'
import { createTrustActivities } from './trusts.ts'

export interface ActivitiesOptions {
  config: Pick<Config, 'actions' | 'http' | 'policies' | 'publicUrl' | 'ssh' | 'watch'>
  sessions: Sessions
  keystone: Pick<Keystone, 'deleteTrust' | 'getTrust' | 'listTrusts'>
  incidents: Incidents
  client: Client
  governor: Governor
  receivers: readonly Receiver[]
  notifications: Notifications
  stop: Pick<StopButton, 'show'>
  /** Aborted when this worker is about to leave. */
  leaving: AbortSignal
}

/** Everything workflows may ask for, with the clients it needs. */
export function createActivities(options: ActivitiesOptions): Activities {
  const { config, sessions, keystone, incidents, client, governor, receivers, notifications, stop, leaving } = options
  const brake = createBrake(stop)
  const pause = createPause(leaving)
  const pace = createPace(config.actions.callsPerSecond)
  /** The stop button has the last word, also after a wait. */
  const inTurn = async () => {
    await pace()
    await brake()
  }
  const policies = config.policies.filter((policy) => policy.kind === 'binary')
  return {
    ...createServiceActivities({ sessions, pause }),
    ...createServiceWatch({ sessions, pause, incidents, policies, pollMs: config.watch.pollSeconds * 1000 }),
    ...createSshActivities({ ssh: config.ssh, brake, pause }),
    ...createEvacuationActivities(sessions),
    ...createMigrationActivities({ sessions, pause, brake }),
    ...createGovernorActivities({ sessions, governor, client, brake }),
    ...createCloudReadActivities(sessions),
    ...createEvidenceActivities(sessions),
    ...createHttpCallActivities({ http: config.http, brake }),
    ...createDeferredCallActivities(sessions, pause, inTurn),
    ...createEffectActivities(sessions, pause),
    ...createGroupActivities(sessions, pause, inTurn),
    ...createAheadActivities(sessions),
    ...createTrustActivities({ sessions, keystone, holders: createTrustHolders(client) }),
    ...createNotificationActivities({ receivers, notifications, publicUrl: config.publicUrl }),
  }
}
