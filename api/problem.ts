import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { catalogue, type ErrorCode } from '../core/catalogue.ts'
import { codeOf, detailsOf, messageOf } from '../core/errors.ts'
import { loggable } from './loggable.ts'

/** RFC 9457. `code` never changes its meaning; `detail` says what happened to which thing. */
export const Problem = z
  .object({
    type: z.string().describe('link to the code in the manual'),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    next: z.string().describe('what to do next'),
    instance: z.string().describe('request id, also in the log and in X-Openstack-Request-Id'),
    issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .describe('problem details, RFC 9457')
type Problem = z.infer<typeof Problem>

/** No address: the manual of an installation may be anywhere; docs/errors.md has the same codes. */
const typeOf = (code: ErrorCode) => `urn:steward:error:${code}`

/** Answers any error as problem+json. Never a stack, never a text that is not ours or OpenStack's own reason. */
export function sendProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const problem = problemOf(error, request.id)
  if (problem.status >= 500) request.log.error({ err: error, code: problem.code }, 'request failed')
  else request.log.info({ code: problem.code, detail: problem.detail }, 'request refused')
  if (problem.status === 503) reply.header('retry-after', retryAfterSeconds(error))
  if (problem.status === 401) reply.header('www-authenticate', schemeOf(request))
  return reply
    .code(problem.status)
    .header('x-openstack-request-id', request.id)
    .type('application/problem+json')
    .send(problem)
}

export function problemOf(error: FastifyError, requestId: string): Problem {
  const code = codeOf(error) ?? codeOfFastify(error)
  const { status, summary, next } = catalogue[code]
  const issues = hasZodFastifySchemaValidationErrors(error)
    ? error.validation.map(({ instancePath, message }) => ({ path: instancePath || '/', message: message ?? '' }))
    : undefined
  return {
    type: typeOf(code),
    title: summary,
    status,
    code,
    detail: issues?.map(({ path, message }) => `${path}: ${message}`).join('; ') ?? detailOf(error, code),
    next,
    instance: requestId,
    ...(issues && { issues }),
  }
}

function detailOf(error: FastifyError, code: ErrorCode): string {
  if (codeOf(error)) return messageOf(error)
  // what we did not foresee may say anything, so it goes to the log only
  return code === 'INTERNAL' ? 'see the log of Steward for this request' : loggable(error.message)
}

function codeOfFastify(error: FastifyError): ErrorCode {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return 'BODY_TOO_LARGE'
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return 'MEDIA_TYPE_UNSUPPORTED'
  if (error.statusCode === 404) return 'ROUTE_NOT_FOUND'
  return error.statusCode !== undefined && error.statusCode < 500 ? 'INPUT_INVALID' : 'INTERNAL'
}

function retryAfterSeconds(error: unknown): string {
  const { retryAfterSeconds } = detailsOf(error)
  return String(typeof retryAfterSeconds === 'number' ? retryAfterSeconds : 5)
}

/** How the callers of this route identify themselves. */
function schemeOf({ routeOptions }: FastifyRequest): string {
  const { access } = routeOptions.config
  return access === 'alertmanager' || access === 'logs' ? 'Bearer' : 'Keystone'
}
