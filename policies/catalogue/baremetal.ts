import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, isGone, isOneOf, type Seen } from './entry.ts'
import { Uuid } from './inputs.ts'

const apiRef = 'https://docs.openstack.org/api-ref/baremetal/#'
const NodeInput = z.strictObject({ nodeId: Uuid.describe('the node') })
type NodeInput = z.infer<typeof NodeInput>
const nodeTarget = ({ nodeId }: NodeInput) => [`node/${nodeId}`]
const nodeNotes = [
  'A node that Ironic works on answers 409 (NodeLocked).',
  'A delegated token is of one project: it reaches the nodes that project owns or leases; for others Ironic wants a system scope, or its older policies.',
]

/** Knows the soft targets of power (1.27) and unrescuing (1.38). */
const microversion = '1.38'
const call = (method: Call['method'], { nodeId }: NodeInput, below: string, body?: Call['body']): Call => ({
  service: 'baremetal',
  method,
  path: `/v1/nodes/${nodeId}${below}`,
  ...(body && { body }),
  microversion,
})
const showStates = (input: NodeInput) => call('GET', input, '/states')
const showNode = (input: NodeInput) => call('GET', input, '')

const power = (body: unknown) => at(body, 'power_state')
const isPowerSettled = (body: unknown) => at(body, 'target_power_state') === null

interface Power {
  readonly name: string
  readonly title: string
  readonly target: string
  readonly to: 'power on' | 'power off'
  /** The state before it shows whether it is needed; a reboot is needed in any state. */
  readonly settles: boolean
  readonly typicalSeconds: number
  readonly undo?: string
  readonly notes: readonly string[]
}

/** Ironic writes the target and clears the last error before it answers. */
const setPower = ({ target, to, settles, typicalSeconds, undo, notes, ...names }: Power) =>
  define({
    ...names,
    service: 'baremetal',
    see: `${apiRef}change-node-power-state`,
    input: NodeInput,
    needsRole: 'member',
    repeatable: settles,
    notes: [...nodeNotes, ...notes],
    calls: (input) => call('PUT', input, '/states/power', { target }),
    alreadyDone: { read: showStates, when: ({ body }) => settles && isPowerSettled(body) && power(body) === to },
    waitFor: {
      read: showStates,
      done: ({ body }) => isPowerSettled(body) && power(body) === to && at(body, 'last_error') === null,
      failed: (seen) =>
        isGone(seen) ||
        (isPowerSettled(seen.body) && (power(seen.body) !== to || typeof at(seen.body, 'last_error') === 'string')),
      typicalSeconds,
      limitSeconds: 1800,
    },
    ...(undo !== undefined && {
      undo: (input: NodeInput, { before }: { before?: unknown }) =>
        isOneOf(['power on', 'power off'], power(before)) && power(before) !== to ? { action: undo, input } : undefined,
    }),
    targets: nodeTarget,
  })

interface Provision {
  readonly name: string
  readonly title: string
  readonly target: string
  readonly to: string
  readonly typicalSeconds: number
  readonly limitSeconds: number
  readonly destructive?: boolean
  readonly settles?: boolean
  readonly notes: readonly string[]
}

const provisionOf = (body: unknown) => at(body, 'provision_state')
const isProvisioned = (body: unknown, to: string) =>
  provisionOf(body) === to && at(body, 'target_provision_state') === null

/** States Ironic goes no further from by itself; `enroll` is where a verification that failed ends. */
const hasFailed = (seen: Seen, to: string) => {
  const state = provisionOf(seen.body)
  return isGone(seen) || (typeof state === 'string' && state !== to && / failed$|^error$|^enroll$/.test(state))
}

const setProvision = ({ target, to, settles = true, typicalSeconds, limitSeconds, notes, ...rest }: Provision) =>
  define({
    ...rest,
    service: 'baremetal',
    see: `${apiRef}change-node-provision-state`,
    input: NodeInput,
    needsRole: 'member',
    repeatable: false,
    notes: [...nodeNotes, ...notes],
    calls: (input) => call('PUT', input, '/states/provision', { target }),
    alreadyDone: { read: showStates, when: ({ body }) => settles && isProvisioned(body, to) },
    waitFor: {
      read: showStates,
      done: ({ body }) => isProvisioned(body, to),
      failed: (seen) => hasFailed(seen, to),
      typicalSeconds,
      limitSeconds,
    },
    targets: nodeTarget,
  })

const instanceNote =
  'With an instance of Nova on it, act on the server instead: Nova sets the power as it believes it is.'

/** Ironic. */
export const baremetal: readonly ActionSpec[] = [
  setPower({
    name: 'node.power-on',
    title: 'Turn a node on',
    target: 'power on',
    to: 'power on',
    settles: true,
    typicalSeconds: 30,
    undo: 'node.power-off',
    notes: [instanceNote],
  }),
  setPower({
    name: 'node.power-off',
    title: 'Cut the power of a node',
    target: 'power off',
    to: 'power off',
    settles: true,
    typicalSeconds: 30,
    undo: 'node.power-on',
    notes: [instanceNote],
  }),
  setPower({
    name: 'node.shut-down',
    title: 'Have a node shut itself down',
    target: 'soft power off',
    to: 'power off',
    settles: true,
    typicalSeconds: 120,
    undo: 'node.power-on',
    notes: [instanceNote, 'Not every driver can.'],
  }),
  setPower({
    name: 'node.reset',
    title: 'Reboot a node by cutting its power',
    target: 'rebooting',
    to: 'power on',
    settles: false,
    typicalSeconds: 60,
    notes: [instanceNote, 'Turns a node on that is off.'],
  }),
  setPower({
    name: 'node.reboot',
    title: 'Have a node reboot itself',
    target: 'soft rebooting',
    to: 'power on',
    settles: false,
    typicalSeconds: 180,
    notes: [instanceNote, 'Not every driver can.'],
  }),
  define({
    service: 'baremetal',
    name: 'node.start-maintenance',
    title: 'Keep Ironic and Nova away from a node',
    see: `${apiRef}set-maintenance-flag`,
    input: NodeInput.extend({ reason: z.string().min(1).max(255).describe('for the next person') }),
    needsRole: 'member',
    notes: [...nodeNotes, 'Provisioning is refused meanwhile.'],
    calls: (input) => call('PUT', input, '/maintenance', { reason: input.reason }),
    alreadyDone: { read: showNode, when: ({ body }) => at(body, 'maintenance') === true },
    undo: ({ nodeId }, { before }) =>
      at(before, 'maintenance') === false ? { action: 'node.end-maintenance', input: { nodeId } } : undefined,
    targets: nodeTarget,
  }),
  define({
    service: 'baremetal',
    name: 'node.end-maintenance',
    title: 'Give a node back to Ironic and Nova',
    see: `${apiRef}clear-maintenance-flag`,
    input: NodeInput,
    needsRole: 'member',
    notes: [...nodeNotes, 'Ironic sets it by itself when something fails: read the reason first.'],
    calls: (input) => call('DELETE', input, '/maintenance'),
    alreadyDone: { read: showNode, when: ({ body }) => at(body, 'maintenance') === false },
    targets: nodeTarget,
  }),
  setProvision({
    name: 'node.manage',
    title: 'Take a node into management',
    target: 'manage',
    to: 'manageable',
    typicalSeconds: 60,
    limitSeconds: 1800,
    notes: [
      'From `enroll` its access is verified; a failure ends in `enroll` again.',
      'From `available` it is taken out of the pool.',
    ],
  }),
  setProvision({
    name: 'node.provide',
    title: 'Make a node available, cleaning it first',
    target: 'provide',
    to: 'available',
    typicalSeconds: 1200,
    limitSeconds: 86_400,
    destructive: true,
    notes: ['Cleaning wipes the disks where it is configured, as it is by default.'],
  }),
  setProvision({
    name: 'node.inspect',
    title: 'Read the hardware of a node',
    target: 'inspect',
    to: 'manageable',
    settles: false,
    typicalSeconds: 600,
    limitSeconds: 7200,
    notes: ['Only from `manageable`; the node is rebooted for it by most drivers.'],
  }),
  setProvision({
    name: 'node.rebuild',
    title: 'Deploy a node anew',
    target: 'rebuild',
    to: 'active',
    settles: false,
    typicalSeconds: 1200,
    limitSeconds: 14_400,
    destructive: true,
    notes: ['The disk is overwritten.'],
  }),
  setProvision({
    name: 'node.undeploy',
    title: 'Take the deployment off a node, cleaning it',
    target: 'deleted',
    to: 'available',
    typicalSeconds: 1200,
    limitSeconds: 86_400,
    destructive: true,
    notes: ['The disk is wiped where cleaning is configured, as it is by default.'],
  }),
  setProvision({
    name: 'node.unrescue',
    title: 'Boot a rescued node from its own disk again',
    target: 'unrescue',
    to: 'active',
    typicalSeconds: 300,
    limitSeconds: 7200,
    notes: [],
  }),
]
