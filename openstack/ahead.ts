import { codeOf, detailsOf, messageOf } from '../core/errors.ts'
import type { Hindrance, LookAhead, QuotaLook } from '../core/work.ts'
import { quotaAhead } from './quota.ts'
import type { Session } from './session.ts'

/** Refusals that will be the same when the work is due. */
const telling: ReadonlySet<unknown> = new Set([
  ...['DELEGATION_LOST', 'MICROVERSION_UNSUPPORTED', 'SERVICE_UNKNOWN', 'PATH_REFUSED', 'CLOUD_REFUSED'],
])

/**
 * Finds out what is in the way of work that is not due yet: whether the delegation still gives a token, and whether the
 * things the work names can be read with it, at its microversion, and whether the quota of its project is enough. Undefined
 * when all is well. Changes nothing.
 *
 * @throws what says nothing about the work: KEYSTONE_UNREACHABLE, CLOUD_UNREACHABLE, CLOUD_BUSY
 */
export async function lookAhead(
  session: Session,
  looks: readonly LookAhead[],
  quotas: readonly QuotaLook[],
  options: { requestId?: string; signal?: AbortSignal } = {},
): Promise<Hindrance | undefined> {
  try {
    await session.token()
  } catch (error) {
    return hindranceOf(error)
  }
  for (const { read, mayBeGone } of looks) {
    const { service, microversion, path } = read
    try {
      const client = session.service(service, microversion === undefined ? {} : { microversion })
      await client.request({ method: 'GET', path, ...options })
    } catch (error) {
      const isGone = codeOf(error) === 'CLOUD_REFUSED' && detailsOf(error).status === 404
      if (!isGone) return hindranceOf(error)
      if (!mayBeGone()) return { code: 'TARGET_MISSING', detail: `there is no ${service}${path}, or it is not yours` }
    }
  }
  return quotaAhead(session, quotas, options)
}

function hindranceOf(error: unknown): Hindrance {
  const code = codeOf(error)
  if (code === undefined || !telling.has(code)) throw error
  return { code, detail: messageOf(error) }
}
