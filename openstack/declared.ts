import { AsyncLocalStorage } from 'node:async_hooks'
import { callNotDeclared, isDeclared } from '../core/declared.ts'

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
  throw callNotDeclared(call)
}
