import type { Call } from '../core/call.ts'
import type { Chain } from '../core/chain.ts'
import type { QuotaLook, QuotaNeed, Work } from '../core/work.ts'
import { at } from './catalogue/entry.ts'
import { referencesIn } from './chain-values.ts'
import { chainOf } from './work.ts'

type Service = 'compute' | 'block-storage' | 'network'
type Need = QuotaNeed & { readonly service: Service }

/** What the steps of work take, as far as it can be known beforehand. Of many targets some may be gone by then. */
export function quotaLooks(work: Work): QuotaLook[] {
  if (work.targets) return []
  const all = chainOf(work).steps.flatMap((step) => needOf(step) ?? [])
  return [...new Set(all.map(({ service }) => service))].map((service) => ({
    needs: all.filter((need) => need.service === service),
    standing: (projectId) => ({
      ...{ service, method: 'GET' },
      path: service === 'network' ? `/v2.0/quotas/${projectId}/details` : '/limits',
    }),
    shortages: (wanted, standing) =>
      [...wanted].flatMap(([resource, amount]) => shortage(service, resource, amount, standing) ?? []),
  }))
}

function needOf({ action, with: input }: Chain['steps'][number]): Need | undefined {
  if (typeof action !== 'string') return needOfCall(action)
  // what an earlier step makes is not there yet
  if (referencesIn(input).length > 0) return undefined
  return needsOfActions[action]?.(input as Readonly<Record<string, unknown>>)
}

const flavor = (id: unknown): Call => ({ service: 'compute', method: 'GET', path: `/flavors/${String(id)}` })
const volume = (id: unknown): Call => ({ service: 'block-storage', method: 'GET', path: `/volumes/${String(id)}` })

const needsOfActions: Readonly<Record<string, (input: Readonly<Record<string, unknown>>) => Need>> = {
  'server.resize': ({ serverId, flavorId }) => ({
    service: 'compute',
    // the size of the flavor is shown with the server from 2.47 on
    reads: [
      flavor(flavorId),
      { service: 'compute', method: 'GET', path: `/servers/${String(serverId)}`, microversion: '2.47' },
    ],
    takes: ([larger, now]) => ({
      cores: number(larger, 'flavor', 'vcpus') - number(now, 'server', 'flavor', 'vcpus'),
      ram: number(larger, 'flavor', 'ram') - number(now, 'server', 'flavor', 'ram'),
    }),
  }),
  'volume.extend': ({ volumeId, sizeGiB }) => ({
    service: 'block-storage',
    reads: [volume(volumeId)],
    takes: ([now]) => ({ gigabytes: Number(sizeGiB) - number(now, 'volume', 'size') }),
  }),
  'volume.snapshot': ({ volumeId }) => ({
    service: 'block-storage',
    reads: [volume(volumeId)],
    takes: ([now]) => ({ snapshots: 1, gigabytes: number(now, 'volume', 'size') }),
  }),
  'volume.backup': ({ volumeId }) => ({
    service: 'block-storage',
    reads: [volume(volumeId)],
    takes: ([now]) => ({ backups: 1, backup_gigabytes: number(now, 'volume', 'size') }),
  }),
}

/** Collections of Neutron, and what it calls one of them where it counts. */
const networkResources: Readonly<Record<string, string>> = {
  ...{ networks: 'network', subnets: 'subnet', ports: 'port', routers: 'router', floatingips: 'floatingip' },
  ...{ 'security-groups': 'security_group', 'security-group-rules': 'security_group_rule' },
}

/** A call that makes something. */
function needOfCall({ service, method, path, body }: Call): Need | undefined {
  if (method !== 'POST') return undefined
  if (service === 'compute' && path === '/servers') {
    const count = Number(at(body, 'server', 'min_count') ?? 1)
    const takes: Need['takes'] = ([of]) => ({
      instances: count,
      cores: count * number(of, 'flavor', 'vcpus'),
      ram: count * number(of, 'flavor', 'ram'),
    })
    return { service, reads: [flavor(flavorIdIn(at(body, 'server', 'flavorRef')))], takes }
  }
  if (service === 'block-storage' && path === '/volumes')
    return { service, reads: [], takes: () => ({ volumes: 1, gigabytes: number(body, 'volume', 'size') }) }
  const [, collection = ''] = /^\/v2\.0\/([a-z-]+)$/.exec(path) ?? []
  const resource = networkResources[collection]
  return service === 'network' && resource ? { service, reads: [], takes: () => ({ [resource]: 1 }) } : undefined
}

/** Nova takes the URL of a flavor as well. */
const flavorIdIn = (reference: unknown) => String(reference).split('/').at(-1)

/** Nothing when it is not said: that is no shortage. */
function number(body: unknown, ...path: string[]): number {
  const value = at(body, ...path)
  return typeof value === 'number' ? value : 0
}

/** Names in the limits of Nova and Cinder: in use, and the limit. */
const limitNames: Readonly<Record<string, readonly [string, string]>> = {
  instances: ['totalInstancesUsed', 'maxTotalInstances'],
  cores: ['totalCoresUsed', 'maxTotalCores'],
  ram: ['totalRAMUsed', 'maxTotalRAMSize'],
  volumes: ['totalVolumesUsed', 'maxTotalVolumes'],
  gigabytes: ['totalGigabytesUsed', 'maxTotalVolumeGigabytes'],
  snapshots: ['totalSnapshotsUsed', 'maxTotalSnapshots'],
  backups: ['totalBackupsUsed', 'maxTotalBackups'],
  backup_gigabytes: ['totalBackupGigabytesUsed', 'maxTotalBackupGigabytes'],
}

/** A negative limit is none; what is not said is no shortage. */
function shortage(service: Service, resource: string, wanted: number, standing: unknown): string | undefined {
  const [used = '', most = ''] = limitNames[resource] ?? []
  const [inUse, limit] =
    service === 'network'
      ? [at(standing, 'quota', resource, 'used'), at(standing, 'quota', resource, 'limit')]
      : [at(standing, 'limits', 'absolute', used), at(standing, 'limits', 'absolute', most)]
  if (typeof inUse !== 'number' || typeof limit !== 'number') return undefined
  if (wanted <= 0 || limit < 0 || inUse + wanted <= limit) return undefined
  return `${service} ${resource}: ${inUse} in use of ${limit}, ${wanted} wanted`
}
