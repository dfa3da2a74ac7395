import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, listAt, type Seen } from './entry.ts'
import { Uuid } from './inputs.ts'
import { serverAttachments } from './server-attachments.ts'
import { serverMoves } from './server-moves.ts'
import { serverPower } from './server-power.ts'
import { serverShape } from './server-shape.ts'
import { actOnServer, apiRef, isIdleIn, restsIn, ServerInput, serverTarget, showServer, simple } from './servers.ts'

const ServiceInput = z.strictObject({ serviceId: Uuid.describe('id of the compute service (2.53 and later)') })
type ServiceInput = z.infer<typeof ServiceInput>

/** Nova shows no single service, so it is found in the list. */
const listServices = (): Call => ({ service: 'compute', method: 'GET', path: '/os-services', microversion: '2.53' })
const changeService = ({ serviceId }: ServiceInput, body: Call['body'] & {}): Call => ({
  service: 'compute',
  method: 'PUT',
  path: `/os-services/${serviceId}`,
  body,
  microversion: '2.53',
})
const statusOfService = (body: unknown, { serviceId }: ServiceInput) =>
  at(
    listAt(body, 'services').find((one) => at(one, 'id') === serviceId),
    'status',
  )
const isService = (status: string) => (seen: Seen, input: ServiceInput) => statusOfService(seen.body, input) === status
const serviceTarget = ({ serviceId }: ServiceInput) => [`compute-service/${serviceId}`]

/** Rescue, repair and the services of Nova. */
const care: readonly ActionSpec[] = [
  define({
    service: 'compute',
    name: 'server.rescue',
    title: 'Start a server from a rescue image, with its own disk beside it',
    see: `${apiRef}rescue-server-rescue-action`,
    input: ServerInput.extend({ imageId: Uuid.optional().describe('rescue image; its own when left out') }),
    needsRole: 'member',
    repeatable: false,
    notes: [
      'The password is in the answer and is not kept: log in with the key of the server.',
      'Servers on volumes need 2.87 and a host that can.',
    ],
    calls: (input) =>
      actOnServer(input, { rescue: input.imageId === undefined ? null : { rescue_image_ref: input.imageId } }, '2.87'),
    alreadyDone: { read: (input) => showServer(input), when: ({ body }) => isIdleIn(['RESCUE'], body) },
    waitFor: restsIn(['RESCUE'], 60, 900),
    undo: ({ serverId }) => ({ action: 'server.unrescue', input: { serverId } }),
    targets: serverTarget,
  }),
  simple({
    name: 'server.unrescue',
    title: 'Start a rescued server from its own disk again',
    anchor: 'unrescue-server-unrescue-action',
    action: 'unrescue',
    to: ['ACTIVE'],
    typicalSeconds: 30,
    limitSeconds: 900,
  }),
  define({
    service: 'compute',
    name: 'server.crash-dump',
    title: 'Make the kernel of a server dump its memory',
    see: `${apiRef}trigger-crash-dump-in-server`,
    input: ServerInput,
    needsRole: 'member',
    repeatable: false,
    destructive: true,
    notes: ['The guest must be set up for it; else it crashes without a dump.'],
    calls: (input) => actOnServer(input, { trigger_crash_dump: null }, '2.17'),
    targets: serverTarget,
  }),
  define({
    service: 'compute',
    name: 'server.reset-state',
    title: 'Write another state of a server into the database of Nova',
    see: `${apiRef}reset-server-state-os-resetstate-action`,
    input: ServerInput.extend({ state: z.enum(['active', 'error']).describe('state to write') }),
    needsRole: 'admin',
    notes: ['Changes what Nova believes, not the server: look at the host first.', 'Ends the task Nova believes in.'],
    calls: (input) => actOnServer(input, { 'os-resetState': { state: input.state } }),
    alreadyDone: {
      read: (input) => showServer(input),
      when: ({ body }, { state }) => isIdleIn([state.toUpperCase()], body),
    },
    targets: serverTarget,
  }),
  define({
    service: 'compute',
    name: 'compute-service.disable',
    title: 'Have the scheduler leave a compute host out',
    see: `${apiRef}update-compute-service`,
    input: ServiceInput.extend({ reason: z.string().min(1).max(255).describe('for the next person') }),
    needsRole: 'admin',
    notes: ['Servers on the host run on.'],
    calls: (input) => changeService(input, { status: 'disabled', disabled_reason: input.reason }),
    alreadyDone: { read: listServices, when: isService('disabled') },
    undo: (input, { before }) =>
      statusOfService(before, input) === 'enabled'
        ? { action: 'compute-service.enable', input: { serviceId: input.serviceId } }
        : undefined,
    targets: serviceTarget,
  }),
  define({
    service: 'compute',
    name: 'compute-service.enable',
    title: 'Let the scheduler use a compute host again',
    see: `${apiRef}update-compute-service`,
    input: ServiceInput,
    needsRole: 'admin',
    notes: ['Whoever disabled it may have had a reason: read `disabled_reason` first.'],
    calls: (input) => changeService(input, { status: 'enabled' }),
    alreadyDone: { read: listServices, when: isService('enabled') },
    targets: serviceTarget,
  }),
]

/** Nova. */
export const compute: readonly ActionSpec[] = [
  ...serverPower,
  ...serverShape,
  ...serverMoves,
  ...serverAttachments,
  ...care,
]
