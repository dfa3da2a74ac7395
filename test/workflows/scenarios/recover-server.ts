import { actionsOn } from './actions.ts'
import { createNova } from './nova.ts'
import { idOf, type Scenario } from './scenario.ts'

/** A server that is stuck in a reboot, and off; what has brought it back is not taken back. */
export const scenario: Scenario = {
  input: { serverId: idOf(1) },
  world(did) {
    const stuck = { 'OS-EXT-STS:task_state': 'rebooting', 'OS-EXT-STS:power_state': 4 }
    const nova = createNova({ servers: 1, server: stuck })
    const sets = (facts: object) => ({ apply: () => void Object.assign(nova.servers[0] ?? {}, facts) })
    const actions = [{ action: 'reboot', start_time: '2026-11-20T10:00:00.000000', message: null }]
    return {
      activities: {
        ...actionsOn(
          {
            'server.reset-state': {
              isDone: () => nova.servers[0]?.['OS-EXT-STS:task_state'] === null,
              ...sets({ 'OS-EXT-STS:task_state': null }),
            },
            'server.reset': sets({ 'OS-EXT-STS:power_state': 1 }),
          },
          did,
        ),
        readCloud: async (call) =>
          call.path.endsWith('/os-instance-actions')
            ? { status: 200, body: { instanceActions: actions } }
            : nova.readCloud(call),
      },
      left: () => [],
    }
  },
}
