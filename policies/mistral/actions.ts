import { NotMapped } from './tokens.ts'
import { celOf } from './values.ts'

/** What an action of Mistral becomes. */
export interface Deed {
  /** A step without what all steps have in common. */
  readonly step: Readonly<Record<string, unknown>>
  /** Where in what the step saves the result is that Mistral gives; undefined when there is none. */
  readonly result?: (saved: string) => string
  readonly isList?: boolean
  /** What is not quite the same. */
  readonly note?: string
  /** The wait that a task with `retry` around a look is meant to be. */
  readonly wait?: (withinSeconds: number, everySeconds: number) => Readonly<Record<string, unknown>>
}

type Input = Readonly<Record<string, unknown>>
type Mapping = (given: Taker) => Deed

/** Hands out the input of a task; what nobody has taken at the end is refused. */
interface Taker {
  /** The first of these names that is given. @throws NotMapped none is */
  need(...names: string[]): unknown
  maybe(...names: string[]): unknown
}

/** An action of the catalogue, with the names that Mistral has for its input. */
const act =
  (action: string, input: Readonly<Record<string, readonly string[]>>, result?: string): Mapping =>
  ({ need }) => ({
    step: {
      action,
      with: Object.fromEntries(Object.entries(input).map(([key, names]) => [key, need(...names)])),
    },
    ...(result !== undefined && { result: (saved: string) => `${saved}.body.${result}` }),
  })

const server = ['server', 'server_id', 'id', 'instance_id']
const onServer = (action: string, more: Readonly<Record<string, readonly string[]>> = {}, result?: string) =>
  act(action, { serverId: server, ...more }, result)
const volume = ['volume', 'volume_id', 'id']

/** Reads one thing by its id. */
const show =
  (service: string, path: string, names: readonly string[], key: string | undefined): Mapping =>
  ({ need }) => ({
    step: { read: { service, path: `${path}/${inPath(need(...names))}` } },
    result: (saved) => `${saved}.body${key === undefined ? '' : `.${key}`}`,
  })

/** Reads a list; what is given besides are filters of the service, where it has those. */
const list =
  (service: string, path: string, key: string, filters: readonly string[] = []): Mapping =>
  ({ maybe }) => {
    const query = filters.flatMap((name) => {
      const value = maybe(name)
      return value === undefined ? [] : [`${name}=${inPath(value)}`]
    })
    maybe('detailed')
    return {
      step: { read: { service, path: [path, query.join('&')].filter(Boolean).join('?'), list: key } },
      result: (saved) => `${saved}.body.${key}`,
      isList: true,
    }
  }

/** Looks whether there is one in a state; with `retry` that is a wait. */
const find =
  (service: string, path: string, key: string): Mapping =>
  ({ need, maybe }) => {
    const read = { service, path: `${path}/${inPath(need('id'))}` }
    const status = maybe('status')
    const isSo = status === undefined ? '' : ` && answer.body.${key}.status == ${celOf(status)}`
    const wait = (withinSeconds: number, everySeconds: number) => ({
      wait: { until: `answer.status == 200${isSo}`, read, withinSeconds, everySeconds },
    })
    return {
      // one look, given up at once
      step: wait(0, 1),
      wait,
      result: (saved) => `${saved}.body.${key}`,
    }
  }

/** The first of a list that has a name. */
const named =
  (service: string, path: string, key: string): Mapping =>
  ({ need }) => {
    const name = need('name')
    return {
      step: { read: { service, path, list: key } },
      result: (saved) => `${saved}.body.${key}.filter(one, one.name == ${celOf(name)})[0]`,
      note: 'finds it by its name in the whole list',
    }
  }

const create =
  (service: string, path: string, key: string, fields: Readonly<Record<string, string>>): Mapping =>
  ({ maybe }) => {
    const given = Object.entries(fields).map(([name, field]) => [field, maybe(name)] as const)
    const body = { [key]: Object.fromEntries(given.filter(([, value]) => value !== undefined)) }
    return {
      step: { call: { service, method: 'POST', path, body } },
      result: (saved) => `${saved}.body.${key}`,
      note: `calls POST ${path} once; what it makes is not taken back`,
    }
  }

const reboot: Mapping = ({ need, maybe }) => ({
  step: {
    action: maybe('reboot_type') === 'HARD' ? 'server.reset' : 'server.reboot',
    with: { serverId: need(...server) },
  },
})

const bootable: Mapping = ({ need }) => ({
  step: { action: 'volume.set-bootable', with: { volumeId: need(...volume), bootable: need('flag') } },
})

const mappings: Readonly<Record<string, Mapping>> = {
  'std.echo': ({ need }) => ({ step: { set: { $saved: need('output') } }, result: (saved) => saved }),
  'std.noop': () => ({ step: { note: 'nothing to do' }, result: () => 'null' }),
  'std.fail': ({ maybe }) => ({ step: { fail: String(maybe('error_data') ?? 'the workflow fails here') } }),
  'nova.servers_start': onServer('server.start'),
  'nova.servers_stop': onServer('server.stop'),
  'nova.servers_pause': onServer('server.pause'),
  'nova.servers_unpause': onServer('server.unpause'),
  'nova.servers_suspend': onServer('server.suspend'),
  'nova.servers_resume': onServer('server.resume'),
  'nova.servers_shelve': onServer('server.shelve'),
  'nova.servers_shelve_offload': onServer('server.shelve-offload'),
  'nova.servers_unshelve': onServer('server.unshelve'),
  'nova.servers_lock': onServer('server.lock'),
  'nova.servers_unlock': onServer('server.unlock'),
  'nova.servers_rescue': onServer('server.rescue'),
  'nova.servers_unrescue': onServer('server.unrescue'),
  'nova.servers_restore': onServer('server.restore'),
  'nova.servers_migrate': onServer('server.migrate'),
  'nova.servers_delete': onServer('server.delete'),
  'nova.servers_force_delete': onServer('server.force-delete'),
  'nova.servers_confirm_resize': onServer('server.confirm-resize'),
  'nova.servers_revert_resize': onServer('server.revert-resize'),
  'nova.servers_resize': onServer('server.resize', { flavorId: ['flavor', 'flavor_id'] }),
  'nova.servers_rebuild': onServer('server.rebuild', { imageId: ['image', 'image_id'] }),
  'nova.servers_create_image': onServer('server.snapshot', { name: ['image_name', 'name'] }, 'image_id'),
  'nova.servers_reboot': reboot,
  'nova.servers_get': show('compute', '/servers', server, 'server'),
  'nova.servers_list': list('compute', '/servers/detail', 'servers', ['name', 'status', 'host', 'all_tenants']),
  'nova.servers_find': find('compute', '/servers', 'server'),
  'nova.servers_create': create('compute', '/servers', 'server', {
    ...{
      name: 'name',
      image: 'imageRef',
      flavor: 'flavorRef',
      key_name: 'key_name',
      availability_zone: 'availability_zone',
    },
    ...{
      block_device_mapping_v2: 'block_device_mapping_v2',
      security_groups: 'security_groups',
      userdata: 'user_data',
    },
  }),
  'nova.flavors_list': list('compute', '/flavors/detail', 'flavors'),
  'nova.flavors_get': show('compute', '/flavors', ['flavor'], 'flavor'),
  'nova.flavors_find': named('compute', '/flavors/detail', 'flavors'),
  'nova.hypervisors_list': list('compute', '/os-hypervisors/detail', 'hypervisors'),
  'nova.services_list': list('compute', '/os-services', 'services', ['host', 'binary']),
  'nova.volumes_create_server_volume': (given) => {
    given.maybe('device')
    return act('volume.attach', { serverId: ['server_id'], volumeId: ['volume_id'] })(given)
  },
  'nova.volumes_delete_server_volume': act('volume.detach', {
    serverId: ['server_id'],
    volumeId: ['volume_id', 'attachment_id'],
  }),
  'cinder.volumes_get': show('block-storage', '/volumes', volume, 'volume'),
  'cinder.volumes_list': list('block-storage', '/volumes/detail', 'volumes'),
  'cinder.volumes_find': find('block-storage', '/volumes', 'volume'),
  'cinder.volumes_delete': act('volume.delete', { volumeId: volume }),
  'cinder.volumes_extend': act('volume.extend', { volumeId: volume, sizeGiB: ['new_size'] }),
  'cinder.volumes_set_bootable': bootable,
  'cinder.volumes_create': create('block-storage', '/volumes', 'volume', {
    ...{ size: 'size', name: 'name', display_name: 'name', source_volid: 'source_volid', imageRef: 'imageRef' },
    ...{ snapshot_id: 'snapshot_id', volume_type: 'volume_type', description: 'description' },
  }),
  'cinder.volume_snapshots_create': act('volume.snapshot', { volumeId: volume, name: ['name'] }, 'snapshot'),
  'cinder.volume_snapshots_delete': act('snapshot.delete', { snapshotId: ['snapshot'] }),
  'cinder.backups_create': act('volume.backup', { volumeId: volume, name: ['name'] }, 'backup'),
  'cinder.backups_delete': act('backup.delete', { backupId: ['backup'] }),
  'glance.images_list': list('image', '/v2/images', 'images', ['name', 'status']),
  'glance.images_get': show('image', '/v2/images', ['image_id', 'image'], undefined),
  'glance.images_delete': act('image.delete', { imageId: ['image_id', 'image'] }),
  'neutron.list_networks': neutron('networks'),
  'neutron.list_ports': neutron('ports'),
  'neutron.list_routers': neutron('routers'),
  'neutron.list_subnets': neutron('subnets'),
  'keystone.projects_list': list('identity', '/v3/projects', 'projects'),
  'keystone.projects_get': show('identity', '/v3/projects', ['project'], 'project'),
  'heat.stacks_get': show('orchestration', '/stacks', ['stack_id'], 'stack'),
  'heat.stacks_list': list('orchestration', '/stacks', 'stacks'),
  'ironic.node_list': list('baremetal', '/v1/nodes/detail', 'nodes', ['associated', 'maintenance', 'provision_state']),
  'ironic.node_get': show('baremetal', '/v1/nodes', ['node_id'], undefined),
}

/** Neutron's client gives the whole answer, with the list in it. */
function neutron(key: string): Mapping {
  return (given) => {
    const { isList: _, ...deed } = list('network', `/v2.0/${key}`, key, ['name', 'status', 'device_id', 'network_id'])(
      given,
    )
    return { ...deed, result: (saved) => `${saved}.body` }
  }
}

const reasons: Readonly<Record<string, string>> = {
  'std.http': 'calls outside of OpenStack are not made from a document; write this step in TypeScript',
  'std.mistral_http': 'calls outside of OpenStack are not made from a document; write this step in TypeScript',
  'std.ssh': 'commands on hosts are not given in a document; write this step in TypeScript',
  'std.ssh_proxied': 'commands on hosts are not given in a document; write this step in TypeScript',
  'std.email': 'people are told by the receivers of `notify` in steward.yaml, not by a step',
  'std.javascript': 'code is not part of a document; write this step in TypeScript',
  'std.async_noop': 'a step that somebody outside ends is `ask`, or `wait` until something can be seen',
}

/** @throws NotMapped saying why there is no such step */
export function deedFor(action: string, input: Input): Deed {
  const mapping = mappings[action]
  if (!mapping) throw new NotMapped(reasons[action] ?? `the action ${action} has no counterpart`)
  const left = new Set(Object.keys(input))
  const take = (names: readonly string[]) => {
    const name = names.find((one) => left.has(one))
    if (name !== undefined) left.delete(name)
    return name === undefined ? undefined : input[name]
  }
  const deed = mapping({
    maybe: (...names) => take(names),
    need(...names) {
      const value = take(names)
      if (value === undefined) throw new NotMapped(`${action} without \`${names[0]}\` has no counterpart`)
      return value
    },
  })
  if (left.size > 0) throw new NotMapped(`the input ${[...left].join(', ')} of ${action} has no counterpart`)
  return deed
}

const inPath = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
