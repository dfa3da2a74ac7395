import { z } from 'zod'
import { AccessRule } from '../core/delegation.ts'
import { type Catalog, CatalogEntries, createCatalog } from './catalog.ts'
import { withSecrets } from './secret.ts'

export interface Token {
  /** The secret itself. Hidden: no log, JSON or spread of a token has it. */
  readonly id: string
  /** With an impersonating trust this is the trustor. */
  readonly userId: string
  readonly userName: string
  /** Undefined for a token without project scope. */
  readonly projectId: string | undefined
  readonly projectName: string | undefined
  /** What it is scoped to instead of a project; undefined also for one without any scope. */
  readonly isFor?: string
  /** Names. */
  readonly roles: readonly string[]
  readonly issuedAt: Date
  readonly expiresAt: Date
  readonly catalog: Catalog
  /** Present when the token was got through a trust. */
  readonly trust?: { readonly id: string; readonly trustorUserId: string; readonly impersonation: boolean }
  /** How its owner logged in: `password`, `token`, `application_credential`, … */
  readonly methods: readonly string[]
  readonly isApplicationCredential: boolean
  /** Present when Keystone says more of the application credential it was got with. */
  readonly applicationCredential?: TokenCredential
}

export interface TokenCredential {
  readonly id: string
  /** It may not be used to manage credentials and trusts; undefined: an older Keystone does not say. */
  readonly restricted?: boolean
  /** The calls it is good for; undefined: all. */
  readonly accessRules?: readonly AccessRule[]
}

/** A token scoped to a project, which is what callers of ours must have. */
export interface ProjectToken extends Token {
  readonly projectId: string
  readonly projectName: string
}

/** Keystone's times: UTC, with or without a fraction. */
const time = z.iso.datetime().transform((text) => new Date(text))

const TokenBody = z.object({
  token: z.object({
    methods: z.array(z.string()),
    user: z.object({ id: z.string(), name: z.string() }),
    project: z.object({ id: z.string(), name: z.string() }).optional(),
    roles: z.array(z.object({ name: z.string() })).default([]),
    issued_at: time,
    expires_at: time,
    catalog: CatalogEntries.default([]),
    application_credential: z
      .object({ id: z.string(), restricted: z.boolean().optional(), access_rules: z.array(AccessRule).optional() })
      .transform(({ id, restricted, access_rules: accessRules }) => ({
        id,
        ...(restricted !== undefined && { restricted }),
        ...(accessRules && { accessRules }),
      }))
      .optional(),
    system: z.unknown().optional(),
    domain: z.unknown().optional(),
    'OS-TRUST:trust': z
      .object({ id: z.string(), impersonation: z.boolean(), trustor_user: z.object({ id: z.string() }) })
      .optional(),
  }),
})

/** Reads the answer to a login or a validation; a text says where its shape is wrong. */
export function parseToken(id: string, body: unknown): Token | string {
  const parsed = TokenBody.safeParse(body)
  if (!parsed.success) return firstIssue(parsed.error)
  const { token } = parsed.data
  const trust = token['OS-TRUST:trust']
  const visible = {
    userId: token.user.id,
    userName: token.user.name,
    projectId: token.project?.id,
    projectName: token.project?.name,
    roles: token.roles.map(({ name }) => name),
    issuedAt: token.issued_at,
    expiresAt: token.expires_at,
    catalog: createCatalog(token.catalog),
    ...(trust && {
      trust: { id: trust.id, trustorUserId: trust.trustor_user.id, impersonation: trust.impersonation },
    }),
    methods: token.methods,
    isApplicationCredential:
      token.application_credential !== undefined || token.methods.includes('application_credential'),
    ...(token.application_credential && { applicationCredential: token.application_credential }),
    ...(token.system !== undefined && { isFor: 'the system' }),
    ...(token.domain !== undefined && { isFor: 'a domain' }),
  }
  return withSecrets(visible, { id })
}

/** Whether a token can be used as a project's, so that it may act and be delegated. */
export function isProjectToken(token: Token): token is ProjectToken {
  return token.projectId !== undefined && token.projectName !== undefined
}

/** Names the field and what is wrong with it, never the value found there. */
export function firstIssue({ issues }: z.ZodError): string {
  const [issue] = issues
  return issue ? `${issue.path.join('.') || 'the body'}: ${issue.message}` : 'another shape'
}
