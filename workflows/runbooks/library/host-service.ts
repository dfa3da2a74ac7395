import { failure } from '../../../core/errors.ts'
import { type Closer, ownReason } from '../../../policies/host-maintenance.ts'
import type { RunContext } from '../../sdk/context.ts'
import { lookAtHost } from './looks.ts'

/** What runbooks declare that close hosts or open them. */
export const hostServiceNeeds = {
  calls: ['compute PUT /os-services/{service}'],
  actions: ['compute-service.disable', 'compute-service.enable'],
} as const

export interface Closing {
  readonly runbook: Closer
  readonly host: string
  readonly why: string
  /** Not opened again, whatever becomes of the run. */
  readonly forGood?: true
}

/**
 * Has the scheduler leave a host out, and opens it again if the run fails and nobody has closed it for another reason since.
 * One that is disabled already is left as it is. Gives whether it was this run that closed it.
 */
export async function closeHost(run: RunContext, { runbook, host, why, forGood }: Closing): Promise<boolean> {
  const { id: serviceId, isEnabled, disabledReason } = await lookAtHost(run, host)
  const reason = ownReason(runbook, why)
  if (!isEnabled) {
    run.note(`${host} is disabled already${disabledReason && `: ${disabledReason}`}`)
    return false
  }
  if (!forGood)
    run.undo(`disabling ${host}`, async () => {
      const now = await lookAtHost(run, host)
      if (!now.isEnabled && now.disabledReason === reason) await run.action('compute-service.enable', { serviceId })
    })
  await run.action('compute-service.disable', { serviceId, reason })
  return true
}

/** Tells Nova that the service is down, or no more, whatever it reports itself. */
export async function forceDown(run: RunContext, host: string, isDown: boolean): Promise<void> {
  const { id, isForcedDown } = await lookAtHost(run, host)
  if (isForcedDown === isDown) return
  await run.call({
    service: 'compute',
    method: 'PUT',
    path: `/os-services/${id}`,
    body: { forced_down: isDown },
    microversion: '2.53',
  })
  if (run.dryRun) return
  if ((await lookAtHost(run, host)).isForcedDown !== isDown)
    throw failure('RESULT_UNVERIFIED', `Nova does not show that ${host} is ${isDown ? '' : 'no longer '}forced down`, {
      host,
    })
}
