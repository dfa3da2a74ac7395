import type { Client } from '@temporalio/client'
import type { Activities } from '../core/activities.ts'
import type { Config } from '../core/config.ts'
import type { Keystone } from '../openstack/keystone.ts'
import type { Governor } from '../temporal/governor.ts'
import type { Incidents } from '../temporal/incidents.ts'
import type { Keys } from '../temporal/keys.ts'
import type { Notifications } from '../temporal/notifications.ts'
import { createPlanDocuments } from '../temporal/plan-documents.ts'
import { createPlans } from '../temporal/plans.ts'
import type { StopButton } from '../temporal/stop.ts'
import { createTrustHolders } from '../temporal/trust-holders.ts'
import { createAheadActivities } from './ahead.ts'
import { createBrake } from './brake.ts'
import { createCloudReadActivities } from './cloud-reads.ts'
import { createComputeHosts } from './compute-hosts.ts'
import { createDeferredCallActivities } from './deferred-call.ts'
import { createDrainActivities } from './drain.ts'
import { createEffectActivities } from './effect.ts'
import { createEvacuationActivities } from './evacuation.ts'
import { createEvidenceActivities } from './evidence.ts'
import { createGovernorActivities } from './governor.ts'
import { createGroupActivities } from './group.ts'
import { createHttpCallActivities } from './http/calls.ts'
import type { ReadUse } from './measured-use.ts'
import { createMigrationActivities } from './migration.ts'
import { createNotificationActivities } from './notifications.ts'
import { createPace } from './pace.ts'
import { createPause } from './pause.ts'
import { createPlanMaking } from './plan-making.ts'
import { createPlanWaves } from './plan-waves.ts'
import { planInThread } from './planning.ts'
import { createPowerActivities } from './power/power.ts'
import type { Prometheus } from './prometheus.ts'
import type { Receiver } from './receivers/receiver.ts'
import { createRecurringPlanActivities } from './recurring-plans.ts'
import { createReserve } from './reserve.ts'
import { createRunMoves, type RunBuild } from './run-moves.ts'
import { createServiceWatch } from './service-watch.ts'
import { createServiceActivities } from './services.ts'
import type { Sessions } from './sessions.ts'
import { createSignals } from './signal.ts'
import { createSshActivities } from './ssh/index.ts'
import { createTrustActivities } from './trusts.ts'
import { createEvacuationChecks } from './unfinished-evacuations.ts'

export interface ActivitiesOptions {
  config: Pick<Config, 'actions' | 'governor' | 'http' | 'policies' | 'power' | 'publicUrl' | 'ssh' | 'watch'>
  sessions: Sessions
  keystone: Pick<Keystone, 'deleteTrust' | 'getTrust' | 'listTrusts'>
  incidents: Incidents
  client: Client
  keys: Keys
  /** The workflow code of this worker. */
  build: RunBuild
  governor: Governor
  receivers: readonly Receiver[]
  notifications: Notifications
  /** Undefined: only what is given away is known. */
  metrics: (Pick<Prometheus, 'number'> & { readonly readUse: ReadUse }) | undefined
  stop: Pick<StopButton, 'show'>
  /** Aborted when this worker is about to leave. */
  leaving: AbortSignal
}

/** Everything workflows may ask for, with the clients it needs. */
export function createActivities(options: ActivitiesOptions): Activities {
  const { config, sessions, keystone, incidents, client, governor, receivers, notifications, metrics, stop, leaving } =
    options
  const readUse = metrics?.readUse
  const brake = createBrake(stop)
  const documents = createPlanDocuments(client)
  const plans = createPlans(client)
  const pause = createPause(leaving)
  const pace = createPace(config.actions.callsPerSecond)
  /** The stop button has the last word, also after a wait. */
  const inTurn = async () => {
    await pace()
    await brake()
  }
  const isReached = (host: string) => Object.hasOwn(config.ssh?.hosts ?? {}, host)
  const policies = config.policies.filter((policy) => policy.kind === 'binary')
  return {
    ...createServiceActivities({ sessions, pause }),
    ...createServiceWatch({ sessions, pause, incidents, policies, pollMs: config.watch.pollSeconds * 1000 }),
    ...createPowerActivities({ power: config.power, sessions, pause, brake }),
    ...createSshActivities({ ssh: config.ssh, brake, pause }),
    ...createEvacuationChecks(sessions),
    ...createMigrationActivities({ sessions, pause, brake }),
    ...createPlanMaking({ sessions, documents, plans, planning: planInThread, readUse, power: config.power }),
    ...createRecurringPlanActivities({ plans, config: config.governor }),
    ...createPlanWaves({ sessions, documents, readUse }),
    ...createComputeHosts(sessions, brake),
    ...createReserve(sessions),
    ...createSignals(metrics),
    ...createDrainActivities(sessions, readUse),
    ...createEvacuationActivities(sessions),
    ...createGovernorActivities({ sessions, governor, client, brake, isReached }),
    ...createCloudReadActivities(sessions),
    ...createEvidenceActivities(sessions),
    ...createHttpCallActivities({ http: config.http, brake }),
    ...createDeferredCallActivities(sessions, pause, inTurn),
    ...createEffectActivities(sessions, pause),
    ...createGroupActivities(sessions, pause, inTurn),
    ...createAheadActivities(sessions),
    ...createRunMoves(options),
    ...createTrustActivities({ sessions, keystone, holders: createTrustHolders(client) }),
    ...createNotificationActivities({ receivers, notifications, publicUrl: config.publicUrl }),
  }
}
