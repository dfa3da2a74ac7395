import type { Activities, CallOutcome } from '../../../core/activities.ts'
import { actionNamed } from '../../../policies/catalogue/index.ts'
import type { Did } from './scenario.ts'

type Input = Readonly<Record<string, unknown>>

/** How one action of the catalogue changes a world. */
export interface Effect {
  /** There is nothing left to do. */
  isDone?(input: Input): boolean
  /** Changes the world; what it gives is the body of the answer. */
  apply(input: Input): unknown
}

/** A world to which actions of the catalogue are done: as the real activities, they look first, and can be looked for. */
export function actionsOn(
  effects: Readonly<Record<string, Effect>>,
  did: Did,
): Pick<Activities, 'performCall' | 'reconcileCall' | 'awaitEffect'> {
  const records: { action: string; key: string; atMs: number }[] = []
  const effectOf = (action: string): Effect => {
    const effect = effects[action]
    if (!effect) throw new Error(`the scenario has no effect of ${action}`)
    return effect
  }
  const keyOf = (input: unknown) => JSON.stringify(input)
  const named = (deed: object) => deed as { action: string; input: Input }
  return {
    async performCall(deed): Promise<CallOutcome> {
      const { action, input } = named(deed)
      const startedAt = new Date().toISOString()
      const { isDone, apply } = effectOf(action)
      if (isDone?.(input)) return { status: 200, startedAt, already: true, note: 'nothing to do: it was so already' }
      did(`${action} ${keyOf(input)}`)
      records.push({ action, key: keyOf(input), atMs: Date.now() })
      const body = apply(input)
      return { status: 202, startedAt, goesOn: true, ...(body !== undefined && { body }) }
    },
    async reconcileCall(deed) {
      const { action, input } = named(deed)
      const { repeatable } = actionNamed(action)
      const isRecorded = records.some(
        (one) => one.action === action && one.key === keyOf(input) && one.atMs >= Date.parse(deed.sentAfter) - 1000,
      )
      // Nova keeps a record of what is done to servers
      if (action.startsWith('server.')) return { verdict: isRecorded ? 'done' : 'not done' }
      if (effectOf(action).isDone?.(input)) return { verdict: 'done' }
      return { verdict: repeatable ? 'not done' : 'unknown' }
    },
    async awaitEffect({ action, input, result }) {
      const { waitFor } = actionNamed(action)
      const seesWhere = !waitFor || waitFor.read(input, result === undefined ? {} : { result }) !== undefined
      return seesWhere ? { outcome: 'done', detail: 'seen' } : { outcome: 'unseen', detail: 'nothing to look at' }
    },
  }
}
