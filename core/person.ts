import { z } from 'zod'

/** Whoever comes by a link has no login: what they are called, and who made the link and vouches for that. */
export const ByLink = z.object({ name: z.string(), issuerId: z.string().describe('user id of who made the link') })

/** Somebody known to Keystone, or to somebody who is. */
export interface Person {
  readonly userId: string
  readonly name: string
  readonly byLink?: z.infer<typeof ByLink>
}
