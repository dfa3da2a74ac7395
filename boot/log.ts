import pino, { type DestinationStream, type Logger } from 'pino'
import { codeOf, messageOf } from '../core/errors.ts'

const secrets = ['headers', 'x-auth-token', 'x-subject-token', 'authorization', 'token', 'password', 'secret']

/**
 * Steward's log: one JSON object per line on standard error. Of an error only code, message and our own stack are
 * written, never its other properties: those may hold whatever a library put there.
 */
export function createLog(
  name: string,
  level = process.env.STEWARD_LOG ?? 'info',
  destination: DestinationStream = pino.destination(2),
): Logger {
  return pino(
    {
      name,
      level,
      redact: { paths: secrets.flatMap((field) => [`["${field}"]`, `*["${field}"]`]), censor: '(hidden)' },
      serializers: { err: asLogged },
      formatters: {
        // under whatever name an error is logged
        log: (fields) =>
          Object.fromEntries(Object.entries(fields).map(([k, v]) => [k, v instanceof Error ? asLogged(v) : v])),
      },
    },
    destination,
  )
}

const asLogged = (error: unknown) =>
  error instanceof Error
    ? { code: codeOf(error), message: messageOf(error), stack: error.stack?.split('\n').slice(1, 6).join('\n') }
    : error
