import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Caller } from './callers.ts'

/** Of a request that makes something. */
export const IdempotencyKey = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'at most 255 printable characters')
    .optional()
    .describe('the same key with the same body gives the same thing, however often it is sent'),
})

/** The same key of the same person in the same project is the same id. */
export function idOfKey({ projectId, userId }: Caller, key: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([projectId, userId, key]))
    .digest('hex')
  // RFC 9562, version 8: an id made by a rule of our own
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-')
}
