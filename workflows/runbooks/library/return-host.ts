import { z } from 'zod'
import { failure } from '../../../core/errors.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import { mayReturn, type Return } from '../../../policies/host-maintenance.ts'
import type { ComputeService } from '../../../policies/nova-facts.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { forceDown, hostServiceNeeds } from './host-service.ts'
import { findMigrations, lookAtHost, lookCalls } from './looks.ts'

const Input = z.strictObject({
  host: HostName.describe('the host to open again'),
  force: z.boolean().default(false).describe('also one that somebody else has disabled: a person is asked'),
  withinSeconds: z.int().min(1).max(86_400).default(900).describe('longest wait for its nova-compute'),
})

/** Opens a host again that Steward has closed. */
export const returnHost = defineRunbook({
  name: 'return-host',
  title: 'Open a host again',
  description:
    'Lets a host back into service: waits until its nova-compute reports and has settled the evacuations from it, takes back that it was forced down, waits until it is up, and enables it. Refuses while evacuations from the host are under way, and hosts that somebody else has disabled, unless forced; then a person is asked.',
  input: Input,
  risk: 'service',
  needs: {
    roles: ['admin'],
    calls: [...lookCalls.services, ...lookCalls.migrations, ...hostServiceNeeds.calls],
    actions: ['compute-service.enable'],
  },
  prepare: (run, input) => look(run, input),
  targets: ({ host }) => [`host/${host}`],
  expectedMinutes: ({ withinSeconds }) => 5 + Math.ceil((3 * withinSeconds) / 60),
  async run(run, input) {
    const { host, withinSeconds } = input
    const { service, verdict } = await look(run, input)
    if (verdict.verdict !== 'closed') return { summary: `${verdict.reason} already` }
    run.note(`${host} is ${verdict.reason}`)
    if (verdict.isForeign)
      await run.ask(`Somebody else has disabled ${host}: ${service.disabledReason || 'no reason given'}. Enable it?`)
    if (service.isForcedDown) await letUp(run, input, service, verdict.unsettled)
    run.safePoint()
    await run.waitFor(`nova-compute on ${host} is up`, async () => (await lookAtHost(run, host)).isUp, {
      withinSeconds,
    })
    if (!service.isEnabled) await run.action('compute-service.enable', { serviceId: service.id })
    if (run.dryRun) return { summary: `${host} would be opened again` }
    const { isUp, isEnabled, isForcedDown } = await lookAtHost(run, host)
    if (!isUp || !isEnabled || isForcedDown)
      throw failure('RESULT_UNVERIFIED', `${host} is ${isEnabled ? '' : 'not '}enabled and ${isUp ? '' : 'not '}up`, {
        host,
      })
    return { summary: `${host} is up and enabled`, was: verdict.reason }
  },
})
type ReturnHost = z.output<typeof Input>

/** @throws HOST_UNKNOWN, HOST_UNFIT */
async function look(
  run: RunContext,
  { host, force }: ReturnHost,
): Promise<{ service: ComputeService; verdict: Exclude<Return, { verdict: 'refused' }> }> {
  const service = await lookAtHost(run, host)
  const verdict = mayReturn(service, await evacuationsFrom(run, host), { force })
  if (verdict.verdict === 'refused') throw failure('HOST_UNFIT', verdict.reason, { host })
  return { service, verdict: verdict as Exclude<Return, { verdict: 'refused' }> }
}

const evacuationsFrom = (run: RunContext, host: string) =>
  findMigrations(run, { migration_type: 'evacuation', source_compute: host })

/**
 * In this order, or Nova refuses, or worse: its service starts while the host is forced down, which settles what was
 * evacuated; then the host is let up.
 */
async function letUp(
  run: RunContext,
  { host, withinSeconds }: ReturnHost,
  { reportedAt }: ComputeService,
  unsettled: number,
): Promise<void> {
  await run.waitFor(
    `nova-compute on ${host} reports again`,
    // while a host is forced down Nova shows it as down, whatever it says: only the time of its report tells
    async () => (await lookAtHost(run, host)).reportedAt > reportedAt,
    { withinSeconds },
  )
  if (unsettled > 0)
    await run.waitFor(
      `nova-compute on ${host} has settled ${unsettled} evacuation(s)`,
      async () => (await evacuationsFrom(run, host)).every(({ status }) => status !== 'done'),
      { withinSeconds },
    )
  await forceDown(run, host, false)
}
