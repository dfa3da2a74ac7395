import { z } from 'zod'
import type { DomainRef, Login, ProjectRef, UserRef } from './login.ts'
import { withSecrets } from './secret.ts'

/** YAML is read with every scalar as text, so that a password `0123` stays one; an empty value is no value. */
const text = z.string().transform((value) => (['', '~', 'null'].includes(value) ? undefined : value))
const secret = z.string().transform((value) => (value === '' ? undefined : value))

const flag = z.string().transform((value, context) => {
  const word = value.toLowerCase()
  if (['true', 'yes', 'on', '1', 'y', 't'].includes(word)) return true
  if (['false', 'no', 'off', '0', 'n', 'f'].includes(word)) return false
  if (['', '~', 'null'].includes(word)) return undefined
  context.addIssue('is neither true nor false')
  return z.NEVER
})

const url = z.string().refine((value) => {
  const parsed = URL.canParse(value) ? new URL(value) : undefined
  return /^https?:$/.test(parsed?.protocol ?? '') && !parsed?.username && !parsed?.password && !parsed?.search
}, 'is no http(s) URL without user and query')

/** `public`, or `publicURL` as older files say. */
const face = text
  .transform((value) => value?.replace(/URL$/, ''))
  .pipe(z.enum(['public', 'internal', 'admin'], 'is none of public, internal, admin').optional())

const Auth = z.object({
  auth_url: url,
  username: text.optional(),
  user_id: text.optional(),
  user_domain_name: text.optional(),
  user_domain_id: text.optional(),
  password: secret.optional(),
  project_name: text.optional(),
  project_id: text.optional(),
  tenant_name: text.optional(),
  tenant_id: text.optional(),
  project_domain_name: text.optional(),
  project_domain_id: text.optional(),
  default_domain: text.optional(),
  token: secret.optional(),
  application_credential_id: text.optional(),
  application_credential_name: text.optional(),
  application_credential_secret: secret.optional(),
})
type Auth = z.infer<typeof Auth>

/** One cloud of clouds.yaml, as far as we read it. */
export const CloudEntry = z.object({
  auth_type: text
    .pipe(
      z
        .enum(
          ['password', 'v3password', 'token', 'v3token', 'v3applicationcredential'],
          'is none of password, token, v3applicationcredential',
        )
        .optional(),
    )
    .optional(),
  auth: Auth,
  region_name: text.optional(),
  interface: face.optional(),
  endpoint_type: face.optional(),
  verify: flag.optional(),
  insecure: flag.optional(),
  cacert: text.optional(),
  cert: text.optional(),
  key: text.optional(),
})
export type CloudEntry = z.infer<typeof CloudEntry>

/** Called with the field that is missing; ends the reading. */
export type Missing = (field: string) => never

/** The login of an entry. Without `auth_type` the fields present decide, as they do for other clients. */
export function loginOf({ auth_type, auth }: CloudEntry, missing: Missing): Login {
  const kind = auth_type?.replace(/^v3/, '') ?? guess(auth)
  if (kind === 'token') {
    return withSecrets({ method: 'token' as const }, { token: auth.token ?? missing('auth.token') })
  }
  if (kind === 'applicationcredential') {
    const { application_credential_id: id, application_credential_name: name } = auth
    const credential = id
      ? { id }
      : { name: name ?? missing('auth.application_credential_id'), user: userOf(auth, missing) }
    const given = auth.application_credential_secret ?? missing('auth.application_credential_secret')
    return withSecrets({ method: 'application_credential' as const, credential }, { secret: given })
  }
  const user = userOf(auth, missing)
  return withSecrets({ method: 'password' as const, user }, { password: auth.password ?? missing('auth.password') })
}

/** The project of an entry, if it names one. */
export function projectOf({ auth }: CloudEntry): ProjectRef | undefined {
  const id = auth.project_id ?? auth.tenant_id
  const name = auth.project_name ?? auth.tenant_name
  if (id) return { id }
  return name ? { name, domain: domainOf(auth.project_domain_id, auth.project_domain_name, auth) } : undefined
}

function guess(auth: Auth): string {
  if (auth.application_credential_secret) return 'applicationcredential'
  return auth.token && !auth.password ? 'token' : 'password'
}

function userOf(auth: Auth, missing: Missing): UserRef {
  if (auth.user_id) return { id: auth.user_id }
  const name = auth.username ?? missing('auth.username')
  return { name, domain: domainOf(auth.user_domain_id, auth.user_domain_name, auth) }
}

function domainOf(id: string | undefined, name: string | undefined, { default_domain }: Auth): DomainRef {
  if (id) return { id }
  return name ? { name } : { id: default_domain ?? 'default' }
}
