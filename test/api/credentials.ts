import type { DelegationOptions } from '../../api/delegation.ts'
import { failure } from '../../core/errors.ts'
import type { Token } from '../../openstack/token.ts'

/** An application credential as Keystone knows it. */
export interface KnownCredential {
  readonly secret: string
  /** What a login with it gives. */
  readonly token: Token
  /** Undefined: it cannot be read. */
  readonly end: Date | 'never' | undefined
}

/** A Keystone that knows these application credentials, by id. */
export function fakeCredentials(
  known: Readonly<Record<string, KnownCredential>> = {},
): Pick<DelegationOptions['keystone'], 'authenticate' | 'credentialEnd'> {
  return {
    async authenticate(login) {
      const id = login.method === 'application_credential' && 'id' in login.credential ? login.credential.id : ''
      const credential = known[id]
      if (login.method === 'application_credential' && credential?.secret === login.secret) return credential.token
      const reason = credential ? 'The request you have made requires authentication.' : `Could not find ${id}.`
      throw failure('SERVICE_LOGIN_REFUSED', `Keystone refused the login: ${reason}`, { reason })
    },
    credentialEnd: async ({ applicationCredential }) => known[applicationCredential?.id ?? '']?.end,
  }
}
