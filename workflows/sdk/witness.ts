import { proxySinks, type Sinks, type WorkflowInterceptors } from '@temporalio/workflow'

/** Hears of every step that a replayed workflow asks for, with its input, which the engine does not compare. */
export interface WitnessSinks extends Sinks {
  witness: { asked(seq: number, step: string, input: unknown): void }
}

/** Part of those bundles only that histories are replayed against. */
export const interceptors = (): WorkflowInterceptors => {
  const { witness } = proxySinks<WitnessSinks>()
  return {
    outbound: [
      {
        scheduleActivity(input, next) {
          witness.asked(input.seq, input.activityType, input.args[0])
          return next(input)
        },
      },
    ],
  }
}
