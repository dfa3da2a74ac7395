import { createHash } from 'node:crypto'
import type { ProjectToken } from '../openstack/token.ts'

/** Who makes a request: what Keystone says of the token, never what a header says. */
export type Caller = ProjectToken

/** `requestId` is the global one, for Keystone's log. */
export type TokenCheck = (token: string, options?: { requestId: string }) => Promise<Caller>

export interface CallerCacheOptions {
  /** How long an answer of Keystone is believed; a token revoked meanwhile lives on this long. @default 10_000 */
  keepMs?: number
  /** @default 5_000 */
  mostEntries?: number
  now?: () => number
}

/** Asks Keystone about a token at most once in `keepMs`, however many requests bring it. Refusals are not kept. */
export function cacheCallers(check: TokenCheck, options: CallerCacheOptions = {}): TokenCheck {
  const { keepMs = 10_000, mostEntries = 5_000, now = Date.now } = options
  const known = new Map<string, { until: number; caller: Promise<Caller> }>()
  return async (token, asked) => {
    const key = createHash('sha256').update(token).digest('base64')
    const entry = known.get(key)
    if (entry && entry.until > now()) {
      const caller = await entry.caller
      if (caller.expiresAt.getTime() > now()) return caller
    }
    const caller = check(token, asked)
    known.delete(key)
    known.set(key, { until: now() + keepMs, caller })
    for (const oldest of known.keys()) if (known.size > mostEntries) known.delete(oldest)
    try {
      return await caller
    } catch (error) {
      known.delete(key)
      throw error
    }
  }
}
