import type { InjectedSinks } from '@temporalio/worker'
import type { WitnessSinks } from '../workflows/sdk/witness.ts'
import type { History } from './history-files.ts'
import { type Difference, deedIn, type Foreign, firstOf, wordsOfEvent, wordsOfStep } from './replay-words.ts'

/**
 * Compares what the engine does not: it takes a call for a call, whatever is called. Of two calls that have changed places
 * the second one would be given the answer of the first.
 */
export function createWitness() {
  const asked = new Map<number, { readonly step: string; readonly input: unknown }>()
  const sinks: InjectedSinks<WitnessSinks> = {
    witness: {
      asked: { fn: (_info, seq, step, input) => void asked.set(seq, { step, input }), callDuringReplay: true },
    },
  }
  const stepsIn = ({ events }: History) =>
    (events ?? []).flatMap((event) => {
      const step = event.activityTaskScheduledEventAttributes
      return step ? [{ event, seq: Number(step.activityId), name: step.activityType?.name, input: step.input }] : []
    })

  return {
    sinks,
    /** What comes next is another history. */
    forget: () => asked.clear(),

    /** The first step that is asked for by the same name, and does something else. */
    differenceFrom(history: History): Difference | undefined {
      for (const { event, seq, input } of stepsIn(history)) {
        const now = asked.get(seq)
        if (now === undefined || deedIn(firstOf(input)) === deedIn(now.input)) continue
        return { eventId: Number(event.eventId), was: wordsOfEvent(event), is: wordsOfStep(now.step, now.input) }
      }
      return undefined
    },

    /** The first step that is asked for and that the history has not. */
    firstForeign(history: History): Foreign | undefined {
      const known = new Map(stepsIn(history).map((step) => [step.seq, step]))
      for (const [seq, { step, input }] of [...asked].sort(([a], [b]) => a - b)) {
        const its = known.get(seq)
        if (its?.name === step) continue
        return { step: wordsOfStep(step, input), ...(its && { inPlaceOf: Number(its.event.eventId) }) }
      }
      return undefined
    },
  }
}
