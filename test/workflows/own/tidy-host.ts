import { defineRunbook, type Target, z } from 'steward/runbook'

/** Stops one server of a host that an alert is about. */
export default defineRunbook({
  name: 'test-tidy-host',
  title: 'Tidy up',
  description: 'Stops one server of the host.',
  input: z.strictObject({ host: z.string(), serverId: z.uuid() }),
  risk: 'move',
  needs: { actions: ['server.stop'] },
  targets: ({ host }): Target[] => [`host/${host}`],
  async run(run, { host, serverId }) {
    await run.action('server.stop', { serverId })
    return { summary: `${host} is tidy` }
  },
})
