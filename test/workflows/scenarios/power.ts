import type { Activities } from '../../../core/activities.ts'
import { failure } from '../../../core/errors.ts'
import type { PowerReading } from '../../../core/power.ts'
import { ago, reading } from '../lost-host.ts'
import { host } from './nova.ts'
import type { Did } from './scenario.ts'

interface PowerOptions {
  readonly from?: 'on' | 'off'
  readonly turned?: (to: 'on' | 'off') => void
}

/** The power of the host; as the real activities, a host that is as wanted is left alone. */
export function createPower(did: Did, { from = 'on', turned = () => undefined }: PowerOptions = {}) {
  let state: 'on' | 'off' = from
  function turn(to: 'on' | 'off') {
    const isNew = state !== to
    if (isNew) {
      did(`power ${to}`)
      state = to
      turned(to)
    }
    const readings: readonly [PowerReading, PowerReading] = [reading(to, 15, host), reading(to, 2, host)]
    return { isNew, askedAt: ago(31), readings, ...(isNew && { orderedAt: ago(30) }) }
  }
  return {
    isOff: () => state === 'off',
    activities: {
      lookAtPower: async () => reading(state, 0, host),
      async powerOff() {
        const { isNew, ...seen } = turn('off')
        return { outcome: isNew ? 'turned off' : 'was off', ...seen }
      },
      async powerOn() {
        const { isNew, ...seen } = turn('on')
        return { outcome: isNew ? 'turned on' : 'was on', ...seen }
      },
      async lookAtProcess() {
        throw failure('SSH_UNREACHABLE', 'no route to host')
      },
    } satisfies Partial<Activities>,
  }
}
