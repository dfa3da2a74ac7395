import { z } from 'zod'
import { failure } from '../../../core/errors.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import { isOwnReason } from '../../../policies/host-maintenance.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { serversOn } from './drain-host.ts'
import { findMigrations, lookAtHost, lookCalls } from './looks.ts'

const powerWithinSeconds = 600
const limitMs = (powerWithinSeconds + 60) * 1000
const listServers = 'compute GET /servers'

/** Turns off a host that a plan or a drain has emptied. */
export const sleepHost = defineRunbook({
  name: 'sleep-host',
  title: 'Turn off a host that was emptied',
  description:
    'Turns a host off that Steward has emptied and disabled, so that it draws no power until wake-host. Refuses a host with servers on it, one that is enabled or that somebody else has disabled, and one to or from which servers are on their way.',
  input: z.strictObject({ host: HostName.describe('the host') }),
  risk: 'destructive',
  needs: {
    roles: ['admin'],
    calls: [...lookCalls.services, ...lookCalls.migrations, listServers],
    steps: ['lookAtPower', 'powerOff'],
  },
  prepare: (run, { host }) => assertMaySleep(run, host),
  targets: ({ host }) => [`host/${host}`],
  async run(run, { host }) {
    // somebody may have put a server there, or opened it, while this waited for its lease
    await assertMaySleep(run, host)
    run.safePoint()
    await run
      .patient(`Turn ${host} off`, limitMs)
      .powerOff({ host, how: 'graceful', withinSeconds: powerWithinSeconds })
    return { summary: `${host} ${run.dryRun ? 'would be turned off' : 'is off, and stays disabled'}` }
  },
})

/** Turns it on again and gives it back to the scheduler. */
export const wakeHost = defineRunbook({
  name: 'wake-host',
  title: 'Turn on a host that sleeps',
  description:
    'Turns a host on, waits until its nova-compute is up, and enables it if it was Steward that had disabled it. One that is up already is only enabled.',
  input: z.strictObject({
    host: HostName.describe('the host'),
    withinSeconds: z.int().min(1).max(86_400).default(1800).describe('longest wait for its nova-compute'),
  }),
  risk: 'service',
  needs: {
    roles: ['admin'],
    calls: [...lookCalls.services],
    actions: ['compute-service.enable'],
    steps: ['lookAtPower', 'powerOn'],
  },
  async prepare(run, { host }) {
    await lookAtHost(run, host)
    await run.quick(`Look at the power of ${host}`).lookAtPower({ host })
  },
  targets: ({ host }) => [`host/${host}`],
  expectedMinutes: ({ withinSeconds }) => Math.ceil((withinSeconds + powerWithinSeconds) / 60),
  async run(run, { host, withinSeconds }) {
    const isOurs = await wake(run, host, withinSeconds)
    if (run.dryRun) return { summary: `${host} would be turned on` }
    return { summary: `${host} is up${isOurs ? ' and enabled' : ''}` }
  },
})

/** Says whether it was enabled: one that somebody else has disabled stays so. @throws RUN_TIMED_OUT, what `powerOn` throws */
export async function wake(run: RunContext, host: string, withinSeconds: number): Promise<boolean> {
  await run.patient(`Turn ${host} on`, limitMs).powerOn({ host, withinSeconds: powerWithinSeconds })
  await run.waitFor(`nova-compute on ${host} is up`, async () => (await lookAtHost(run, host)).isUp, { withinSeconds })
  const { id: serviceId, isEnabled, disabledReason } = await lookAtHost(run, host)
  const isOurs = !isEnabled && isOwnReason(disabledReason)
  if (isOurs) await run.action('compute-service.enable', { serviceId })
  else if (!isEnabled) run.note(`${host} stays disabled: ${disabledReason || 'somebody gave no reason'}`)
  return isOurs
}

/** @throws HOST_UNFIT, POWER_NOT_CONFIGURED */
async function assertMaySleep(run: RunContext, host: string): Promise<void> {
  const refuse = (why: string) => failure('HOST_UNFIT', `${host} ${why}`, { host })
  const { isEnabled, disabledReason } = await lookAtHost(run, host)
  if (isEnabled) throw refuse('is enabled: drain it, or carry out a plan that empties it, first')
  if (!isOwnReason(disabledReason))
    throw refuse(`was disabled by somebody else, for "${disabledReason}": they may want it on`)
  const servers = await serversOn(run, host)
  if (servers.length > 0)
    throw refuse(`is not empty: ${servers.length} server(s) are on it, such as ${servers[0]?.name}`)
  const ended = new Set(['completed', 'done', 'error', 'failed', 'cancelled', 'confirmed', 'reverted'])
  const moves = await findMigrations(run, { source_compute: host })
  const open = moves.find(({ status }) => !ended.has(status))
  if (open) throw refuse(`has a migration under way: that of ${open.serverId}`)
  await run.quick(`Look at the power of ${host}`).lookAtPower({ host })
}
