import type { Activities } from '../core/activities.ts'
import { listServices } from './nova-services.ts'
import type { Sessions } from './sessions.ts'

/** Looks around for people. Changes nothing. */
export const createEvidenceActivities = (sessions: Sessions): Pick<Activities, 'collectEvidence'> => ({
  /**
   * Reads the state of the host's services, and of those every host needs.
   * @throws DELEGATION_MISSING, CLOUD_UNREACHABLE (retried)
   */
  async collectEvidence({ host, lines }) {
    const services = await listServices(await sessions.forRemediation())
    const around = services.filter((service) => service.host === host || service.binary !== 'nova-compute')
    return { collectedAt: new Date().toISOString(), services: around, lines }
  },
})
