import { z } from 'zod'
import { RestartService } from '../../../core/policy.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { careFor, checkEvacuations, lookAt, restartLease, restartUntilStable } from '../restart-service.ts'

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
    'Restarts one service over SSH if it is down, and waits until it has been seen up for a while; again if it goes down meanwhile, as often as allowed. One that is up is left alone. Refuses while half of the services of its kind look down, while evacuations from the host are under way, and members of clusters that are not whole.',
  input: Input,
  risk: 'service',
  needs: {
    roles: ['admin'],
    steps: [
      ...['describeService', 'lookAtService', 'lookAtProcess', 'checkEvacuations', 'checkCluster'],
      ...['restartService', 'awaitServiceUp', 'awaitProcessUp', 'awaitCluster'],
    ],
  },
  async prepare(run, input) {
    const care = await careFor(run, input)
    await checkEvacuations(run, input)
    return care
  },
  targets: (input, care) => restartLease(input, care).targets,
  expectedMinutes: (input) => restartLease(input).expectedMs / 60_000,
  async run(run, input, care) {
    if (!run.dryRun) return restartUntilStable(run, input, care)
    const { host, binary } = input
    const service = `${binary} on ${host}`
    const { isDown } = await lookAt(run, { host, binary }, care)
    if (!isDown) return { summary: `${service} is up and would be left alone` }
    await run.quick(`Restart ${service} over SSH`).restartService({ host, binary, before: null })
    return { summary: `${service} is down and would be restarted` }
  },
})
