import type { Runbook } from '../sdk/definition.ts'
import { freeDisk } from './library/free-disk.ts'
import { sshCommand, sshLook } from './library/host-commands.ts'
import { httpCall } from './library/http-call.ts'
import { morningOn, nightOff } from './library/night-off.ts'
import { askPerson, notify } from './library/people.ts'
import { scaleStack } from './library/scale-stack.ts'
import { snapshotRotate } from './library/snapshot-rotate.ts'

/** The runbooks that come with Steward, one file each. */
export const builtInRunbooks: readonly Runbook[] = [
  askPerson,
  freeDisk,
  httpCall,
  morningOn,
  nightOff,
  notify,
  scaleStack,
  snapshotRotate,
  sshCommand,
  sshLook,
]
