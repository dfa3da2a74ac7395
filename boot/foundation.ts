import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import type { Receiver } from '../activities/receivers/receiver.ts'
import { createSessions, type Sessions } from '../activities/sessions.ts'
import type { Config } from '../core/config.ts'
import { type CloudConfig, loadCloud } from '../openstack/clouds-yaml.ts'
import { createHttp, type Http } from '../openstack/http.ts'
import { createKeystone, type Keystone } from '../openstack/keystone.ts'
import { connectClient, type Engine } from '../temporal/connection.ts'
import { createDelegations, type Delegations } from '../temporal/delegations.ts'
import { createGovernor, type Governor } from '../temporal/governor.ts'
import { createIncidents, type Incidents } from '../temporal/incidents.ts'
import { type Keys, loadKeys } from '../temporal/keys.ts'
import { createNotifications, type Notifications } from '../temporal/notifications.ts'
import { createStopButton, type StopButton } from '../temporal/stop.ts'
import { type Metrics, openMetrics } from './prometheus.ts'
import { readReceivers } from './receivers.ts'
import { readStopFile } from './stop-file.ts'

/** What API and worker both stand on. */
export interface Foundation {
  readonly config: Config
  readonly engine: Engine
  readonly keys: Keys
  readonly client: Client
  readonly cloud: CloudConfig
  readonly http: Http
  readonly keystone: Keystone
  readonly sessions: Sessions
  readonly delegations: Delegations
  readonly incidents: Incidents
  readonly governor: Governor
  readonly receivers: readonly Receiver[]
  readonly notifications: Notifications
  /** Undefined: only what is given away is known. */
  readonly metrics: Metrics | undefined
  readonly stop: StopButton
  close(): Promise<void>
}

/** Connects to Temporal, and prepares the way to the cloud, which is not asked yet. @throws CONFIG_INVALID, ENGINE_UNREACHABLE */
export async function layFoundation(config: Config, engine: Engine): Promise<Foundation> {
  const keys = await loadKeys(config.keys.file ?? join(config.dataDir, 'keys.json'))
  const cloud = await loadCloud(config.cloud)
  const receivers = await readReceivers(config)
  const metrics = await openMetrics(config)
  const { client, close } = await connectClient(engine, keys)
  const http = createHttp({ tls: cloud.tls })
  const keystone = createKeystone({ authUrl: cloud.authUrl, http })
  const delegations = createDelegations(client)
  const sessions = createSessions({ cloud, keystone, http, delegations })
  const incidents = createIncidents(client, config)
  const governor = createGovernor(client, config.governor)
  const stop = createStopButton(client, () => readStopFile(config.dataDir))
  return {
    config,
    engine,
    keys,
    client,
    cloud,
    http,
    keystone,
    sessions,
    delegations,
    incidents,
    governor,
    receivers,
    notifications: createNotifications(client),
    metrics,
    stop,
    close,
  }
}
