import { z } from 'zod'

/** How one step of a chain went, for people. Taking a step back is a step of its own, `undo <id>`. */
export const StepView = z.object({
  id: z.string(),
  title: z.string(),
  state: z.enum(['running', 'done', 'failed', 'unknown']),
  status: z.int().optional().describe('HTTP status of the answer'),
  requestId: z.string().optional().describe("the service's own request id"),
  startedAt: z.iso.datetime({ offset: true }).optional(),
  endedAt: z.iso.datetime({ offset: true }).optional(),
  detail: z.string().optional(),
})
export type StepView = z.infer<typeof StepView>
