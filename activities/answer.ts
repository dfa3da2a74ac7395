const secretName = /pass(word|wd)?$|secret|private_key|token|credential/i
/** What a server is given at its birth often holds passwords. */
const userData = /^user_?data$/i
const mostJsonLength = 16 << 10

/** What is kept of an answer: without its secrets, and only if it is small. Histories are read by people. */
export function withoutSecrets(body: unknown): { body?: unknown; note?: string } {
  if (body === undefined || body === '') return {}
  // a page of some proxy may repeat what it was sent
  if (typeof body === 'string') return { note: 'the answer was no JSON and was not kept' }
  const kept = redact(body, (name) => secretName.test(name))
  const { length } = JSON.stringify(kept)
  return length <= mostJsonLength ? { body: kept } : { note: `the answer (${length} characters) was not kept` }
}

/** For readers outside of Steward: without what is named like a secret, and without user data. */
export const withoutSecretFields = (value: unknown): unknown =>
  redact(value, (name) => secretName.test(name) || userData.test(name))

function redact(value: unknown, isSecret: (name: string) => boolean): unknown {
  if (Array.isArray(value)) return value.map((inner) => redact(inner, isSecret))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, isSecret(key) ? '(not kept)' : redact(inner, isSecret)]),
  )
}
