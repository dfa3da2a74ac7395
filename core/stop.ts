import { z } from 'zod'

/** Who pressed the stop button, when and why. */
export const StopState = z.object({
  by: z.string(),
  userId: z.string(),
  at: z.string(),
  why: z.string(),
  source: z.enum(['api', 'file']).describe('file: a file on the machine of a worker or of the API'),
})
export type StopState = z.infer<typeof StopState>
