import { callOf } from '../../../activities/deed.ts'
import type { Activities, CallOutcome } from '../../../core/activities.ts'
import type { Deed } from '../../../core/chain.ts'
import { failure } from '../../../core/errors.ts'
import { actionNamed } from '../../../policies/catalogue/index.ts'
import { isIdempotent } from '../../../policies/repeat.ts'
import { serverActionOf } from '../../../policies/server-actions.ts'
import type { Did } from './scenario.ts'

type Input = Readonly<Record<string, unknown>>

/** How one action of the catalogue, or one call, changes a world. */
export interface Effect {
  /** There is nothing left to do. */
  isDone?(input: Input): boolean
  /** Why the cloud refuses it now, if it does. */
  refusal?(input: Input): string | undefined
  /** Changes the world; what it gives is the body of the answer. */
  apply(input: Input): unknown
}

/**
 * A world to which actions of the catalogue are done, or calls such as `PUT /os-services/ID`: as the real activities, they
 * look first where the catalogue does, and can be looked for.
 */
export function actionsOn(
  effects: Readonly<Record<string, Effect>>,
  did: Did,
): Pick<Activities, 'performCall' | 'reconcileCall' | 'awaitEffect'> {
  const records: { what: string; key: string; atMs: number }[] = []
  const effectOf = (what: string): Effect => {
    const effect = effects[what]
    if (!effect) throw new Error(`the scenario has no effect of ${what}`)
    return effect
  }
  const keyOf = (input: unknown) => JSON.stringify(input)
  const named = (deed: Deed): { what: string; input: Input } =>
    'call' in deed
      ? { what: `${deed.call.method} ${deed.call.path}`, input: (deed.call.body ?? {}) as Input }
      : { what: deed.action, input: deed.input }
  return {
    async performCall(deed): Promise<CallOutcome> {
      const { what, input } = named(deed)
      const startedAt = new Date().toISOString()
      const { isDone, refusal, apply } = effectOf(what)
      // a call is made all the same, and changes nothing
      if (isDone?.(input))
        return 'call' in deed
          ? { status: 200, startedAt }
          : { status: 200, startedAt, already: true, note: 'nothing to do: it was so already' }
      const refused = refusal?.(input)
      if (refused) throw failure('CLOUD_REFUSED', refused)
      did(`${what} ${keyOf(input)}`)
      records.push({ what, key: keyOf(input), atMs: Date.now() })
      const body = apply(input)
      return { status: 202, startedAt, ...(!('call' in deed) && { goesOn: true }), ...(body !== undefined && { body }) }
    },
    async reconcileCall(deed) {
      const { what, input } = named(deed)
      const { call, spec } = callOf(deed)
      const isRecorded = records.some(
        (one) => one.what === what && one.key === keyOf(input) && one.atMs >= Date.parse(deed.sentAfter) - 1000,
      )
      if (serverActionOf(call)?.recordedAs) return { verdict: isRecorded ? 'done' : 'not done' }
      if (spec?.alreadyDone && effectOf(what).isDone?.(input)) return { verdict: 'done' }
      return { verdict: spec?.repeatable || isIdempotent(call) ? 'not done' : 'unknown' }
    },
    async awaitEffect({ action, input, result }) {
      const { waitFor } = actionNamed(action)
      const seesWhere = !waitFor || waitFor.read(input, result === undefined ? {} : { result }) !== undefined
      return seesWhere ? { outcome: 'done', detail: 'seen' } : { outcome: 'unseen', detail: 'nothing to look at' }
    },
  }
}
