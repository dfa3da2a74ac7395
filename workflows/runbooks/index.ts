import type { Runbook } from '../sdk/definition.ts'
import { collectEvidence } from './library/collect-evidence.ts'
import { drainHost } from './library/drain-host.ts'
import { evacuateHost } from './library/evacuate-host.ts'
import { fenceHost, powerCycleHost } from './library/fence-host.ts'
import { freeDisk } from './library/free-disk.ts'
import { sshCommand, sshLook } from './library/host-commands.ts'
import { httpCall } from './library/http-call.ts'
import { keepReserve } from './library/keep-reserve.ts'
import { migrateServer } from './library/migrate-server.ts'
import { morningOn, nightOff } from './library/night-off.ts'
import { askPerson, notify } from './library/people.ts'
import { recoverServer } from './library/recover-server.ts'
import { relieveHost } from './library/relieve-host.ts'
import { restartService } from './library/restart-service.ts'
import { returnHost } from './library/return-host.ts'
import { scaleStack } from './library/scale-stack.ts'
import { sleepHost, wakeHost } from './library/sleep-host.ts'
import { snapshotRotate } from './library/snapshot-rotate.ts'

/** The runbooks that come with Steward, one file each. */
export const builtInRunbooks: readonly Runbook[] = [
  ...[migrateServer, recoverServer],
  ...[evacuateHost, fenceHost, powerCycleHost, sleepHost, wakeHost, keepReserve],
  ...[drainHost, returnHost, relieveHost, restartService, collectEvidence],
  ...[morningOn, nightOff, snapshotRotate, scaleStack],
  ...[sshLook, sshCommand, freeDisk],
  ...[askPerson, notify, httpCall],
]
