import type { Receiver } from '../../activities/receivers/receiver.ts'
import { eventNames } from '../../core/notification.ts'
import { withSecrets } from '../../openstack/secret.ts'

/** 32 bytes, as they stand behind `whsec_`. */
export const key = Buffer.from('CANARY-key-0123456789-0123456789').toString('base64')
export const token = 'CANARY-token-8c1d'

interface Given extends Partial<Pick<Receiver, 'name' | 'kind' | 'on' | 'projects' | 'policies'>> {
  url: string
  token?: string
  key?: string
}

/** A receiver that wants to know everything. */
export function receiverAt({ url, token: shown, key: signs, ...wishes }: Given): Receiver {
  const secrets = { url, ...(shown !== undefined && { token: shown }), ...(signs !== undefined && { key: signs }) }
  return withSecrets({ name: 'ops', kind: 'webhook' as const, on: eventNames, ...wishes }, secrets)
}
