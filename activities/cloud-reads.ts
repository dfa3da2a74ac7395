import { z } from 'zod'
import type { Activities } from '../core/activities.ts'
import { codeOf, detailsOf, failure } from '../core/errors.ts'
import { withoutSecretFields } from '../policies/redact.ts'
import { runRequestId, type Sessions } from './sessions.ts'

const mostEntries = 5_000
/** Answers become part of histories, where a payload may have 2 MiB. */
const mostJsonLength = 1 << 20

/** Reads for runbooks, with the standing delegation. */
export const createCloudReadActivities = (
  sessions: Pick<Sessions, 'forRemediation'>,
): Pick<Activities, 'readCloud'> => ({
  /**
   * Reads one thing, or all pages of a list. Secrets in it are not kept. That there is no such thing is an answer.
   *
   * @throws CALL_NOT_DECLARED, DELEGATION_MISSING, CLOUD_REFUSED, CLOUD_UNREACHABLE (retried), ANSWER_TOO_LARGE
   */
  async readCloud({ service, path, microversion, list }) {
    const session = await sessions.forRemediation()
    const client = session.service(service, microversion === undefined ? {} : { microversion })
    const requestId = runRequestId()
    try {
      if (list === undefined) {
        const { status, body } = await client.request({ method: 'GET', path, requestId })
        return kept(path, { status, body: withoutSecretFields(body, '(not kept)') })
      }
      const entries: unknown[] = []
      for await (const entry of client.pages(path, list, z.unknown(), { requestId })) {
        if (entries.length === mostEntries) throw tooLarge(path, `over ${mostEntries} entries`)
        entries.push(withoutSecretFields(entry, '(not kept)'))
      }
      return kept(path, { status: 200, body: { [list]: entries } })
    } catch (error) {
      if (codeOf(error) === 'CLOUD_REFUSED' && detailsOf(error).status === 404) return { status: 404 }
      throw error
    }
  },
})

function kept<T>(path: string, answer: T): T {
  const { length } = JSON.stringify(answer)
  if (length > mostJsonLength) throw tooLarge(path, `${length} characters`)
  return answer
}

const tooLarge = (path: string, how: string) =>
  failure('ANSWER_TOO_LARGE', `the answer to GET ${path} is too large for a run: ${how}; ask for less of it`, { path })
