import { z } from 'zod'

export const aboutKinds = ['host', 'alert', 'incident', 'run', 'action'] as const

/** What "why?" can be asked about: `kind/name`. */
export const About = z.templateLiteral([z.enum(aboutKinds), '/', z.string().min(1).max(500)])
export type About = z.infer<typeof About>

/** Its two parts; a name may hold slashes of its own. */
export function partsOf(about: About): { kind: (typeof aboutKinds)[number]; name: string } {
  const at = about.indexOf('/')
  return { kind: about.slice(0, at) as (typeof aboutKinds)[number], name: about.slice(at + 1) }
}

/** One reason. `stops`: nothing is done because of it · `slows`: something waits · `tells`: it only says what is. */
export const Reason = z.object({
  weight: z.enum(['stops', 'slows', 'tells']),
  at: z.string().optional().describe('since when, or when it happened'),
  sentence: z.string(),
  code: z.string().optional(),
  until: z.string().optional().describe('when it may be over by itself'),
  figures: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
  incidentId: z.string().optional(),
})
export type Reason = z.infer<typeof Reason>

/** The answer to "why did it act, or not?": the weightiest reason first, of equal ones the newest. */
export const Why = z.object({
  about: z.string(),
  at: z.string(),
  answer: z.string().describe('in one sentence'),
  reasons: z.array(Reason),
})
export type Why = z.infer<typeof Why>
