import { z } from 'zod'
import type { Activities } from './activities.ts'

const Resource = z.strictObject({ id: z.string(), typeURI: z.string(), name: z.string().optional() })
export type Resource = z.infer<typeof Resource>

/** Who did it. `onBehalfOf` gave the rights it was done with. */
const Initiator = Resource.extend({
  project_id: z.string().optional(),
  credential: z
    .strictObject({
      type: z.enum(['trust', 'application-credential']),
      token: z.string().describe('of its id only the last four characters'),
    })
    .optional(),
  onBehalfOf: Resource.optional(),
})
export type Initiator = z.infer<typeof Initiator>

/** Where to find what belongs to it. Names of a body's fields are here; what is in them never is. */
const Attachment = z.strictObject({
  workflowId: z.string(),
  runId: z.string(),
  /** In the logs of all services that were asked. */
  globalRequestId: z.string(),
  /** The service's own. */
  requestId: z.string().optional(),
  incidentId: z.string().optional(),
  policy: z.string().optional(),
  runbook: z.string().optional(),
  planId: z.string().optional(),
  approvedBy: z.string().optional(),
  why: z.string().optional(),
  mode: z.string().optional(),
  bodyKeys: z.array(z.string()).optional(),
  targets: z.array(z.string()).optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  host: z.string().optional(),
  status: z.int().optional(),
  attempts: z.int().optional(),
  result: z.string().optional(),
})
export type Attachment = z.infer<typeof Attachment>

/**
 * A CADF event. Each act makes two with the same `id`: the intent (`pending`), recorded before it was begun, and its
 * outcome. `unknown`: it was begun, and nobody can tell from its record whether it took effect.
 *
 * @see https://www.dmtf.org/standards/cadf DSP0262
 */
export const AuditEvent = z.strictObject({
  typeURI: z.literal('http://schemas.dmtf.org/cloud/audit/1.0/event'),
  id: z.string(),
  eventType: z.literal('activity'),
  eventTime: z.string(),
  action: z.string(),
  outcome: z.enum(['pending', 'success', 'failure', 'unknown']),
  initiator: Initiator,
  target: Resource,
  observer: Resource,
  reason: z.strictObject({ reasonCode: z.string(), reasonType: z.string(), policy: z.string().optional() }).optional(),
  attachments: z.array(
    z.strictObject({ name: z.literal('steward'), typeURI: z.literal('urn:steward:audit'), content: Attachment }),
  ),
})
export type AuditEvent = z.infer<typeof AuditEvent>

/** The last line of an answer that is not the last one. */
export interface AuditCursor {
  readonly next: string
}

type Input<K extends keyof Activities> = Parameters<Activities[K]>[0]

/** How an activity that changes the world outside is told. */
export interface SideEffect<I> {
  action(input: I): string
  target(input: I): Resource
  /** What of the input may be told. */
  about?(input: I): Partial<Attachment>
}

const machine = ({ host }: { host: string }): Resource => ({ id: `host/${host}`, typeURI: 'compute/node', name: host })

/**
 * Every activity says here whether it changes the world outside: `reads`, changes nothing but Steward itself
 * (`internal`), or how the audit tells it. One that says nothing does not compile.
 */
export const sideEffects: { readonly [K in keyof Activities]: 'reads' | 'internal' | SideEffect<Input<K>> } = {
  lookAtService: 'reads',
  awaitServiceUp: 'reads',
  watchServices: 'reads',
  checkEvacuations: 'reads',
  describeService: 'reads',
  lookAtProcess: 'reads',
  awaitProcessUp: 'reads',
  checkCluster: 'reads',
  awaitCluster: 'reads',
  lookOnHost: 'reads',
  runCommand: {
    action: () => 'update/run-command',
    target: ({ host, command }) => ({
      id: `${host}/${command}`,
      typeURI: 'service/command',
      name: `${command} on ${host}`,
    }),
    about: ({ host, args }) => ({ host, bodyKeys: Object.keys(args) }),
  },
  restartService: {
    action: () => 'update/restart',
    target: ({ host, binary }) => ({
      id: `${host}/${binary}`,
      typeURI: 'service/process',
      name: `${binary} on ${host}`,
    }),
    about: ({ host }) => ({ host }),
  },
  lookAtPower: 'reads',
  powerOff: {
    action: ({ how }) => `update/power-off-${how}`,
    target: machine,
    about: ({ host }) => ({ host }),
  },
  powerOn: {
    action: () => 'update/power-on',
    target: machine,
    about: ({ host }) => ({ host }),
  },
  planRelief: 'reads',
  planDrain: 'reads',
  findRoom: 'reads',
  liveMigrate: {
    action: () => 'update/live-migrate',
    target: ({ serverId, serverName }) => ({ id: serverId, typeURI: 'compute/machine', name: serverName }),
    about: ({ from, to }) => ({ from, to }),
  },
  makePlan: 'reads',
  beginPlan: 'internal',
  readWave: 'reads',
  checkWave: 'reads',
  verifyMoves: 'reads',
  disableHost: {
    action: () => 'disable/host',
    target: ({ host }) => ({ id: `host/${host}`, typeURI: 'compute/node', name: host }),
    about: ({ host }) => ({ host }),
  },
  enableHost: {
    action: () => 'enable/host',
    target: ({ host }) => ({ id: `host/${host}`, typeURI: 'compute/node', name: host }),
    about: ({ host }) => ({ host }),
  },
  findDisabled: 'reads',
  findHostsToWake: 'reads',
  readSignal: 'reads',
  surveyHosts: 'reads',
  consultGovernor: 'reads',
  requestLease: 'internal',
  giveBackLease: 'internal',
  reportOutcome: 'internal',
  findEnded: 'reads',
  findHeld: 'reads',
  recallFirings: 'reads',
  readCloud: 'reads',
  collectEvidence: 'reads',
  checkHttpCall: 'reads',
  callHttp: {
    action: ({ method }) => httpActions[method],
    target: ({ method, url }) => ({ id: bare(url), typeURI: 'service/http', name: `${method} ${bare(url)}` }),
    about: ({ body }) => ({
      bodyKeys: typeof body === 'object' && body !== null && !Array.isArray(body) ? Object.keys(body) : [],
    }),
  },
  performCall: {
    action: (deed) => {
      if (!('call' in deed)) return `update/${deed.action}`
      const { method, path, body } = deed.call
      if (bare(path).endsWith('/action')) return `update/${Object.keys(body ?? {}).join('+') || 'action'}`
      return { GET: 'read', POST: 'create', PUT: 'update', PATCH: 'update', DELETE: 'delete' }[method]
    },
    target: (deed) => {
      if (!('call' in deed)) return { id: thingOf(deed.input), typeURI: 'service/action', name: deed.action }
      const { service, method, path } = deed.call
      const what = `${service}${bare(path)}`
      return { id: what, typeURI: `service/${service}`, name: `${method} ${what}` }
    },
    about: (deed) => ({ bodyKeys: Object.keys(('call' in deed ? deed.call.body : deed.input) ?? {}) }),
  },
  reconcileCall: 'reads',
  awaitEffect: 'reads',
  findTargets: 'reads',
  performMany: {
    action: ({ action }) => `update/${action}`,
    target: ({ action, ids }) => ({ id: `${action} on ${ids.length}`, typeURI: 'service/action', name: action }),
    about: ({ key, ids }) => ({ targets: ids.map((id) => `${key.replace(/Id$/, '')}/${id}`) }),
  },
  reconcileMany: 'reads',
  awaitMany: 'reads',
  checkAhead: 'reads',
  moveRun: {
    action: () => 'update/move-run',
    target: ({ workflowId }) => ({ id: workflowId, typeURI: 'service/oss/run' }),
  },
  deleteTrust: {
    action: () => 'delete/trust',
    target: ({ trustId }) => ({ id: masked(trustId), typeURI: 'data/security/trust' }),
  },
  checkTrust: 'reads',
  findOrphans: 'reads',
  announce: 'internal',
  // people are told; nothing of the cloud is changed
  deliver: 'internal',
}

/** The first id an action is given; the rest of its input may hold anything. */
const thingOf = (input: Readonly<Record<string, unknown>>): string => {
  const [key, value] = Object.entries(input).find(([name, one]) => name.endsWith('Id') && typeof one === 'string') ?? []
  return key === undefined ? 'unknown' : `${key.slice(0, -2)}/${String(value)}`
}

const httpActions = {
  ...{ GET: 'read', HEAD: 'read', POST: 'create', PUT: 'update', PATCH: 'update', DELETE: 'delete' },
} as const

/** A query may hold anything. */
const bare = (path: string) => path.split('?', 1)[0] ?? ''

/** Of the id of a trust or a credential only its last four characters are told: enough to compare, of no use to anybody. */
export const masked = (id: string): string => `****${id.length > 8 ? id.slice(-4) : ''}`

export const userType = 'service/security/account/user'
export const unknownPerson: Initiator = { id: 'unknown', typeURI: userType }

/** A workflow whose history is read. */
export interface AuditedExecution {
  readonly workflowId: string
  readonly runId: string
  readonly kind: string
  readonly incidentId?: string
  readonly policy?: string
  readonly runbook?: string
  readonly host?: string
}

/** How something that was begun ended; `lost`: its history says no more. */
export interface Ending {
  readonly at: string
  readonly how: 'completed' | 'failed' | 'lost'
  readonly result?: unknown
  /** Type of the failure. */
  readonly code?: string
  readonly attempts?: number
}

/** What of a history matters to an audit, decrypted. */
export interface Recorded {
  readonly what: 'start' | 'activity' | 'update' | 'signal' | 'cancel' | 'terminate'
  readonly eventId: number
  readonly at: string
  /** Of the activity, update or signal. */
  readonly name: string
  readonly input: readonly unknown[]
  /** What the engine knows of who sent it. */
  readonly identity?: string
  readonly ending?: Ending
}
