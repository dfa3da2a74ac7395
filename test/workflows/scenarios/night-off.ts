import { actionsOn } from './actions.ts'
import { idOf, type Scenario } from './scenario.ts'

const servers = [idOf(1), idOf(2), idOf(3)]

/** Servers that are all on, or all off, in the beginning. */
export const powering = (from: 'on' | 'off'): Scenario => ({
  input: { servers, atOnce: 1 },
  world(did) {
    const power = new Map<unknown, 'on' | 'off'>(servers.map((id) => [id, from]))
    const turning = (to: 'on' | 'off') => ({
      isDone: ({ serverId }: { readonly serverId?: unknown }) => power.get(serverId) === to,
      apply: ({ serverId }: { readonly serverId?: unknown }) => void power.set(serverId, to),
    })
    return {
      activities: actionsOn({ 'server.stop': turning('off'), 'server.start': turning('on') }, did),
      left: () => servers.filter((id) => power.get(id) !== from).map((id) => `${id} is ${power.get(id)}`),
    }
  },
})

export const scenario = powering('on')
