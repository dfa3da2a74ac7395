import { actionsOn } from './actions.ts'
import { scenario as asking } from './ask-person.ts'
import { idOf, type Scenario } from './scenario.ts'

const servers = [1, 2].map((n) => ({ id: idOf(n), name: `web-${n}`, status: 'ACTIVE', locked: false }))

/** The declarative runbook of `examples/runbooks`, whose interpreter is Steward's. */
export const scenario: Scenario = {
  input: { servers: servers.map(({ id }) => id), atOnce: 1 },
  world: (did) => ({
    activities: {
      ...actionsOn({ 'server.reboot': { apply: () => undefined } }, did),
      readCloud: async ({ path }) => {
        const one = servers.find(({ id }) => path === `/servers/${id}`)
        return {
          status: 200,
          body: one ? { server: { ...one } } : { servers: servers.map((server) => ({ ...server })) },
        }
      },
    },
    left: () => [],
  }),
  ...(asking.meanwhile && { meanwhile: asking.meanwhile }),
}
