import type { Call } from '../core/call.ts'
import type { Deed } from '../core/chain.ts'
import { codeOf, detailsOf } from '../core/errors.ts'
import type { Session } from '../openstack/session.ts'
import { type ActionSpec, actionNamed, type Seen } from '../policies/catalogue/index.ts'
import { runRequestId } from './sessions.ts'

/** What is called for a deed, and what the catalogue knows of it, if it is in there. @throws INPUT_INVALID */
export function callOf(deed: Deed): { call: Call; spec?: ActionSpec; input?: unknown } {
  if ('call' in deed) return { call: deed.call }
  const spec = actionNamed(deed.action)
  return { call: spec.calls(deed.input), spec, input: deed.input }
}

export const serviceOf = (session: Session, { service, microversion }: Pick<Call, 'service' | 'microversion'>) =>
  session.service(service, microversion === undefined ? {} : { microversion })

export const requestOf = ({ method, path, body }: Call) => ({ method, path, ...(body && { body }) })

/** Reads what a call of the catalogue reads. That there is no such thing is an answer, too. */
export async function read(session: Session, call: Call): Promise<Seen> {
  try {
    const { status, body } = await serviceOf(session, call).request({ ...requestOf(call), requestId: runRequestId() })
    return { status, body }
  } catch (error) {
    if (codeOf(error) === 'CLOUD_REFUSED' && detailsOf(error).status === 404) return { status: 404 }
    throw error
  }
}
