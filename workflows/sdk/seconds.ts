import { failure } from '../../core/errors.ts'

/** A wait for what is no number would never end, or never pause. @throws RUNBOOK_INVALID */
export function assertSeconds(of: string, seconds: unknown): void {
  if (typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0) return
  const given = typeof seconds === 'string' ? JSON.stringify(seconds) : String(seconds)
  throw failure('RUNBOOK_INVALID', `${of} wants a number of seconds, and was given ${given}`)
}
