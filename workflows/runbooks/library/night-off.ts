import { z } from 'zod'
import type { Target } from '../../../core/governor.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { failedOnes, inNumbers } from '../../sdk/outcomes.ts'

const Servers = z.strictObject({
  servers: z.array(z.uuid()).min(1).max(500).describe('ids of the servers'),
  atOnce: z.int().min(1).max(50).default(5).describe('how many at the same time, after the first one went well'),
})

interface Half {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly action: 'server.stop' | 'server.start'
  readonly undo: 'server.start' | 'server.stop'
  readonly done: string
}

/** Both halves do the same with other words. */
const half = ({ name, title, description, action, undo, done }: Half) =>
  defineRunbook({
    name,
    title,
    description,
    input: Servers,
    risk: 'move',
    needs: { roles: ['member'], actions: [action, undo] },
    targets: ({ servers }) => servers.map((id): Target => `server/${id}`),
    async run(run: RunContext, { servers, atOnce }) {
      const outcomes = await run.forEach(servers, { atOnce, mayFail: servers.length }, async (serverId) => {
        const { already } = await run.action(action, { serverId })
        // one that was so already is not ours to take back
        if (!already) run.undo(`${undo} ${serverId}`, () => run.action(undo, { serverId }))
      })
      return { summary: `${inNumbers(outcomes)} ${done}`, failed: failedOnes(outcomes) }
    },
  })

/** Stops servers for the night; one that is off already is left alone. */
export const nightOff = half({
  name: 'night-off',
  title: 'Stop servers for the night',
  description:
    'Stops the servers named, the first one alone and the others some at a time. Servers that are off already are left alone; one that cannot be stopped does not keep the others from it.',
  action: 'server.stop',
  undo: 'server.start',
  done: 'stopped',
})

/** The other half of `night-off`. */
export const morningOn = half({
  name: 'morning-on',
  title: 'Start servers in the morning',
  description:
    'Starts the servers named, the first one alone and the others some at a time. Servers that run already are left alone; one that cannot be started does not keep the others from it.',
  action: 'server.start',
  undo: 'server.stop',
  done: 'started',
})
