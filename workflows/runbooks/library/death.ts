import { codeOf, failure, messageOf } from '../../../core/errors.ts'
import { whyNotDown } from '../../../policies/evacuation.ts'
import type { ComputeService } from '../../../policies/nova-facts.ts'
import type { RunContext } from '../../sdk/context.ts'
import { findServices, lookCalls } from './looks.ts'

/** Who besides Nova has to say that a host is dead, before its power is cut. */
export const witnesses = ['power', 'ssh', 'person'] as const
export type Witness = (typeof witnesses)[number]

/** What runbooks declare that find out whether a host is dead. */
export const deathNeeds = { calls: [...lookCalls.services], steps: ['lookAtPower', 'lookAtProcess'] } as const

/** A nova-compute reports every ten seconds. */
const silenceSeconds = 30

/**
 * Nova's own word: down, and not with half of the others, which would be the fault of something else. One that was forced
 * down is listened to for a while, since Nova shows it as down whatever it says.
 *
 * @throws HOST_UNKNOWN, HOST_UNFIT, MASS_OUTAGE, HOST_CAME_BACK
 */
export async function assertDown(run: RunContext, host: string, before?: ComputeService): Promise<ComputeService> {
  const services = await findServices(run)
  const doubt = whyNotDown(services, host, before)
  if (doubt) throw failure(doubt.code, `${host} is not given up: ${doubt.why}`, { host })
  return services.find((service) => service.host === host) as ComputeService
}

/**
 * Nova only says that nova-compute is silent. Another source must say that the host is: nothing else is proof enough to cut
 * its power, since servers may run well there.
 *
 * @throws DEATH_UNPROVED it lives, or nobody can tell; RUN_REFUSED
 */
export async function assertDead(
  run: RunContext,
  { host, proof }: { readonly host: string; readonly proof: Witness },
  service: ComputeService,
): Promise<string> {
  if (service.isForcedDown) await run.sleep(silenceSeconds, `whether ${host}, which is forced down, still reports`)
  await assertDown(run, host, service)
  const said = await wordOf[proof](run, host)
  run.note(said)
  return said
}

const unproved = (host: string, why: string) => failure('DEATH_UNPROVED', `${host} is not given up: ${why}`, { host })

const wordOf: Readonly<Record<Witness, (run: RunContext, host: string) => Promise<string>>> = {
  async power(run, host) {
    const { state, said, at } = await run.quick(`Look at the power of ${host}`).lookAtPower({ host })
    if (state !== 'off') throw unproved(host, `its power is ${state} (${said})`)
    return `its BMC read it as off at ${at} (${said})`
  },
  async ssh(run, host) {
    try {
      const process = await run.once(`Look whether ${host} answers`).lookAtProcess({ host, binary: 'nova-compute' })
      if (process === null) throw unproved(host, 'no command of steward.yaml shows whether it answers by SSH')
    } catch (error) {
      if (codeOf(error) === 'SSH_UNREACHABLE') return `it does not answer by SSH: ${messageOf(error)}`
      // whatever else went wrong, something there has answered, or nobody can tell
      if (codeOf(error) === 'DEATH_UNPROVED' || codeOf(error) === undefined) throw error
      throw unproved(host, `nobody can tell by SSH (${codeOf(error)}: ${messageOf(error)})`)
    }
    throw unproved(host, 'it answers by SSH: restart its nova-compute instead')
  },
  async person(run, host) {
    const question = `Nova has lost ${host}. Is it certain that it is dead, and may its power be cut?`
    const { by } = await run.ask(question)
    return `${by} says that it is dead`
  },
}
