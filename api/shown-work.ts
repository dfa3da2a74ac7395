import type { FastifyInstance } from 'fastify'
import type { Work } from '../core/work.ts'
import { withoutSecretInputs } from '../policies/redact.ts'

const hidden = '(hidden)'

/** Has every answer of these routes show work without what is named like a secret, and without user data. */
export function hideSecretsOfWork(app: Pick<FastifyInstance, 'addHook'>): void {
  app.addHook('preSerialization', async (_request, _reply, payload) => shownAnswer(payload as Answer))
}

/** An action, recurring or not, or a list of them. */
type Answer = Partial<Work> & { actions?: Partial<Work>[]; recurringActions?: Partial<Work>[] }

const shownAnswer = (answer: Answer): Answer => ({
  ...shownWork(answer),
  ...(answer.actions && { actions: answer.actions.map(shownWork) }),
  ...(answer.recurringActions && { recurringActions: answer.recurringActions.map(shownWork) }),
})

/** What was given once is not given back: whoever may read an action need not be who wrote it. */
export function shownWork<T extends Partial<Work>>(view: T): T {
  const { call, with: input, steps } = view
  return {
    ...view,
    ...(call && { call: shownCall(call) }),
    ...(input && { with: withoutSecretInputs(input, hidden) }),
    ...(steps && {
      steps: steps.map((step) => ({
        ...step,
        with: withoutSecretInputs(step.with, hidden),
        action: typeof step.action === 'string' ? step.action : shownCall(step.action),
      })),
    }),
  }
}

const shownCall = <C extends { body?: unknown }>(call: C): C =>
  call.body === undefined ? call : { ...call, body: withoutSecretInputs(call.body, hidden) }
