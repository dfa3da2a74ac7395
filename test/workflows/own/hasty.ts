import { defineRunbook, type Target, z } from 'steward/runbook'

/** Acts where nothing may be done yet, or on nothing that it names. */
export default defineRunbook({
  name: 'test-hasty',
  title: 'Acts too early',
  description: 'Stops a server before it holds a lease, or without naming it.',
  input: z.strictObject({ serverId: z.uuid(), how: z.enum(['in prepare', 'without targets']) }),
  risk: 'move',
  needs: { actions: ['server.stop'] },
  async prepare(run, { serverId, how }) {
    if (how === 'in prepare') await run.action('server.stop', { serverId })
  },
  targets: ({ serverId, how }): Target[] => (how === 'without targets' ? [] : [`server/${serverId}`]),
  async run(run, { serverId }) {
    await run.action('server.stop', { serverId })
    return { summary: 'stopped' }
  },
})
