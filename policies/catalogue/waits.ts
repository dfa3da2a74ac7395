import type { Call } from '../../core/call.ts'
import { at, isGone, isOneOf, type Known, type Seen } from './entry.ts'
import { uuidIn } from './inputs.ts'

interface Times {
  readonly typicalSeconds: number
  readonly limitSeconds: number
}

/** Waits for an image that the answer to the call named. An image whose upload failed is purged, so a 404 is a failure. */
export const becomesActiveImage = (idIn: (result: unknown) => unknown, times: Times) => ({
  read: (_input: unknown, { result }: Known): Call | undefined => {
    const imageId = uuidIn(idIn(result))
    return imageId === undefined ? undefined : { service: 'image', method: 'GET', path: `/v2/images/${imageId}` }
  },
  done: ({ body }: Seen) => at(body, 'status') === 'active',
  failed: (seen: Seen) =>
    isGone(seen) || isOneOf(['killed', 'deleted', 'pending_delete', 'deactivated'], at(seen.body, 'status')),
  ...times,
})
