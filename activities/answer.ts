import { withoutSecretFields } from '../policies/redact.ts'

const mostJsonLength = 16 << 10

/** What is kept of an answer: without its secrets, and only if it is small. Histories are read by people. */
export function withoutSecrets(body: unknown): { body?: unknown; note?: string } {
  if (body === undefined || body === '') return {}
  // a page of some proxy may repeat what it was sent
  if (typeof body === 'string') return { note: 'the answer was no JSON and was not kept' }
  const kept = withoutSecretFields(body, '(not kept)')
  const { length } = JSON.stringify(kept)
  return length <= mostJsonLength ? { body: kept } : { note: `the answer (${length} characters) was not kept` }
}
