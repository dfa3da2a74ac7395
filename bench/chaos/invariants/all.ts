import type { Records } from '../records/records.ts'
import { alertsReconcile } from './alerts.ts'
import { atRest, noInternalErrors } from './at-rest.ts'
import { audited } from './audited.ts'
import { nothingInBlackout, stoppedInTime } from './brakes.ts'
import { withinBudgets } from './budgets.ts'
import { actionsOnce, rightfulUsers } from './identity.ts'
import { oneActor } from './one-actor.ts'
import { namedTargets, nothingForWhatIsOver } from './targets.ts'
import type { Violation } from './violation.ts'

/** Every promise by the name it has in the report, in its order. */
export const invariants: Readonly<Record<string, (records: Records) => Violation[]>> = {
  'I1 one actor': oneActor,
  'I3 budgets': withinBudgets,
  'I4 targets': namedTargets,
  'I5 stop button': stoppedInTime,
  'I7 resolved before': nothingForWhatIsOver,
  'I8 audit': audited,
  'I9 rights': rightfulUsers,
  'actions once': actionsOnce,
  'all hosts down': nothingInBlackout,
  'nothing stuck': atRest,
  'alerts reconcile': alertsReconcile,
  'no 500': noInternalErrors,
}
