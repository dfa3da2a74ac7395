import { codeOf, defineRunbook, type Target, z } from 'steward/runbook'

/** Restarts a server, well or in one of the ways in which it goes wrong. */
export default defineRunbook({
  name: 'hasty-restart',
  title: 'Restart a server',
  description: 'Restarts a server, well or in one of the ways in which it goes wrong.',
  input: z.strictObject({ serverId: z.uuid(), how: z.enum(['well', 'without looking', 'twice']) }),
  risk: 'move',
  needs: {
    roles: ['member'],
    calls: ['compute GET /servers/{server}', 'compute POST /servers/{server}/action'],
    actions: ['server.reboot'],
  },
  targets: ({ serverId }): Target[] => [`server/${serverId}`],
  async run(run, { serverId, how }) {
    const path = `/servers/${serverId}/action`
    const reboot = () => run.call({ service: 'compute', method: 'POST', path, body: { reboot: { type: 'SOFT' } } })
    if (how === 'well') await run.action('server.reboot', { serverId })
    else if (how === 'without looking') await reboot()
    else
      try {
        await reboot()
      } catch (error) {
        if (codeOf(error) !== 'OUTCOME_UNKNOWN') throw error
        await run.sleep(30, 'it may have been lost')
        await run.call({ service: 'compute', method: 'POST', path, body: { reboot: { type: 'HARD' } } })
      }
    return { summary: 'restarted' }
  },
})
