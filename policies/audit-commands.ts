import {
  type Attachment,
  type AuditedExecution,
  type Initiator,
  masked,
  type Recorded,
  type Resource,
  unknownPerson,
  userType,
} from '../core/audit.ts'

/** Something a person told Steward to do. */
export interface Command {
  readonly action: string
  readonly initiator: Initiator
  readonly target: Resource
  readonly about?: Partial<Attachment>
}

type Given = Readonly<Record<string, unknown>>
type Teller = (given: Given, execution: AuditedExecution, owner: Initiator) => Command

/**
 * Reads what a person did from the update or signal it came as. Undefined for words between workflows, and for those
 * that change nothing.
 */
export function commandOf(execution: AuditedExecution, record: Recorded, owner = unknownPerson): Command | undefined {
  const tell = tellers[`${execution.kind} ${record.name}`]
  const [first] = record.input
  return tell?.(typeof first === 'object' && first !== null ? (first as Given) : {}, execution, owner)
}

const incident =
  (action: string): Teller =>
  (given, execution) => ({
    action,
    initiator: personOf(given.by),
    target: {
      id: execution.incidentId ?? execution.runId,
      typeURI: 'service/oss/incident',
      name: execution.workflowId,
    },
    about: { ...textOf(given, 'why'), ...textOf(given, 'planId') },
  })

const plan =
  (action: string): Teller =>
  (given, { workflowId, kind }) => ({
    action,
    initiator: personOf(given.by),
    target: { id: workflowId, typeURI: `service/oss/${kind}` },
    about: { ...textOf(given, 'why'), ...textOf(given, 'planId') },
  })

/** The project is known also where the person is not: nobody commands an action of another one. */
function ofProject(action: string): Teller {
  return (given, { workflowId, kind }, { project_id }) => ({
    action,
    initiator: { ...personOf(given.by), ...(project_id !== undefined && { project_id }) },
    target: { id: workflowId, typeURI: `service/oss/${kind}` },
  })
}

const governor = (id: string): Resource => ({ id, typeURI: 'service/oss/governor' })

/** By the kind of the workflow and the name of the update or signal. */
const tellers: Readonly<Record<string, Teller>> = {
  'incident acknowledge': incident('update/acknowledge'),
  'incident comment': incident('update/comment'),
  'incident take-over': incident('update/take-over'),
  'incident hand-back': incident('update/hand-back'),
  'incident close': incident('update/close'),
  'incident answer': (given, ...rest) =>
    incident(given.says === 'approved' ? 'allow/plan' : 'deny/plan')(given, ...rest),
  'governor setMode': (given) => ({
    action: 'configure/mode',
    initiator: personOf(given.by),
    target: governor(String(given.scope)),
    about: { ...textOf(given, 'why'), ...textOf(given, 'mode') },
  }),
  'governor clearMode': (given) => ({
    action: 'configure/clear-mode',
    initiator: personOf(given.by),
    target: governor(String(given.scope)),
  }),
  'governor hold': (given) => ({
    action: 'allow/lease',
    initiator: personOf(given.by),
    target: governor(`lease/${String(given.id)}`),
    about: { ...textOf(given, 'why'), ...(Array.isArray(given.targets) && { targets: given.targets.map(String) }) },
  }),
  'governor extend': (given) => leaseChange('configure/lease', given),
  'governor release': (given) => leaseChange('revoke/lease', given),
  'delegation replace': (given) => ({
    action: 'update/delegation',
    initiator: { ...personOf(given.trustorUserId), ...nameOf(given.trustorName) },
    target: { id: masked(String(given.trustId)), typeURI: 'data/security/trust' },
  }),
  'delegation revoke': (given, { workflowId }) => ({
    action: 'revoke/delegation',
    initiator: personOf(given.by),
    target: { id: workflowId, typeURI: 'service/oss/delegation' },
  }),
  'plan approve': plan('allow/plan'),
  'plan stop': plan('stop/plan'),
  'plan discard': plan('deny/plan'),
  'recurring-plan pause': plan('disable/recurring-plan'),
  'recurring-plan resume': plan('enable/recurring-plan'),
  'recurring-plan delete': plan('delete/recurring-plan'),
  'sweep revoke': (given) => ({
    action: 'revoke/delegation',
    initiator: personOf(given.by),
    target: { id: String(given.id), typeURI: 'data/security/trust' },
  }),
  'action cancel': ofProject('disable/action'),
  'action pause': ofProject('disable/pause'),
  'action resume': ofProject('enable/resume'),
  'action runNow': ofProject('start/run-now'),
  'action change': ofProject('update/action'),
  'recurring-action pause': ofProject('disable/pause'),
  'recurring-action resume': ofProject('enable/resume'),
  'recurring-action snooze': ofProject('disable/snooze'),
  'recurring-action change': ofProject('update/recurring-action'),
  'recurring-action runNow': ofProject('start/run-now'),
  'recurring-action cancel': ofProject('disable/recurring-action'),
  'stop resume': (given, { workflowId }) => ({
    action: 'enable',
    initiator: { ...personOf(given.userId), ...nameOf(given.by) },
    target: { id: workflowId, typeURI: 'service/oss/stop' },
    about: textOf(given, 'why'),
  }),
}

const leaseChange = (action: string, given: Given): Command => ({
  action,
  initiator: personOf(given.by),
  target: governor(`lease/${String(given.requestId)}`),
})

/** Somebody known to Keystone, or just a name where only that was recorded. */
function personOf(by: unknown): Initiator {
  if (typeof by === 'string') return { id: by, typeURI: userType }
  const { userId, name } = (by ?? {}) as Given
  return typeof userId === 'string' ? { id: userId, typeURI: userType, ...nameOf(name) } : unknownPerson
}

const nameOf = (name: unknown) => (typeof name === 'string' ? { name } : {})

const textOf = (given: Given, key: 'why' | 'planId' | 'mode') =>
  typeof given[key] === 'string' ? { [key]: given[key] } : {}
