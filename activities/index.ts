import type { Activities } from '../core/activities.ts'
import type { Config } from '../core/config.ts'
import type { Keystone } from '../openstack/keystone.ts'
import type { Incidents } from '../temporal/incidents.ts'
import { createDeferredCallActivities } from './deferred-call.ts'
import { createEvidenceActivities } from './evidence.ts'
import { createMigrationActivities } from './migration.ts'
import { createPause } from './pause.ts'
import { createServiceWatch } from './service-watch.ts'
import { createServiceActivities } from './services.ts'
import type { Sessions } from './sessions.ts'
import { createSshActivities } from './ssh.ts'
import { createTrustActivities } from './trusts.ts'

export interface ActivitiesOptions {
  config: Pick<Config, 'policies' | 'ssh' | 'watch'>
  sessions: Sessions
  keystone: Pick<Keystone, 'deleteTrust' | 'getTrust'>
  incidents: Incidents
  /** Aborted when this worker is about to leave. */
  leaving: AbortSignal
}

/** Everything workflows may ask for, with the clients it needs. */
export function createActivities({ config, sessions, keystone, incidents, leaving }: ActivitiesOptions): Activities {
  const pause = createPause(leaving)
  const policies = config.policies.filter((policy) => policy.kind === 'binary')
  return {
    ...createServiceActivities({ sessions, pause }),
    ...createServiceWatch({ sessions, pause, incidents, policies, pollMs: config.watch.pollSeconds * 1000 }),
    ...createSshActivities(config.ssh),
    ...createMigrationActivities({ sessions, pause }),
    ...createEvidenceActivities(sessions),
    ...createDeferredCallActivities(sessions, pause),
    ...createTrustActivities({ sessions, keystone }),
  }
}
