import type { Call } from '../core/call.ts'
import { codeOf } from '../core/errors.ts'
import type { Hindrance, QuotaLook, QuotaNeed } from '../core/work.ts'
import type { CallOptions } from './keystone.ts'
import type { Session } from './session.ts'

/**
 * Compares what work takes with what its project has left. Undefined when there is enough, and when nobody says: a service
 * that does not tell of its quota decides when the work is due. Changes nothing.
 *
 * @throws what `Session.token` throws
 */
export async function quotaAhead(
  session: Session,
  looks: readonly QuotaLook[],
  options: CallOptions = {},
): Promise<Hindrance | undefined> {
  const { projectId } = await session.token()
  if (projectId === undefined) return undefined
  const short: string[] = []
  for (const { needs, standing, shortages } of looks) {
    const wanted = await wantedOf(session, needs, options)
    if (wanted.size > 0) short.push(...shortages(wanted, await bodyOf(session, standing(projectId), options)))
  }
  return short.length > 0 ? { code: 'QUOTA_SHORT', detail: short.join('; ') } : undefined
}

/** By resource. */
async function wantedOf(session: Session, needs: readonly QuotaNeed[], options: CallOptions) {
  const wanted = new Map<string, number>()
  for (const { reads, takes } of needs) {
    const seen = await Promise.all(reads.map((read) => bodyOf(session, read, options)))
    // half of what has to be known says nothing
    if (seen.includes(undefined)) continue
    for (const [resource, amount] of Object.entries(takes(seen)))
      wanted.set(resource, (wanted.get(resource) ?? 0) + amount)
  }
  return wanted
}

async function bodyOf(session: Session, { service, path, microversion }: Call, options: CallOptions): Promise<unknown> {
  try {
    const client = session.service(service, microversion === undefined ? {} : { microversion })
    return (await client.request({ method: 'GET', path, ...options })).body
  } catch (error) {
    if (codeOf(error) === undefined) throw error
    return undefined
  }
}
