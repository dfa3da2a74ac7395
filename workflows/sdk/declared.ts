import { defaultPayloadConverter, type WorkflowInterceptors } from '@temporalio/workflow'
import { declaredHeader } from '../../core/declared.ts'
import type { Needs } from '../../core/runbook.ts'

/** Every workflow has modules of its own, so this is the declaration of one run. */
let declared: Needs | undefined

/** From now on everything this workflow asks a worker for says what its runbook has declared. */
export function declare(needs: Needs): void {
  declared = needs
}

/** Loaded into every workflow; changes nothing in those that have declared nothing. */
export const interceptors = (): WorkflowInterceptors => {
  const withDeclaration = <I extends { readonly headers: object }>(input: I): I =>
    declared === undefined
      ? input
      : { ...input, headers: { ...input.headers, [declaredHeader]: defaultPayloadConverter.toPayload(declared) } }
  return {
    outbound: [
      {
        scheduleActivity: (input, next) => next(withDeclaration(input)),
        scheduleLocalActivity: (input, next) => next(withDeclaration(input)),
      },
    ],
  }
}
