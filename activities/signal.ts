import { Context } from '@temporalio/activity'
import type { Activities } from '../core/activities.ts'
import { failure } from '../core/errors.ts'
import type { Prometheus } from './prometheus.ts'

/** What a price, a carbon intensity or a share of renewable energy says now. */
export const createSignals = (prometheus: Pick<Prometheus, 'number'> | undefined): Pick<Activities, 'readSignal'> => ({
  /** Reads only. @throws METRICS_REFUSED there is no Prometheus, or it gives no number; METRICS_UNREACHABLE (retried) */
  async readSignal({ query }) {
    if (!prometheus)
      throw failure('METRICS_REFUSED', 'steward.yaml says of no Prometheus where it is (`prometheus.url`)')
    return { value: await prometheus.number(query, Context.current().cancellationSignal) }
  },
})
