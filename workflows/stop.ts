import { condition, defineSignal, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow'
import type { ToldStop } from '../core/notification.ts'
import type { StopState } from '../core/stop.ts'
import { createAnnouncer } from './announce.ts'

export const resume = defineSignal<[Pick<StopState, 'by' | 'userId' | 'why'>]>('resume')

/** There is one stop button; while its workflow runs it is pressed. */
export const stopId = 'stop'

/** Whoever has released it waits for it to take effect. */
const tellsWithinMs = 2_000

/**
 * That the stop button is pressed. It works from the moment the engine has it, without any worker: what is asked before
 * every side effect is whether this workflow is open. Ends when a person resumes.
 */
export async function stopped(pressed: StopState): Promise<{ pressed: StopState; resumed: StopState }> {
  let resumed: StopState | undefined
  const announcer = createAnnouncer()
  const tell = (event: 'stop.pressed' | 'stop.released', view: ToldStop) =>
    announcer.tell({ event, subject: `stop/${workflowInfo().firstExecutionRunId}`, sequence: 1, view })
  setHandler(resume, (by) => {
    resumed ??= { ...by, at: new Date().toISOString(), source: 'api' }
  })
  setCurrentDetails(`stopped by ${pressed.by}: ${pressed.why}`)
  tell('stop.pressed', { stopped: true, state: pressed })
  await condition(() => resumed !== undefined)
  setCurrentDetails(`stopped by ${pressed.by}: ${pressed.why}; resumed by ${resumed?.by}: ${resumed?.why}`)
  const released = resumed as StopState
  tell('stop.released', { stopped: false, state: pressed, released })
  if (!announcer.isIdle()) await condition(announcer.isIdle, tellsWithinMs)
  return { pressed, resumed: released }
}
