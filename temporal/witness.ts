import type { InjectedSinks } from '@temporalio/worker'
import type { WitnessSinks } from '../workflows/sdk/witness.ts'
import type { History } from './history-files.ts'
import { type Difference, deedIn, firstOf, wordsOfEvent, wordsOfStep } from './replay-words.ts'

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
    firstForeign(history: History): string | undefined {
      const known = new Map(stepsIn(history).map(({ seq, name }) => [seq, name]))
      const found = [...asked].sort(([a], [b]) => a - b).find(([seq, { step }]) => known.get(seq) !== step)
      return found && wordsOfStep(found[1].step, found[1].input)
    },
  }
}
