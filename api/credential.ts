import type { AccessRule, ApplicationCredential } from '../core/delegation.ts'
import { codeOf, detailsOf, failure, messageOf } from '../core/errors.ts'
import type { Delegated } from '../core/recurrence.ts'
import type { Work } from '../core/work.ts'
import { joinPath } from '../openstack/catalog.ts'
import { loginWith } from '../openstack/login.ts'
import type { Token } from '../openstack/token.ts'
import { notLet, type SeenCall } from '../policies/access-rules.ts'
import { roleFor } from '../policies/work.ts'
import { anything, callsOf, type WorkCall } from '../policies/work-calls.ts'
import type { Caller } from './callers.ts'
import type { Asked, DelegationOptions, DelegationWish } from './delegation.ts'

type Where = Pick<DelegationOptions, 'interface' | 'region'>

/** Most rules that are told at once. */
const mostTold = 20

/**
 * Logs in with an application credential, and refuses one that will not do for the work: that of somebody else or of
 * another project, without the role, with an end before that of the work, or with access rules that leave a call out.
 *
 * @throws CREDENTIAL_REFUSED, ROLE_MISSING, ACCESS_RULE_MISSING, KEYSTONE_UNREACHABLE
 */
export async function tryCredential(
  { work, untilMs, applicationCredential }: DelegationWish & { readonly applicationCredential: ApplicationCredential },
  caller: Caller,
  options: DelegationOptions,
  { globalRequestId: requestId }: Asked,
): Promise<Delegated> {
  const { keystone } = options
  const { id } = applicationCredential
  const refused = (why: string, details = {}) =>
    failure('CREDENTIAL_REFUSED', `application credential ${id} ${why}`, details)

  const token = await keystone
    .authenticate(loginWith(applicationCredential), undefined, { requestId })
    .catch((error: unknown) => {
      if (codeOf(error) !== 'SERVICE_LOGIN_REFUSED') throw error
      throw refused(`is not accepted by Keystone: ${messageOf(error)}`, detailsOf(error))
    })
  if (token.userId !== caller.userId) throw refused('is not yours')
  if (token.projectId !== caller.projectId)
    throw refused(`is for another project than your token, which is for ${caller.projectName}`)
  checkRole(work, token)
  const until = new Date(untilMs).toISOString()
  const end = await keystone.credentialEnd(token, { requestId })
  if (end instanceof Date && end.getTime() < untilMs)
    throw refused(`expires ${end.toISOString()}, and is needed until ${until}, the latest moment of the work`)
  const { accessRules } = token.applicationCredential ?? {}
  const unforeseen = accessRules ? checkRules(accessRules, work, caller, options) : []
  // Keystone gives no token that outlives its credential
  const isLasting = end !== undefined || token.expiresAt.getTime() >= untilMs
  const warnings = [
    ...(token.applicationCredential?.restricted === false
      ? ['it is unrestricted, so that it may make other credentials; a restricted one with access rules would do']
      : []),
    ...(isLasting ? [] : [`whether it lasts until ${until} is not known: its access rules keep it from being read`]),
    ...unforeseen.map((what) => `whether its access rules let ${what} pass is not known`),
  ]
  return {
    ...{ applicationCredential, roles: [...token.roles], until },
    delegatedBy: {
      ...{ kind: 'application-credential', applicationCredentialId: id },
      ...(warnings.length > 0 && { warnings }),
    },
  }
}

/** Access rules that are enough for work, for people to copy. */
export const rulesFor = (work: Work, caller: Caller, where: Where): AccessRule[] =>
  callsOf(work)
    .calls.slice(0, mostTold)
    .map((call) => ruleFor(call, caller, where))

function checkRole(work: Work, { roles }: Token): void {
  try {
    roleFor(work, roles)
  } catch (error) {
    if (codeOf(error) !== 'ROLE_MISSING') throw error
    const message = `${messageOf(error)}; the application credential has ${roles.join(', ') || 'none'}`
    throw failure('ROLE_MISSING', message, detailsOf(error))
  }
}

/** @returns what of the work cannot be foreseen. @throws ACCESS_RULE_MISSING */
function checkRules(rules: readonly AccessRule[], work: Work, caller: Caller, where: Where): readonly string[] {
  const { calls, unforeseen } = callsOf(work)
  const seen = calls.map((call) => ({ ...call, ...seenBy(call, caller, where) }))
  const missing = notLet(rules, seen)
  if (missing.length === 0) return unforeseen
  const told = missing.slice(0, mostTold).map((call) => ruleFor(call, caller, where))
  const more = missing.length > told.length ? ` and ${missing.length - told.length} more` : ''
  const message = `the access rules of the application credential leave out ${JSON.stringify(told)}${more}`
  throw failure('ACCESS_RULE_MISSING', message, { missing: told })
}

/** What the service will see of a call. Its path may lack what comes before the version, where a proxy takes that away. */
function seenBy({ service, method, path }: WorkCall, { catalog }: Caller, where: Where): SeenCall {
  const { pathname } = new URL(joinPath(catalog.endpoint(service, where), path))
  const shorter = /\/v\d+(\.\d+)?\/.*$/.exec(pathname)?.[0]
  return { services: catalog.spellings(service), method, paths: [pathname, ...(shorter ? [shorter] : [])] }
}

function ruleFor(call: WorkCall, caller: Caller, where: Where): AccessRule {
  const { services, method, paths } = seenBy(call, caller, where)
  const [service = call.service] = services
  const [path = call.path] = paths
  return { service, method, path: path.replaceAll(anything, '*') }
}
