import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, isGone, listAt } from './entry.ts'
import { Uuid, uuidIn } from './inputs.ts'
import { securityGroups } from './security-groups.ts'

const apiRef = 'https://docs.openstack.org/api-ref/network/v2/#'
const neutron = { service: 'network', needsRole: 'member' } as const
const FloatingIp = z.strictObject({ floatingIpId: Uuid.describe('the floating IP, by its id') })
const Router = z.strictObject({ routerId: Uuid.describe('the router') })
const Port = z.strictObject({ portId: Uuid.describe('the port') })
const RouterSubnet = Router.extend({ subnetId: Uuid.describe('the subnet') })

const get = (path: string): Call => ({ service: 'network', method: 'GET', path: `/v2.0/${path}` })
const put = (path: string, body: Call['body'] & {}): Call => ({ ...get(path), method: 'PUT', body })
const remove = (path: string): Call => ({ ...get(path), method: 'DELETE' })
const floatingIp = ({ floatingIpId }: z.infer<typeof FloatingIp>) => `floatingips/${floatingIpId}`
const router = ({ routerId }: z.infer<typeof Router>) => `routers/${routerId}`
const port = ({ portId }: z.infer<typeof Port>) => `ports/${portId}`

const things = {
  router: {
    below: 'routers',
    key: 'routerId',
    note: 'A router that is down forwards nothing: all networks behind it are cut off.',
  },
  port: { below: 'ports', key: 'portId', note: 'The server sees its cable pulled; the address stays reserved.' },
  network: {
    below: 'networks',
    key: 'networkId',
    note: 'A network that is down carries nothing, and its DHCP answers nobody.',
  },
} as const

/** Sets the administrative state of a thing. What Neutron shows as `status` follows later, or stays DOWN without a host. */
function administer(kind: keyof typeof things, up: boolean): ActionSpec {
  const { below, key, note } = things[kind]
  const idOf = (input: Record<string, string>) => input[key] ?? ''
  const isUp = (body: unknown) => at(body, kind, 'admin_state_up')
  return define({
    ...neutron,
    name: `${kind}.${up ? 'up' : 'down'}`,
    title: `Turn a ${kind} ${up ? 'on' : 'off'}`,
    see: `${apiRef}update-${kind}`,
    input: z.strictObject({ [key]: Uuid.describe(`the ${kind}`) }),
    notes: up ? [] : [note],
    calls: (input) => put(`${below}/${idOf(input)}`, { [kind]: { admin_state_up: up } }),
    alreadyDone: { read: (input) => get(`${below}/${idOf(input)}`), when: ({ body }) => isUp(body) === up },
    undo: (input, { before }) =>
      isUp(before) === !up ? { action: `${kind}.${up ? 'down' : 'up'}`, input } : undefined,
    targets: (input) => [`${kind}/${idOf(input)}`],
  })
}

const floatingIpTarget = ({ floatingIpId }: z.infer<typeof FloatingIp>) => [`floating-ip/${floatingIpId}`]
const portOf = (body: unknown) => at(body, 'floatingip', 'port_id')
const gatewayOf = (body: unknown) => at(body, 'router', 'external_gateway_info', 'network_id')

const floatingIps: readonly ActionSpec[] = [
  define({
    ...neutron,
    name: 'floating-ip.associate',
    title: 'Point a floating IP at a port',
    see: `${apiRef}update-floating-ip`,
    input: FloatingIp.extend({
      portId: Uuid.describe('the port'),
      fixedAddress: z.union([z.ipv4(), z.ipv6()]).optional().describe('which address, if the port has several'),
    }),
    notes: [
      'Taken from another port without a question if it points there.',
      'Its `status` stays DOWN while the server is off; the association holds all the same.',
    ],
    calls: (input) =>
      put(floatingIp(input), {
        floatingip: {
          port_id: input.portId,
          ...(input.fixedAddress !== undefined && { fixed_ip_address: input.fixedAddress }),
        },
      }),
    alreadyDone: {
      read: (input) => get(floatingIp(input)),
      when: ({ body }, { portId, fixedAddress }) =>
        portOf(body) === portId &&
        (fixedAddress === undefined || at(body, 'floatingip', 'fixed_ip_address') === fixedAddress),
    },
    undo: ({ floatingIpId }, { before }) => {
      const portId = uuidIn(portOf(before))
      if (portId !== undefined) return { action: 'floating-ip.associate', input: { floatingIpId, portId } }
      return portOf(before) === null ? { action: 'floating-ip.disassociate', input: { floatingIpId } } : undefined
    },
    targets: ({ floatingIpId, portId }) => [`floating-ip/${floatingIpId}`, `port/${portId}`],
  }),
  define({
    ...neutron,
    name: 'floating-ip.disassociate',
    title: 'Take a floating IP from its port',
    see: `${apiRef}update-floating-ip`,
    input: FloatingIp,
    notes: ['The address stays with the project, and on its bill.'],
    calls: (input) => put(floatingIp(input), { floatingip: { port_id: null } }),
    alreadyDone: { read: (input) => get(floatingIp(input)), when: ({ body }) => portOf(body) === null },
    undo: ({ floatingIpId }, { before }) => {
      const portId = uuidIn(portOf(before))
      return portId === undefined ? undefined : { action: 'floating-ip.associate', input: { floatingIpId, portId } }
    },
    targets: floatingIpTarget,
  }),
  define({
    ...neutron,
    name: 'floating-ip.release',
    title: 'Give a floating IP back',
    see: `${apiRef}delete-floating-ip`,
    input: FloatingIp,
    destructive: true,
    notes: ['The address may belong to somebody else a moment later.'],
    calls: (input) => remove(floatingIp(input)),
    alreadyDone: { read: (input) => get(floatingIp(input)), when: isGone },
    targets: floatingIpTarget,
  }),
]

const routers: readonly ActionSpec[] = [
  define({
    ...neutron,
    name: 'router.add-subnet',
    title: 'Connect a subnet to a router',
    see: `${apiRef}add-interface-to-router`,
    input: RouterSubnet,
    notes: ['A subnet that is connected already answers 400.'],
    calls: (input) => put(`${router(input)}/add_router_interface`, { subnet_id: input.subnetId }),
    undo: ({ routerId, subnetId }) => ({ action: 'router.remove-subnet', input: { routerId, subnetId } }),
    targets: ({ routerId, subnetId }) => [`router/${routerId}`, `subnet/${subnetId}`],
  }),
  define({
    ...neutron,
    name: 'router.remove-subnet',
    title: 'Disconnect a subnet from a router',
    see: `${apiRef}remove-interface-from-router`,
    input: RouterSubnet,
    notes: ['Refused (409) while floating IPs or routes need it.'],
    calls: (input) => put(`${router(input)}/remove_router_interface`, { subnet_id: input.subnetId }),
    undo: ({ routerId, subnetId }) => ({ action: 'router.add-subnet', input: { routerId, subnetId } }),
    targets: ({ routerId, subnetId }) => [`router/${routerId}`, `subnet/${subnetId}`],
  }),
  define({
    ...neutron,
    name: 'router.set-gateway',
    title: 'Connect a router to an external network',
    see: `${apiRef}update-router`,
    input: Router.extend({ networkId: Uuid.describe('the external network') }),
    notes: ['Another external network means another outside address.'],
    calls: (input) => put(router(input), { router: { external_gateway_info: { network_id: input.networkId } } }),
    alreadyDone: {
      read: (input) => get(router(input)),
      when: ({ body }, { networkId }) => gatewayOf(body) === networkId,
    },
    undo: ({ routerId }, { before }) => {
      const networkId = uuidIn(gatewayOf(before))
      if (networkId !== undefined) return { action: 'router.set-gateway', input: { routerId, networkId } }
      return at(before, 'router', 'external_gateway_info') === null
        ? { action: 'router.clear-gateway', input: { routerId } }
        : undefined
    },
    targets: ({ routerId }) => [`router/${routerId}`],
  }),
  define({
    ...neutron,
    name: 'router.clear-gateway',
    title: 'Disconnect a router from its external network',
    see: `${apiRef}update-router`,
    input: Router,
    notes: ['Refused (409) while floating IPs use it.', 'Its outside address is given back.'],
    calls: (input) => put(router(input), { router: { external_gateway_info: null } }),
    alreadyDone: {
      read: (input) => get(router(input)),
      when: ({ body }) => at(body, 'router', 'external_gateway_info') === null,
    },
    undo: ({ routerId }, { before }) => {
      const networkId = uuidIn(gatewayOf(before))
      return networkId === undefined ? undefined : { action: 'router.set-gateway', input: { routerId, networkId } }
    },
    targets: ({ routerId }) => [`router/${routerId}`],
  }),
]

const groupsOf = (body: unknown) => listAt(body, 'port', 'security_groups')
const GroupIds = z
  .array(Uuid)
  .max(100)
  .refine((ids) => new Set(ids).size === ids.length, 'each group once')

const ports: readonly ActionSpec[] = [
  define({
    ...neutron,
    name: 'port.set-security-groups',
    title: 'Set the security groups of a port',
    see: `${apiRef}update-port`,
    input: Port.extend({ securityGroupIds: GroupIds.describe('all groups it shall have; the others are taken off') }),
    notes: ['Replaces the whole list.', 'Without any group nothing may reach the port.'],
    calls: (input) => put(port(input), { port: { security_groups: input.securityGroupIds } }),
    alreadyDone: {
      read: (input) => get(port(input)),
      when: ({ body }, { securityGroupIds }) =>
        Array.isArray(at(body, 'port', 'security_groups')) &&
        groupsOf(body).length === securityGroupIds.length &&
        securityGroupIds.every((id) => groupsOf(body).includes(id)),
    },
    undo: ({ portId }, { before }) => {
      const ids = GroupIds.safeParse(at(before, 'port', 'security_groups')).data
      return ids && { action: 'port.set-security-groups', input: { portId, securityGroupIds: ids } }
    },
    targets: ({ portId }) => [`port/${portId}`],
  }),
  define({
    ...neutron,
    name: 'port.delete',
    title: 'Delete a port',
    see: `${apiRef}delete-port`,
    input: Port,
    destructive: true,
    notes: ['A server loses its interface with it; ports of routers answer 409.'],
    calls: (input) => remove(port(input)),
    alreadyDone: { read: (input) => get(port(input)), when: isGone },
    targets: ({ portId }) => [`port/${portId}`],
  }),
]

/** Neutron. */
export const network: readonly ActionSpec[] = [
  ...floatingIps,
  ...(['router', 'port', 'network'] as const).flatMap((kind) => [administer(kind, true), administer(kind, false)]),
  ...routers,
  ...ports,
  ...securityGroups,
]
