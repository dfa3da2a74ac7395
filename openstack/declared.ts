import { AsyncLocalStorage } from 'node:async_hooks'
import type { Call } from '../core/call.ts'
import { assertDeclared } from '../core/declared.ts'

/** The calls that whatever runs at the moment may make; everything when there is no such list. */
const allowed = new AsyncLocalStorage<readonly string[] | undefined>()

/** Does something that may make these calls only. */
export const allowingOnly = <T>(calls: readonly string[] | undefined, act: () => T): T => allowed.run(calls, act)

/** @throws CALL_NOT_DECLARED */
export function checkDeclared(call: Pick<Call, 'service' | 'path'> & { readonly method: string }): void {
  const calls = allowed.getStore()
  if (calls) assertDeclared(calls, call as Call)
}
