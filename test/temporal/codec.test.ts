import { randomBytes } from 'node:crypto'
import type { Payload } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import { codeOf, messageOf } from '../../core/errors.ts'
import { createCodec, isEncrypted } from '../../temporal/codec.ts'
import type { Keys } from '../../temporal/keys.ts'

const text = new TextEncoder()
const old = ['k-old', randomBytes(32)] as const
const recent = ['k-new', randomBytes(32)] as const
const keysOf = (active: string, ...keys: (readonly [string, Buffer])[]): Keys => ({ active, byId: new Map(keys) })

const payload = (value: string): Payload => ({
  metadata: { encoding: text.encode('json/plain'), messageType: text.encode('é') },
  data: text.encode(JSON.stringify(value)),
})
const plain = ({ metadata, data }: Payload) => ({
  metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([k, v]) => [k, Buffer.from(v).toString()])),
  data: Buffer.from(data ?? []).toString(),
})
const sealed = async (value: string, keys = keysOf('k-old', old)) => {
  const [one] = await createCodec(keys).encode([payload(value)])
  return one as Payload
}
const refusal = async (keys: Keys, given: Payload) => {
  const error: unknown = await createCodec(keys)
    .decode([given])
    .then(
      () => undefined,
      (reason: unknown) => reason,
    )
  expect(error).toBeInstanceOf(Error)
  return error
}
const withData = (given: Payload, change: (data: Buffer) => Buffer): Payload => ({
  ...given,
  data: change(Buffer.from(given.data ?? [])),
})

describe('a payload in a history', () => {
  it.each(['', 'short', 'ünï', 'x'.repeat(100_000)])('comes back as it was', async (value) => {
    const codec = createCodec(keysOf('k-old', old))
    const [back] = await codec.decode(await codec.encode([payload(value)]))
    expect(plain(back as Payload)).toEqual(plain(payload(value)))
  })

  it('keeps its place among others', async () => {
    const codec = createCodec(keysOf('k-old', old))
    const back = await codec.decode(await codec.encode(['a', 'b', 'c'].map(payload)))
    expect(back.map((one) => plain(one).data)).toEqual(['"a"', '"b"', '"c"'])
  })

  it('shows neither its text nor its encoding, and never looks the same twice', async () => {
    const [one, two] = [await sealed('canary'), await sealed('canary')]
    for (const form of [one, two]) {
      expect(isEncrypted(form)).toBe(true)
      expect(Buffer.from(form.data ?? []).toString('latin1')).not.toMatch(/canary|json/)
      expect(plain(form).metadata).toEqual({ encoding: 'binary/encrypted', 'encryption-key-id': 'k-old' })
    }
    expect(Buffer.from(one.data ?? []).equals(Buffer.from(two.data ?? []))).toBe(false)
  })

  it('stays readable after its key was replaced, and new ones use the new key', async () => {
    const before = await sealed('from before')
    const rotated = keysOf('k-new', old, recent)
    const [back] = await createCodec(rotated).decode([before])
    expect(plain(back as Payload).data).toBe('"from before"')
    expect(plain(await sealed('after', rotated)).metadata['encryption-key-id']).toBe('k-new')
  })
})

describe('what is not as it was sealed', () => {
  const keys = keysOf('k-old', old)

  it('is refused whichever byte was changed', async () => {
    const good = await sealed('value')
    const { length } = good.data ?? []
    for (let at = 0; at < (length ?? 0); at++) {
      const bad = withData(good, (data) =>
        Buffer.concat([data.subarray(0, at), Buffer.from([(data[at] ?? 0) ^ 1]), data.subarray(at + 1)]),
      )
      await refusal(keys, bad)
    }
    expect(length).toBeGreaterThan(28)
  })

  it.each([0, 5, 12, 27])('is refused when only %i bytes of it are left', async (bytes) => {
    await refusal(
      keys,
      withData(await sealed('value'), (data) => data.subarray(0, bytes)),
    )
  })

  it('is refused when it names another key than the one it was sealed with, even one with the same bits', async () => {
    const twin = ['k-twin', old[1]] as const
    const good = await sealed('value')
    const renamed = { ...good, metadata: { ...good.metadata, 'encryption-key-id': text.encode('k-twin') } }
    await refusal(keysOf('k-old', old, twin), renamed)
  })

  it('is refused with the id of the key when the key file does not hold that key', async () => {
    const error = await refusal(keysOf('k-new', recent), await sealed('value'))
    expect(codeOf(error)).toBe('CONFIG_INVALID')
    expect(messageOf(error)).toBe('the key file does not hold key k-old')
  })

  it('is refused when it was never sealed: nobody slips plain text into a history', async () => {
    const error = await refusal(keys, payload('slipped in'))
    expect(codeOf(error)).toBe('CONFIG_INVALID')
    expect(messageOf(error)).toBe('a payload is not encrypted')
    await refusal(keys, {})
  })
})

it('a codec without its active key is not made', () => {
  expect(() => createCodec(keysOf('k-gone', old))).toThrow(/no key k-gone/)
})
