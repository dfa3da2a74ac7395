import type { PrometheusConfig } from '../core/prometheus.ts'
import type { MeasuredUse } from '../policies/planner/cloud-reading.ts'
import { measuredUse } from '../policies/planner/measured-use.ts'
import type { Prometheus } from './prometheus.ts'

/** What servers really use now. @throws METRICS_UNREACHABLE (retried), METRICS_REFUSED, SNAPSHOT_INCOMPLETE */
export type ReadUse = (signal?: AbortSignal) => Promise<MeasuredUse>

export const createUseReader =
  (prometheus: Prometheus, { queries, maxAgeSeconds }: Pick<PrometheusConfig, 'queries' | 'maxAgeSeconds'>): ReadUse =>
  async (signal) => {
    const of = async (query: string | false) =>
      query === false ? new Map<string, number>() : prometheus.perServer(query, signal)
    const [cpuPercentOfOwn, cpuPercentOfOwnOfDay, ageSeconds, memoryUsedMiB, networkMbps, diskIops] = await Promise.all(
      [
        of(queries.cpuPercentOfOwn),
        of(queries.cpuPercentOfOwnOfDay),
        of(queries.ageSeconds),
        of(queries.memoryUsedMiB),
        of(queries.networkMbps),
        of(queries.diskIops),
      ],
    )
    const isDayAsked = queries.cpuPercentOfOwnOfDay !== false
    return measuredUse(
      {
        ...{ cpuPercentOfOwn, ageSeconds, memoryUsedMiB, networkMbps, diskIops },
        ...(isDayAsked && { cpuPercentOfOwnOfDay }),
      },
      maxAgeSeconds,
    )
  }
