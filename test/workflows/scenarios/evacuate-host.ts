import { actionsOn, type Effect } from './actions.ts'
import { createNova, host } from './nova.ts'
import { createPower } from './power.ts'
import type { Scenario } from './scenario.ts'

/** The host stays closed on purpose, and what runs elsewhere stays there; locks are taken off again. */
export const scenario: Scenario = {
  input: { host, proof: 'ssh', evidence: 'no power', storage: 'volumes-only', maxServers: 10 },
  world(did) {
    const { readCloud, effects, service, servers } = createNova({ servers: 2, service: { state: 'down' } })
    const { activities, isOff } = createPower(did)
    const tooSoon: string[] = []
    const whenDead = ({ apply, ...effect }: Effect): Effect => ({
      ...effect,
      apply(input) {
        if (!isOff() || !service.forced_down) tooSoon.push('a server was started elsewhere while its host may live')
        return apply(input)
      },
    })
    const guarded = Object.fromEntries(
      Object.entries(effects).map(([what, effect]) => [what, what.startsWith('POST ') ? whenDead(effect) : effect]),
    )
    return {
      activities: {
        ...{ ...activities, ...actionsOn(guarded, did), readCloud },
        findRoom: async ({ serverIds }) => ({
          places: serverIds.map((serverId) => ({ serverId, host: 'compute2' })),
        }),
      },
      left: () => [...tooSoon, ...servers.flatMap(({ name, locked }) => (locked ? [`${name} is locked`] : []))],
    }
  },
}
