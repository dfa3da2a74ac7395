import { defineRunbook, type Target, z } from 'steward/runbook'

/** Some side effects, one after the other, each recorded, under a lease: what a runbook costs beside its activities. */
export default defineRunbook({
  name: 'bench-steps',
  title: 'Take some steps',
  description: 'Makes the same HTTP call some times.',
  input: z.strictObject({ steps: z.int().min(1), of: z.string() }),
  risk: 'service',
  needs: { steps: ['callHttp'] },
  targets: ({ of }): Target[] => [`endpoint/${of}`],
  async run(run, { steps, of }) {
    const call = { method: 'POST' as const, url: `https://${of}/`, headers: {}, expectStatus: [204] }
    for (let step = 1; step <= steps; step++) await run.once(`Step ${step}`).callHttp(call)
    return { summary: `${steps} steps` }
  },
})
