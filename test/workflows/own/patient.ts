import { defineRunbook, failure, type Target, z } from 'steward/runbook'

/** Waits for a server, and asks before it goes on. */
export default defineRunbook({
  name: 'test-patient',
  title: 'Waits and asks',
  description: 'Waits until a server is active, asks a person, then stops it.',
  input: z.strictObject({ serverId: z.uuid(), withinSeconds: z.number(), answerSeconds: z.number().default(60) }),
  risk: 'move',
  needs: { calls: ['compute GET /servers/{server}'], actions: ['server.stop', 'server.start'] },
  targets: ({ serverId }): Target[] => [`server/${serverId}`],
  async run(run, { serverId, withinSeconds, answerSeconds }) {
    const isActive = async () => {
      const { body } = await run.read({ service: 'compute', path: `/servers/${serverId}` })
      return (body as { server: { status: string } } | undefined)?.server.status === 'ACTIVE'
    }
    await run.waitFor('the server is active', isActive, { withinSeconds, everySeconds: 0.05 })
    await run.action('server.stop', { serverId })
    run.undo('start it again', () => run.action('server.start', { serverId }))
    run.evidence('before', { status: 'ACTIVE' })
    const { by } = await run.ask('Shall it stay off?', { withinSeconds: answerSeconds })
    if (by === 'the author') throw failure('CLOUD_REFUSED', 'never reached')
    return { summary: `off, says ${by}` }
  },
})
