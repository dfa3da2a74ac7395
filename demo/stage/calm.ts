import { eventually } from './eventually.ts'
import { listServices } from './services.ts'
import type { Stage } from './stage.ts'

/**
 * Waits until all services are up and no incident of a dead one is open: a later death would join it, and not be told as
 * one of its own.
 */
export async function untilCalm(stage: Stage): Promise<void> {
  let left = ''
  await eventually(
    'all services to be up and their incidents to be over',
    async () => {
      const down = (await listServices(stage.olga)).filter(({ state }) => state !== 'up')
      const incidents = await Promise.all(
        stage.cloud.hosts.map(({ name }) => stage.incident('nova-compute-down', name, 0)),
      )
      const open = incidents.filter((incident) => incident && !incident.endedAt)
      left = [
        ...down.map(({ host, binary }) => `${binary} on ${host} is down`),
        ...open.map((incident) => `the incident on ${incident?.host} is ${incident?.state}`),
      ].join('; ')
      return left === ''
    },
    { seen: () => left },
  )
}
