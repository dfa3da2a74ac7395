import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, isGone, listAt, type Seen } from './entry.ts'
import { Uuid } from './inputs.ts'
import { actOnServer, apiRef, ServerInput, serverTarget } from './servers.ts'
import { isVolumeAtRest, showVolume, volumeStatus } from './volumes.ts'

const compute = { service: 'compute', needsRole: 'member' } as const
const WithVolume = ServerInput.extend({ volumeId: Uuid.describe('the volume') })
const WithPort = ServerInput.extend({ portId: Uuid.describe('the port of Neutron') })
const WithGroup = ServerInput.extend({ securityGroupId: Uuid.describe('the security group') })

const isAttachedTo = (body: unknown, serverId: string) =>
  listAt(body, 'volume', 'attachments').some((one) => at(one, 'server_id') === serverId)

const showPort = ({ serverId, portId }: { serverId: string; portId: string }): Call => ({
  service: 'compute',
  method: 'GET',
  path: `/servers/${serverId}/os-interface/${portId}`,
})

const showGroups = ({ serverId }: ServerInput): Call => ({
  service: 'compute',
  method: 'GET',
  path: `/servers/${serverId}/os-security-groups`,
})

/** True or false only of a list that was really shown: a refusal is not an empty list. */
function hasGroup({ status, body }: Seen, securityGroupId: string): boolean | undefined {
  if (status !== 200 || !Array.isArray(at(body, 'security_groups'))) return undefined
  return listAt(body, 'security_groups').some((one) => at(one, 'id') === securityGroupId)
}

/** What is attached to servers: volumes, ports, security groups. */
export const serverAttachments: readonly ActionSpec[] = [
  define({
    ...compute,
    name: 'volume.attach',
    title: 'Attach a volume to a server',
    see: `${apiRef}attach-a-volume-to-an-instance`,
    input: WithVolume,
    repeatable: false,
    notes: [
      'Always through Nova: attaching in Cinder alone does nothing to the server.',
      'The name of the device is chosen by the guest; find it by the id of the volume.',
    ],
    calls: ({ serverId, volumeId }) => ({
      service: 'compute',
      method: 'POST',
      path: `/servers/${serverId}/os-volume_attachments`,
      body: { volumeAttachment: { volumeId } },
    }),
    alreadyDone: {
      read: showVolume,
      when: ({ body }, { serverId }) => volumeStatus(body) === 'in-use' && isAttachedTo(body, serverId),
    },
    waitFor: {
      read: showVolume,
      done: ({ body }, { serverId }) => volumeStatus(body) === 'in-use' && isAttachedTo(body, serverId),
      failed: (seen, { serverId }) => isGone(seen) || (isVolumeAtRest(seen.body) && !isAttachedTo(seen.body, serverId)),
      typicalSeconds: 10,
      limitSeconds: 600,
    },
    undo: ({ serverId, volumeId }) => ({ action: 'volume.detach', input: { serverId, volumeId } }),
    targets: ({ serverId, volumeId }) => [`server/${serverId}`, `volume/${volumeId}`],
  }),
  define({
    ...compute,
    name: 'volume.detach',
    title: 'Detach a volume from a server',
    see: `${apiRef}detach-a-volume-from-an-instance`,
    input: WithVolume,
    notes: [
      'Unmount it in the guest first: a guest that does not let go keeps the volume attached.',
      'Cinder refuses to detach by itself what Nova has attached (409, since bug 2004555).',
      'The root volume can be detached only from a server that is shelved and offloaded.',
    ],
    calls: ({ serverId, volumeId }) => ({
      service: 'compute',
      method: 'DELETE',
      path: `/servers/${serverId}/os-volume_attachments/${volumeId}`,
    }),
    alreadyDone: {
      read: showVolume,
      when: ({ body }, { serverId }) => isVolumeAtRest(body) && !isAttachedTo(body, serverId),
    },
    waitFor: {
      read: showVolume,
      done: (seen, { serverId }) => isGone(seen) || (isVolumeAtRest(seen.body) && !isAttachedTo(seen.body, serverId)),
      failed: ({ body }, { serverId }) => isVolumeAtRest(body) && isAttachedTo(body, serverId),
      typicalSeconds: 15,
      limitSeconds: 600,
    },
    undo: ({ serverId, volumeId }, { before }) =>
      isAttachedTo(before, serverId) ? { action: 'volume.attach', input: { serverId, volumeId } } : undefined,
    targets: ({ serverId, volumeId }) => [`server/${serverId}`, `volume/${volumeId}`],
  }),
  define({
    ...compute,
    name: 'port.attach',
    title: 'Attach a port to a server',
    see: `${apiRef}create-interface`,
    input: WithPort,
    repeatable: false,
    calls: ({ serverId, portId }) => ({
      service: 'compute',
      method: 'POST',
      path: `/servers/${serverId}/os-interface`,
      body: { interfaceAttachment: { port_id: portId } },
    }),
    alreadyDone: {
      read: showPort,
      when: ({ body }, { portId }) => at(body, 'interfaceAttachment', 'port_id') === portId,
    },
    undo: ({ serverId, portId }) => ({ action: 'port.detach', input: { serverId, portId } }),
    targets: ({ serverId, portId }) => [`server/${serverId}`, `port/${portId}`],
  }),
  define({
    ...compute,
    name: 'port.detach',
    title: 'Detach a port from a server',
    see: `${apiRef}detach-interface`,
    input: WithPort,
    notes: [
      'A port that Nova made is deleted with it, and its addresses are free for others.',
      'The server may become unreachable.',
    ],
    calls: (input) => ({ ...showPort(input), method: 'DELETE' }),
    alreadyDone: { read: showPort, when: isGone },
    waitFor: { read: showPort, done: isGone, failed: () => false, typicalSeconds: 15, limitSeconds: 600 },
    targets: ({ serverId, portId }) => [`server/${serverId}`, `port/${portId}`],
  }),
  define({
    ...compute,
    name: 'server.add-security-group',
    title: 'Add a security group to all ports of a server',
    see: `${apiRef}add-security-group-to-a-server-addsecuritygroup-action`,
    input: WithGroup,
    notes: ['Ports without port security are left out.'],
    calls: (input) => actOnServer(input, { addSecurityGroup: { name: input.securityGroupId } }),
    alreadyDone: { read: showGroups, when: (seen, input) => hasGroup(seen, input.securityGroupId) === true },
    undo: (input, { before }) =>
      hasGroup({ status: 200, body: before }, input.securityGroupId) === false
        ? { action: 'server.remove-security-group', input }
        : undefined,
    targets: serverTarget,
  }),
  define({
    ...compute,
    name: 'server.remove-security-group',
    title: 'Remove a security group from all ports of a server',
    see: `${apiRef}remove-security-group-from-a-server-removesecuritygroup-action`,
    input: WithGroup,
    notes: ['Without any group nothing may reach the server any more.'],
    calls: (input) => actOnServer(input, { removeSecurityGroup: { name: input.securityGroupId } }),
    alreadyDone: { read: showGroups, when: (seen, input) => hasGroup(seen, input.securityGroupId) === false },
    undo: (input, { before }) =>
      hasGroup({ status: 200, body: before }, input.securityGroupId) === true
        ? { action: 'server.add-security-group', input }
        : undefined,
    targets: serverTarget,
  }),
]
