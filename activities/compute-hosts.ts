import { z } from 'zod'
import type { Activities } from '../core/activities.ts'
import { failure } from '../core/errors.ts'
import type { Session } from '../openstack/session.ts'
import { compare } from '../policies/placement.ts'
import type { Brake } from './brake.ts'
import { runRequestId, type Sessions } from './sessions.ts'

const Service = z.object({
  id: z.string(),
  host: z.string(),
  status: z.enum(['enabled', 'disabled']),
  disabled_reason: z.string().nullish(),
  state: z.enum(['up', 'down']).default('up'),
})

/** From this one on services have UUIDs and are changed by them. */
const microversion = '2.53'

/** Opens and closes hosts for new servers. What runs there goes on. */
export const createComputeHosts = (
  { forRemediation }: Pick<Sessions, 'forRemediation'>,
  brake: Brake,
): Pick<Activities, 'disableHost' | 'enableHost' | 'findDisabled'> => ({
  /**
   * Safe to repeat. One that somebody else has disabled is left as it is: it is theirs to open.
   * @throws HOST_UNKNOWN, STOPPED
   */
  async disableHost({ host, reason }) {
    const session = await forRemediation()
    const { id, status, disabled_reason } = await serviceOf(session, host)
    if (status === 'disabled') return { ours: disabled_reason === reason }
    await brake()
    await change(session, id, { status: 'disabled', disabled_reason: reason })
    return { ours: true }
  },

  /** Safe to repeat. One that is disabled for another reason by now is left as it is. @throws HOST_UNKNOWN, STOPPED */
  async enableHost({ host, reason }) {
    const session = await forRemediation()
    const { id, status, disabled_reason } = await serviceOf(session, host)
    if (status === 'enabled' || disabled_reason !== reason) return { enabled: false }
    await brake()
    await change(session, id, { status: 'enabled' })
    return { enabled: true }
  },

  async findDisabled({ reason }) {
    const services = await listed(await forRemediation())
    const ours = services.filter((one) => one.status === 'disabled' && one.disabled_reason === reason)
    return { hosts: ours.map(({ host }) => host).sort(compare) }
  },
})

/** The compute services of all hosts, or of one. */
export async function listed(session: Session, host?: string) {
  const query = { binary: 'nova-compute', ...(host !== undefined && { host }) }
  const compute = session.service('compute', { microversion })
  const services: z.infer<typeof Service>[] = []
  for await (const one of compute.pages('/os-services', 'services', Service, { query, requestId: runRequestId() }))
    services.push(one)
  return services
}

async function serviceOf(session: Session, host: string) {
  const found = (await listed(session, host)).find((one) => one.host === host)
  if (!found) throw failure('HOST_UNKNOWN', `Nova lists no nova-compute on ${host}`, { host })
  return found
}

const change = (session: Session, id: string, body: object) =>
  session.service('compute', { microversion }).request({
    ...{ method: 'PUT', path: `/os-services/${encodeURIComponent(id)}`, body },
    ...{ safeToRepeat: true, requestId: runRequestId() },
  })
