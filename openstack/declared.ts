import { AsyncLocalStorage } from 'node:async_hooks'
import { isDeclared } from '../core/declared.ts'
import { failure } from '../core/errors.ts'

/** The calls that whatever runs at the moment may make; all when there is no such list. */
const allowed = new AsyncLocalStorage<readonly string[] | undefined>()

/** Does something that may make these calls only. */
export const allowingOnly = <T>(calls: readonly string[] | undefined, act: () => T): T => allowed.run(calls, act)

/** @throws CALL_NOT_DECLARED */
export function checkDeclared(call: {
  readonly service: string
  readonly method: string
  readonly path: string
}): void {
  const calls = allowed.getStore()
  if (calls === undefined || isDeclared(calls, call)) return
  const what = `${call.service} ${call.method} ${call.path.split('?', 1)[0]}`
  throw failure('CALL_NOT_DECLARED', `the runbook has not declared ${what} in its needs.calls`, { kind: 'calls', what })
}
