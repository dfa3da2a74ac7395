import { z } from 'zod'
import { failure } from '../../core/errors.ts'
import type { IronicConfig, PowerState } from '../../core/power.ts'
import { clean } from '../../openstack/fault.ts'
import type { Session } from '../../openstack/session.ts'
import { runRequestId } from '../sessions.ts'
import { type Begin, type PowerControl, readingTime } from './control.ts'

/** Knows the target `soft power off` (from 1.27 on). */
const microversion = '1.38'

const Node = z.object({
  power_state: z.string().nullable(),
  target_power_state: z.string().nullable(),
  last_error: z.string().nullable(),
  maintenance: z.boolean(),
})
const fields = 'power_state,target_power_state,last_error,maintenance'

const states: Readonly<Record<string, 'on' | 'off'>> = { 'power on': 'on', 'power off': 'off' }

/**
 * By Ironic, with the rights of the standing delegation. What it shows is what it wrote down last, not what the BMC says
 * now: it asks each BMC once a minute, and those of nodes in maintenance not at all.
 *
 * @see https://docs.openstack.org/api-ref/baremetal/#change-node-power-state
 */
export function ironicControl(host: string, { node }: IronicConfig, session: () => Promise<Session>): PowerControl {
  const path = `/v1/nodes/${node}`
  const ironic = async () => (await session()).service('baremetal', { microversion })

  async function order(target: string, begin: Begin): Promise<void> {
    const client = await ironic()
    await begin()
    await client.request({ method: 'PUT', path: `${path}/states/power`, body: { target }, requestId: runRequestId() })
  }

  return {
    async look() {
      const at = readingTime()
      const client = await ironic()
      const seen = await client.get(path, Node, { query: { fields }, requestId: runRequestId() })
      const { power_state: now, target_power_state: target, last_error: error } = seen
      const unknown = (why: string) => failure('POWER_UNKNOWN', `node ${node} of ${host} ${why}`, { host, node })
      if (seen.maintenance) throw unknown('is in maintenance: Ironic does not look at its power')
      const state = now === null ? undefined : states[now]
      if (state === undefined) throw unknown(`has no power state that Ironic knows: ${clean(String(now), [], 50)}`)
      const heading = target === null ? undefined : (states[target] ?? (/off/.test(target) ? 'off' : 'on'))
      const said = [
        `power_state: ${now}`,
        target && `target: ${target}`,
        error && `last_error: ${clean(error, [], 300)}`,
      ]
      return {
        ...{ host, way: 'ironic', asked: `baremetal GET ${path}`, said: said.filter(Boolean).join('; ') },
        // while it is being changed, what is written down is what was
        state: (heading === undefined ? state : 'unknown') satisfies PowerState,
        ...(heading && { heading }),
        at,
      }
    },
    off: (how, begin) => order(how === 'hard' ? 'power off' : 'soft power off', begin),
    on: (begin) => order('power on', begin),
  }
}
