import { patched } from '@temporalio/workflow'
import { z } from 'zod'
import { failure } from '../../../core/errors.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import { mayReturn } from '../../../policies/host-maintenance.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { assertDead, assertDown, deathNeeds, witnesses } from './death.ts'
import { serversOn } from './drain-host.ts'
import { fence, fenceNeeds } from './fence.ts'
import { closeHost } from './host-service.ts'
import { findMigrations, lookAtHost, lookCalls } from './looks.ts'

const Host = {
  host: HostName.describe('the host'),
  reason: z.string().trim().min(1).max(200).describe('stands beside the disabled service'),
}

/** Makes certain that a lost host is off, and leaves it so. */
export const fenceHost = defineRunbook({
  name: 'fence-host',
  title: 'Make certain that a lost host is off',
  description:
    'For a host that Nova has lost and that a second source calls dead: cuts its power and proves it, forces its service down and disables it. Its servers are left as they are, see evacuate-host. Refuses while the host or half of all hosts may only be silent.',
  input: z.strictObject({
    ...Host,
    proof: z.enum(witnesses).describe('who besides Nova says that the host is dead'),
  }),
  risk: 'destructive',
  needs: {
    roles: ['admin'],
    calls: [...fenceNeeds.calls],
    actions: [...fenceNeeds.actions],
    steps: [...new Set([...deathNeeds.steps, ...fenceNeeds.steps])],
  },
  async prepare(run, { host }) {
    const service = await assertDown(run, host)
    await run.quick(`Look at the power of ${host}`).lookAtPower({ host })
    return service
  },
  targets: ({ host }) => [`host/${host}`],
  async run(run, { host, proof, reason }, service) {
    const death = await assertDead(run, { host, proof }, service)
    run.safePoint()
    const off = await fence(run, { runbook: 'fence-host', host, reason })
    return { summary: `${host} ${run.dryRun ? 'would be' : 'is'} off, forced down and disabled`, death, fence: off }
  },
})

const powerWithinSeconds = 600

/** Turns an empty host off and on again. */
export const powerCycleHost = defineRunbook({
  name: 'power-cycle-host',
  title: 'Turn a host off and on again',
  description:
    'Disables a host, turns it off and on, waits until its nova-compute is up again, and enables it if this run had disabled it. Refuses a host with servers on it; unless that is allowed, and then a person is asked: Nova leaves servers off after the start of their host. Refuses while evacuations from the host are under way.',
  input: z.strictObject({
    ...Host,
    onlyIfEmpty: z
      .boolean()
      .default(true)
      .describe('false: servers on it are turned off with it, and a person is asked'),
    how: z.enum(['graceful', 'hard']).default('graceful'),
    withinSeconds: z.int().min(1).max(86_400).default(1800).describe('longest wait for its nova-compute'),
  }),
  risk: 'destructive',
  needs: {
    roles: ['admin'],
    calls: [...fenceNeeds.calls, ...lookCalls.migrations, 'compute GET /servers'],
    actions: [...fenceNeeds.actions],
    steps: [...fenceNeeds.steps, 'powerOn'],
  },
  prepare: (run, { host, onlyIfEmpty }) => assertMayCycle(run, host, onlyIfEmpty),
  targets: ({ host }) => [`host/${host}`],
  expectedMinutes: ({ withinSeconds }) => Math.ceil((withinSeconds + 2 * powerWithinSeconds) / 60),
  async run(run, { host, reason, onlyIfEmpty, how, withinSeconds }) {
    const isOurs = await closeHost(run, { runbook: 'power-cycle-host', host, why: reason })
    // nothing can arrive any more
    const count = await assertMayCycle(run, host, onlyIfEmpty)
    if (count > 0) await run.ask(`${count} server(s) run on ${host} and would be turned off with it. Go on?`)
    run.safePoint()
    const limitMs = (powerWithinSeconds + 60) * 1000
    const turnOn = () => run.patient(`Turn ${host} on`, limitMs).powerOn({ host, withinSeconds: powerWithinSeconds })
    // one that began before this was thought of goes on as it began
    if (patched('a-host-is-not-left-off')) run.undo(`turning ${host} off`, turnOn)
    await run.patient(`Turn ${host} off`, limitMs).powerOff({ host, how, withinSeconds: powerWithinSeconds })
    const { id, reportedAt } = await lookAtHost(run, host)
    await turnOn()
    await run.waitFor(
      `nova-compute on ${host} is up again`,
      async () => {
        const now = await lookAtHost(run, host)
        // one that is forced down is shown as down whatever it says; `return-host` lets it up
        return (now.isUp || now.isForcedDown) && now.reportedAt > reportedAt
      },
      { withinSeconds },
    )
    if (isOurs) await run.action('compute-service.enable', { serviceId: id })
    if (run.dryRun) return { summary: `${host} would be turned off and on` }
    return { summary: `${host} was turned off and on, and is up${isOurs ? ' and enabled' : ''}` }
  },
})

/** Gives how many servers are on it. @throws HOST_UNFIT */
async function assertMayCycle(run: RunContext, host: string, onlyIfEmpty: boolean): Promise<number> {
  await run.quick(`Look at the power of ${host}`).lookAtPower({ host })
  const service = await lookAtHost(run, host)
  const evacuations = await findMigrations(run, { migration_type: 'evacuation', source_compute: host })
  const { verdict, reason } = mayReturn({ ...service, isUp: false }, evacuations, { force: true })
  if (verdict === 'refused') throw failure('HOST_UNFIT', reason, { host })
  const servers = await serversOn(run, host)
  if (onlyIfEmpty && servers.length > 0) {
    const names = servers.slice(0, 5).map(({ name }) => name)
    throw failure(
      'HOST_UNFIT',
      `${host} is not empty: ${servers.length} server(s) are on it, such as ${names.join(', ')}`,
      { host },
    )
  }
  return servers.length
}
