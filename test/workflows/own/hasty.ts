import { defineRunbook, type Target, z } from 'steward/runbook'

/** Acts where nothing may be done yet, or on nothing that it names, or as it has not declared. */
export default defineRunbook({
  name: 'test-hasty',
  title: 'Acts too early',
  description: 'Stops a server before it holds a lease, or without naming it.',
  input: z.strictObject({
    serverId: z.uuid(),
    how: z.enum(['in prepare', 'without targets', 'undeclared', 'unchecked', 'for words']),
  }),
  risk: 'move',
  needs: { actions: ['server.stop'] },
  async prepare(run, { serverId, how }) {
    if (how === 'in prepare') await run.action('server.stop', { serverId })
  },
  targets: ({ serverId, how }): Target[] => (how === 'without targets' ? [] : [`server/${serverId}`]),
  async run(run, { serverId, how }) {
    const other = how === 'undeclared' ? 'server.start' : 'server.stop'
    if (how === 'for words') await run.sleep('20s' as never, 'a while')
    await run.action(other, how === 'unchecked' ? { serverId: 7 } : { serverId })
    return { summary: 'stopped' }
  },
})
