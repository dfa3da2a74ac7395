import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Payload, PayloadCodec } from '@temporalio/common'
import proto from '@temporalio/proto'
import { failure } from '../core/errors.ts'
import type { Keys } from './keys.ts'

const encoding = 'binary/encrypted'
const cipher = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16

const text = new TextEncoder()
const encodingBytes = text.encode(encoding)
const { Payload: PayloadMessage } = proto.temporal.api.common.v1

/**
 * Encrypts every payload of every history with AES-256-GCM. The id of the key travels with the payload, and is
 * authenticated with it, so keys can rotate while old histories stay readable.
 *
 * Decoding refuses what is not encrypted: nobody can slip plain text into a history.
 *
 * @throws CONFIG_INVALID when the key of a payload is not in the key file
 */
export function createCodec({ active, byId }: Keys): PayloadCodec {
  const activeKey = byId.get(active)
  if (!activeKey) throw failure('CONFIG_INVALID', `no key ${active}`)
  return {
    async encode(payloads) {
      return payloads.map((payload) => {
        const iv = randomBytes(ivBytes)
        const sealing = createCipheriv(cipher, activeKey, iv, { authTagLength: tagBytes })
        sealing.setAAD(Buffer.from(active))
        const plain = PayloadMessage.encode(payload).finish()
        const data = Buffer.concat([iv, sealing.update(plain), sealing.final(), sealing.getAuthTag()])
        return { metadata: { encoding: encodingBytes, 'encryption-key-id': text.encode(active) }, data }
      })
    },
    async decode(payloads) {
      return payloads.map((payload) => openPayload(payload, byId))
    },
  }
}

/** Whether this codec made the payload. */
export const isEncrypted = ({ metadata }: Payload): boolean => asText(metadata?.encoding) === encoding

/** What this codec has closed. @throws CONFIG_INVALID when it is not encrypted, or its key is not in the key file */
export function openPayload(payload: Payload, byId: Keys['byId']): Payload {
  const { metadata, data } = payload
  if (!isEncrypted(payload) || !data) throw failure('CONFIG_INVALID', 'a payload is not encrypted')
  const keyId = asText(metadata?.['encryption-key-id'])
  const key = byId.get(keyId)
  if (!key) throw failure('CONFIG_INVALID', `the key file does not hold key ${keyId.slice(0, 40)}`)
  const sealed = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const opening = createDecipheriv(cipher, key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes })
  opening.setAAD(Buffer.from(keyId))
  opening.setAuthTag(sealed.subarray(-tagBytes))
  const plain = Buffer.concat([opening.update(sealed.subarray(ivBytes, -tagBytes)), opening.final()])
  return PayloadMessage.decode(plain)
}

const asText = (bytes: Uint8Array | null | undefined) => (bytes ? Buffer.from(bytes).toString() : '')
