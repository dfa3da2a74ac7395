import { defineRunbook, z } from 'steward/runbook'

/** Says how many servers a list has, whatever it is asked for. */
export default defineRunbook({
  name: 'count-servers',
  title: 'Count servers',
  description: 'Says which servers a list has.',
  input: z.strictObject({
    query: z.string(),
    projectId: z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .optional(),
  }),
  risk: 'read',
  needs: { roles: ['admin'], calls: ['compute GET /servers/detail'] },
  targets: () => [],
  async run(run, { query, projectId }) {
    const path = `/servers/detail?${query}${projectId === undefined ? '' : `&project_id=${projectId}`}`
    const { body } = await run.read({ service: 'compute', path, list: 'servers' })
    const { servers } = body as { servers: { name: string }[] }
    return { summary: servers.map(({ name }) => name).join(', ') || 'none' }
  },
})
