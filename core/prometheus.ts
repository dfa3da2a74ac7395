import { z } from 'zod'
import { refusalOfUrl } from './receiver.ts'

const Query = z.string().trim().min(1).max(4_000)
/** What plans can do without. */
const Optional = z.union([Query, z.literal(false)])

/**
 * Puts the id of the server to what an exporter of libvirt says about a domain: `libvirt_domain_openstack_info` has it as
 * `instance_id`, and `libvirt_domain_info_meta` of other exporters as `uuid`.
 */
const ofServer = (value: string) =>
  `(${value}) * on (instance, domain) group_left (instance_id, uuid) (libvirt_domain_openstack_info or libvirt_domain_info_meta)`
const sum = (metric: string) => `sum by (instance, domain) (${metric})`
const rate = (metric: string, window = '5m') => sum(`rate(${metric}[${window}])`)
const cpuPercentOfOwn = (window?: string) =>
  `100 * ${rate('libvirt_domain_info_cpu_time_seconds_total', window)} / ${sum('libvirt_domain_info_virtual_cpus')}`

/**
 * What a server used in all but the busiest 72 minutes of a day, by quarters of an hour: 96 points for each server, which
 * Prometheus has in memory several times over. It goes by the id alone, so that a server takes its day along when it moves.
 */
const ofDay = (value: string) =>
  `quantile_over_time(0.95, (max by (instance_id, uuid) ((${value}) * on (instance, domain) group_left (instance_id, uuid) ` +
  'max by (instance, domain, instance_id, uuid) (libvirt_domain_openstack_info or libvirt_domain_info_meta)))[1d:15m])'

/** Each gives one number for each server, with its id in one of `serverLabels`. */
const Queries = z.strictObject({
  cpuPercentOfOwn: Query.default(ofServer(cpuPercentOfOwn())).describe('percent of its own vCPUs, 0 to 100'),
  cpuPercentOfOwnOfDay: Optional.default(ofDay(cpuPercentOfOwn('15m'))).describe(
    'the same when it was busy in the last 24 hours; without it what servers use now counts for the day too',
  ),
  ageSeconds: Query.default(
    ofServer('max by (instance, domain) (time() - timestamp(libvirt_domain_info_cpu_time_seconds_total))'),
  ).describe('how long ago that was measured'),
  memoryUsedMiB: Optional.default(
    ofServer(
      `${sum('libvirt_domain_memory_stats_available_bytes')} / 1048576 - ${sum('libvirt_domain_memory_stats_usable_bytes')} / 1048576`,
    ),
  ).describe('as its guest sees it; without it all of its memory counts'),
  networkMbps: Optional.default(
    ofServer(
      `8e-6 * ${rate('libvirt_domain_interface_stats_receive_bytes_total')} + 8e-6 * ${rate('libvirt_domain_interface_stats_transmit_bytes_total')}`,
    ),
  ),
  diskIops: Optional.default(
    ofServer(
      `${rate('libvirt_domain_block_stats_read_requests_total')} + ${rate('libvirt_domain_block_stats_write_requests_total')}`,
    ),
  ),
})

/** Labels that may hold the id of a server; of several the first one that does. */
export const serverLabels = ['instance_id', 'uuid', 'instance_uuid', 'server_id', 'resource_id'] as const

/** Where the real use of servers is read. */
export const PrometheusConfig = z
  .strictObject({
    url: z.string().describe('of Prometheus, or of what answers like it; `/api/v1/query` is asked below it'),
    allowHttp: z.boolean().default(false).describe('http:// to another machine: whoever is on the way reads along'),
    tokenFile: z.string().optional().describe('file with a bearer token to show'),
    caFile: z.string().optional().describe('PEM of an authority of your own'),
    maxAgeSeconds: z.number().min(10).max(3_600).default(300).describe('what was measured longer ago is not counted'),
    queries: Queries.prefault({}).describe('PromQL, where your exporters have other names; `false`: not asked'),
  })
  .refine(({ url, allowHttp }) => refusalOfUrl(url, allowHttp) === undefined, {
    error: 'must be https://, or http:// on this machine or with allowHttp, without a login',
    path: ['url'],
  })
export type PrometheusConfig = z.infer<typeof PrometheusConfig>
