import type { Runbook } from '../sdk/definition.ts'
import { migrateServer } from './library/migrate-server.ts'
import { morningOn, nightOff } from './library/night-off.ts'
import { recoverServer } from './library/recover-server.ts'

/** The runbooks that come with Steward, one file each. */
export const builtInRunbooks: readonly Runbook[] = [migrateServer, morningOn, nightOff, recoverServer]
