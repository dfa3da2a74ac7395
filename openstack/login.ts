import { withSecrets } from './secret.ts'

/** A Keystone domain, project or user, in the shape Keystone itself takes. */
export type DomainRef = { readonly id: string } | { readonly name: string }
export type ProjectRef = { readonly id: string } | { readonly name: string; readonly domain: DomainRef }
export type UserRef = { readonly id: string } | { readonly name: string; readonly domain: DomainRef }

/** Who logs in and how. Made by `loadCloud` with hidden secrets (see `withSecrets`): pass it on whole, never spread it. */
export type Login =
  | { readonly method: 'password'; readonly user: UserRef; readonly password: string }
  | { readonly method: 'token'; readonly token: string }
  | {
      readonly method: 'application_credential'
      /** The user is needed only when the credential is given by name. */
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: UserRef }
      readonly secret: string
    }

/** The login by an application credential somebody gave. */
export const loginWith = ({ id, secret }: { readonly id: string; readonly secret: string }): Login =>
  withSecrets({ method: 'application_credential' as const, credential: { id } }, { secret })

/** What a token is good for: a project, the project of a trust, or nothing but asking Keystone. */
export type Scope = { readonly project: ProjectRef } | { readonly trustId: string } | 'unscoped'

/**
 * Builds the body of `POST /v3/auth/tokens`. Application credentials carry their own scope, so none is sent for them.
 *
 * @see https://docs.openstack.org/api-ref/identity/v3/#password-authentication-with-scoped-authorization
 */
export function authBody(login: Login, scope?: Scope): unknown {
  const asked = scope !== undefined && login.method !== 'application_credential' && { scope: scopeBody(scope) }
  return { auth: { identity: identityBody(login), ...asked } }
}

/** The secrets of a login, for removal from whatever a server sends back. */
export function secretsOf(login: Login): string[] {
  switch (login.method) {
    case 'password':
      return [login.password]
    case 'token':
      return [login.token]
    case 'application_credential':
      return [login.secret]
    default:
      return login satisfies never
  }
}

function identityBody(login: Login): unknown {
  switch (login.method) {
    case 'password':
      return { methods: ['password'], password: { user: { ...login.user, password: login.password } } }
    case 'token':
      return { methods: ['token'], token: { id: login.token } }
    case 'application_credential':
      return {
        methods: ['application_credential'],
        application_credential: { ...login.credential, secret: login.secret },
      }
    default:
      return login satisfies never
  }
}

function scopeBody(scope: Scope): unknown {
  if (scope === 'unscoped') return 'unscoped'
  return 'trustId' in scope ? { 'OS-TRUST:trust': { id: scope.trustId } } : { project: scope.project }
}
