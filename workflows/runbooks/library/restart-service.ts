import { z } from 'zod'
import { failure } from '../../../core/errors.ts'
import { RestartService } from '../../../core/policy.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import { massOutage } from '../../../policies/confirm.ts'
import { mayReturn } from '../../../policies/host-maintenance.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { restartLease, restartUntilStable } from '../restart-service.ts'
import { findMigrations, lookAtHost, lookCalls } from './looks.ts'

const Input = z.strictObject({
  host: HostName.describe('where the service is'),
  binary: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/)
    .default('nova-compute')
    .describe('the service, as in the service list of Nova'),
  ...RestartService.shape,
})

/** What incidents do to a service that is down, for people to start by hand. */
export const restartService = defineRunbook({
  name: 'restart-service',
  title: 'Restart a service that is down',
  description:
    'Restarts one service of Nova over SSH if it is down, and waits until Nova has seen it up for a while; again if it goes down meanwhile, as often as allowed. One that is up is left alone. Refuses while half of the services of its kind look down, and while evacuations from the host are under way.',
  input: Input,
  risk: 'service',
  needs: {
    roles: ['admin'],
    calls: [...lookCalls.services, ...lookCalls.migrations],
    steps: ['lookAtService', 'lookAtProcess', 'restartService', 'awaitServiceUp'],
  },
  async prepare(run, { host, binary }) {
    if (binary !== 'nova-compute') return
    // a nova-compute that starts destroys what was evacuated from its host, whether the evacuation ends well or not
    const evacuations = await findMigrations(run, { migration_type: 'evacuation', source_compute: host })
    const { verdict, reason } = mayReturn({ ...(await lookAtHost(run, host)), isUp: false }, evacuations, {
      force: true,
    })
    if (verdict === 'refused') throw failure('HOST_UNFIT', reason, { host })
  },
  targets: (input) => restartLease(input).targets,
  expectedMinutes: (input) => restartLease(input).expectedMs / 60_000,
  async run(run, input) {
    if (!run.dryRun) return restartUntilStable(run, input)
    const { host, binary } = input
    const service = `${binary} on ${host}`
    const before = await run.quick(`Look at ${service}`).lookAtService({ host, binary })
    if (before.state === 'up') return { summary: `${service} is up and would be left alone` }
    const outage = massOutage(before)
    if (outage) throw failure('MASS_OUTAGE', outage, { host, ...before.company })
    await run.quick(`Restart ${service} over SSH`).restartService({ host, binary, before: null })
    return { summary: `${service} is down and would be restarted` }
  },
})
