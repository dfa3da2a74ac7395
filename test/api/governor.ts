import { failure } from '../../core/errors.ts'
import { type GovernorState, type LeaseRequest, noState, type Verdict } from '../../core/governor.ts'
import type { StopState } from '../../core/stop.ts'
import type { Governor } from '../../temporal/governor.ts'
import type { StopButton } from '../../temporal/stop.ts'

const at = '2026-11-21T01:00:00.000Z'

/** A governor that gives a lease to whoever comes first, and forgets nothing. */
export function fakeGovernor(beginning: GovernorState = noState): Governor {
  let state = beginning
  const find = (id: string) => {
    const found = state.leases.find(({ request }) => request.id === id)
    if (found) return found
    throw failure('LEASE_NOT_FOUND', `there is no lease ${id}`)
  }
  const decide = (request: LeaseRequest): Verdict => {
    const holder = state.leases.find((lease) => lease.request.targets.some((one) => request.targets.includes(one)))
    const answer = { requestId: request.id, at, rulings: [] }
    if (!holder) return { ...answer, says: 'granted', reason: request.why }
    const { by, why, targets } = holder.request
    return { ...answer, says: 'refused', code: 'TARGET_BUSY', reason: `${targets[0]} is held by ${by}: ${why}` }
  }
  return {
    configure: async () => undefined,
    state: async () => state,
    consult: async (request) => decide(request),
    request: async (request) => decide(request),
    giveBack: async () => undefined,
    report: async () => undefined,
    async setMode(setting) {
      const others = state.modes.filter(({ scope }) => scope !== setting.scope)
      state = { ...state, modes: [...others, { ...setting, at }] }
    },
    async clearMode(scope) {
      state = { ...state, modes: state.modes.filter((mode) => mode.scope !== scope) }
    },
    async hold(request) {
      const verdict = decide(request)
      if (verdict.says === 'granted') state = { ...state, leases: [...state.leases, { request, grantedAt: at }] }
      return verdict
    },
    async extend(id, expectedMs) {
      const lease = find(id)
      const longer = { ...lease, request: { ...lease.request, expectedMs } }
      state = { ...state, leases: state.leases.map((one) => (one === lease ? longer : one)) }
    },
    async release(id) {
      const lease = find(id)
      state = { ...state, leases: state.leases.filter((one) => one !== lease) }
    },
  }
}

/** A stop button that one press keeps pressed. */
export function fakeStop(): StopButton {
  let pressed: StopState | undefined
  return {
    show: async () => pressed,
    async press(who) {
      pressed ??= { ...who, at, source: 'api' }
      return pressed
    },
    async resume() {
      const was = pressed
      pressed = undefined
      return was
    },
  }
}
