import { actionsOn } from './actions.ts'
import { createNova } from './nova.ts'
import { idOf, type Scenario } from './scenario.ts'

/** A live migration, which is aborted unless it has arrived. */
export const scenario: Scenario = {
  input: { serverId: idOf(1), to: 'compute2' },
  world(did) {
    const { readCloud, effects, migrations } = createNova({ servers: 1 })
    return {
      activities: { ...actionsOn(effects, did), readCloud },
      left: () => migrations.flatMap(({ id, status }) => (status === 'running' ? [`migration ${id} goes on`] : [])),
    }
  },
}
