import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PrometheusConfig } from '../../core/prometheus.ts'
import { outcome } from './parsers.ts'

const { queries } = PrometheusConfig.parse({ url: 'https://prometheus.example' })
const absent = spawnSync('promtool', ['--version']).error !== undefined
const mib = 1_048_576

/** One domain as an exporter of libvirt shows it, every 15 s for ten minutes; what its CPU did ends a minute earlier. */
const exported = (own: string, nic: string) =>
  Object.entries({
    [`libvirt_domain_info_cpu_time_seconds_total{${own}}`]: '0+6x36',
    [`libvirt_domain_info_virtual_cpus{${own}}`]: '2x40',
    [`libvirt_domain_memory_stats_available_bytes{${own}}`]: `${2048 * mib}x40`,
    [`libvirt_domain_memory_stats_usable_bytes{${own}}`]: `${1148 * mib}x40`,
    [`libvirt_domain_interface_stats_receive_bytes_total{${own},target_device="tap1"}`]: '0+15000000x40',
    [`libvirt_domain_interface_stats_receive_bytes_total{${own},target_device="${nic}"}`]: '0+15000000x40',
    [`libvirt_domain_interface_stats_transmit_bytes_total{${own},target_device="tap1"}`]: '0+15000000x40',
    [`libvirt_domain_block_stats_read_requests_total{${own},target_device="vda"}`]: '0+150x40',
    [`libvirt_domain_block_stats_read_requests_total{${own},target_device="vdb"}`]: '0+300x40',
    [`libvirt_domain_block_stats_write_requests_total{${own},target_device="vda"}`]: '0+150x40',
  }).map(([series, values]) => ({ series, values }))

const ofDomain = (n: number) => `domain="instance-${n}",instance="compute${n}:9177"`
const info = [
  { series: `libvirt_domain_openstack_info{${ofDomain(1)},instance_id="s-1",instance_name="web"}`, values: '1x40' },
  { series: `libvirt_domain_info_meta{${ofDomain(2)},uuid="s-2",flavor="m1"}`, values: '1x40' },
]

describe.skipIf(absent)('the built-in queries, evaluated by promtool (Debian: prometheus)', () => {
  it.each([
    ['cpuPercentOfOwn', queries.cpuPercentOfOwn, '9m', 20],
    ['ageSeconds', queries.ageSeconds, '10m', 60],
    ['memoryUsedMiB', queries.memoryUsedMiB, '10m', 900],
    ['networkMbps', queries.networkMbps, '10m', 24],
    ['diskIops', queries.diskIops, '10m', 40],
  ])('%s gives one figure for each server, whichever exporter it is', async (_name, expr, eval_time, value) => {
    const exp_samples = [
      { labels: `{${ofDomain(1)},instance_id="s-1"}`, value },
      { labels: `{${ofDomain(2)},uuid="s-2"}`, value },
    ]
    const input_series = [...exported(ofDomain(1), 'tap2'), ...exported(ofDomain(2), 'tap3'), ...info]
    await holds({ interval: '15s', input_series, expr, eval_time, exp_samples })
  })

  it('cpuPercentOfOwnOfDay is what a server used when busy, and goes with it to another host', async () => {
    const cpuTime = (own: string, values: string) => ({
      series: `libvirt_domain_info_cpu_time_seconds_total{${own}}`,
      values,
    })
    const vcpus = (own: string, values: string) => ({ series: `libvirt_domain_info_virtual_cpus{${own}}`, values })
    const other = 'domain="instance-7",instance="compute9:9177"'
    const info = (own: string, values: string) => ({
      series: `libvirt_domain_openstack_info{${own},instance_id="s-1",instance_name="web"}`,
      values,
    })
    // every five minutes: half a day at 80 % on one host, then at 10 % on another; the other server has half an hour at 100 %
    const input_series = [
      cpuTime(ofDomain(1), '0+480x144 stale'),
      vcpus(ofDomain(1), '2x144 stale'),
      info(ofDomain(1), '1x144 stale'),
      cpuTime(other, '_x145 0+60x150'),
      vcpus(other, '_x145 2x150'),
      info(other, '_x145 1x150'),
      cpuTime(ofDomain(2), '0+30x200 6600+600x6 10200+30x90'),
      vcpus(ofDomain(2), '2x300'),
      { series: `libvirt_domain_info_meta{${ofDomain(2)},uuid="s-2",flavor="m1"}`, values: '1x300' },
    ]
    const exp_samples = [
      { labels: '{instance_id="s-1"}', value: 80 },
      { labels: '{uuid="s-2"}', value: 5 },
    ]
    const expr = String(queries.cpuPercentOfOwnOfDay)
    await holds({ interval: '5m', input_series, expr, eval_time: '24h', exp_samples })
  })
})

interface Evaluated {
  readonly interval: string
  readonly input_series: readonly object[]
  readonly expr: string | false
  readonly eval_time: string
  readonly exp_samples: readonly object[]
}

async function holds({ interval, input_series, expr, eval_time, exp_samples }: Evaluated): Promise<void> {
  const promql_expr_test = [{ expr: `round(${expr}, 0.001)`, eval_time, exp_samples }]
  const folder = await mkdtemp(join(tmpdir(), 'steward-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'queries.yml')
  const tests = [{ interval, input_series, promql_expr_test }]
  await writeFile(file, JSON.stringify({ rule_files: [], evaluation_interval: '1m', tests }))
  const { code, stdout, stderr } = await outcome('promtool', ['test', 'rules', file])
  expect(code, stdout + stderr).toBe(0)
}
