import { defineRunbook, z } from 'steward/runbook'

/** Some looks at the cloud, without a lease: the least that a runbook can be. */
export default defineRunbook({
  name: 'bench-looks',
  title: 'Look some times',
  description: 'Reads the same thing some times.',
  input: z.strictObject({ steps: z.int().min(1) }),
  risk: 'read',
  needs: { calls: ['compute GET /os-services'] },
  targets: () => [],
  async run(run, { steps }) {
    for (let step = 1; step <= steps; step++) await run.read({ service: 'compute', path: '/os-services' })
    return { summary: `${steps} looks` }
  },
})
