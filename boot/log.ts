import pino, { type Logger } from 'pino'
import { codeOf, messageOf } from '../core/errors.ts'

/**
 * Steward's log: one JSON object per line on standard error. Of an error only code, message and our own stack are
 * written, never its other properties: those may hold whatever a library put there.
 */
export function createLog(name: string, level = process.env.STEWARD_LOG ?? 'info'): Logger {
  return pino(
    {
      name,
      level,
      redact: { paths: ['*.headers', 'headers', '*["x-auth-token"]', '*.token', '*.password'], censor: '(hidden)' },
      serializers: {
        err: (error: unknown) => ({
          code: codeOf(error),
          message: messageOf(error),
          stack: error instanceof Error ? error.stack?.split('\n').slice(1, 6).join('\n') : undefined,
        }),
      },
    },
    pino.destination(2),
  )
}
