import type { Call } from '../core/call.ts'
import { shownServers } from '../openstack/servers.ts'
import type { Session } from '../openstack/session.ts'
import type { Seen } from '../policies/catalogue/index.ts'
import { read, serviceOf } from './deed.ts'
import { runRequestId } from './sessions.ts'

/** What is read before a call, or to see its end. */
export type Look = (call: Call) => Promise<Seen>

/** A state that came longer ago is read again. */
const keptMs = 3_000
/** A list that takes longer is not worth waiting for, nor asking for again soon. */
const longestListMs = 5_000
const withoutListMs = 60_000
/** For fewer servers the list of a project is more work for Nova than a look at each. */
const leastTogether = 10

interface Snapshot {
  readonly servers: Promise<ReadonlyMap<string, object>>
  /** Endless while it is being read. */
  untilMs: number
}

/**
 * Looks at the servers of a group by the list of their project, a request for a thousand instead of one for each. What is
 * not on the list (deleted, another project's, beyond its first pages) is looked at by itself, and so is everything when
 * there is no list. Nothing is kept from one run to the next: what another action did a moment ago must be seen.
 */
export function createLooks(now: () => number = Date.now): (session: Session, count: number) => Look {
  const byRun = new Map<string, Snapshot>()

  function snapshot(session: Session, microversion: string | undefined): Snapshot {
    const key = `${runRequestId()} ${microversion}`
    for (const [old, { untilMs }] of byRun) if (now() > untilMs) byRun.delete(old)
    const kept = byRun.get(key) ?? take(session, microversion)
    byRun.set(key, kept)
    return kept
  }

  function take(session: Session, microversion: string | undefined): Snapshot {
    const compute = serviceOf(session, { service: 'compute', ...(microversion !== undefined && { microversion }) })
    const options = { requestId: runRequestId(), signal: AbortSignal.timeout(longestListMs) }
    const listing = shownServers(compute, options)
    const taken: Snapshot = {
      servers: listing.catch(() => new Map<string, object>()),
      untilMs: Number.POSITIVE_INFINITY,
    }
    const keepFor = (ms: number) => {
      taken.untilMs = now() + ms
    }
    listing.then(
      () => keepFor(keptMs),
      () => keepFor(withoutListMs),
    )
    return taken
  }

  return (session, count) => async (call) => {
    const [, id] = /^\/servers\/([0-9a-f-]{36})$/.exec(call.path) ?? []
    if (count < leastTogether || call.service !== 'compute' || id === undefined) return read(session, call)
    const server = (await snapshot(session, call.microversion).servers).get(id)
    return server ? { status: 200, body: { server } } : read(session, call)
  }
}
