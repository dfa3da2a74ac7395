import { condition, defineSignal, setCurrentDetails, setHandler } from '@temporalio/workflow'
import type { StopState } from '../core/stop.ts'

export const resume = defineSignal<[Pick<StopState, 'by' | 'userId' | 'why'>]>('resume')

/** There is one stop button; while its workflow runs it is pressed. */
export const stopId = 'stop'

/**
 * That the stop button is pressed. It works from the moment the engine has it, without any worker: what is asked before
 * every side effect is whether this workflow is open. Ends when a person resumes.
 */
export async function stopped(pressed: StopState): Promise<{ pressed: StopState; resumed: StopState }> {
  let resumed: StopState | undefined
  setHandler(resume, (by) => {
    resumed ??= { ...by, at: new Date().toISOString(), source: 'api' }
  })
  setCurrentDetails(`stopped by ${pressed.by}: ${pressed.why}`)
  await condition(() => resumed !== undefined)
  setCurrentDetails(`stopped by ${pressed.by}: ${pressed.why}; resumed by ${resumed?.by}: ${resumed?.why}`)
  return { pressed, resumed: resumed as StopState }
}
