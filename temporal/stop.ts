import { type Client, WorkflowNotFoundError } from '@temporalio/client'
import { failure } from '../core/errors.ts'
import { attributes } from '../core/search-attributes.ts'
import { StopState } from '../core/stop.ts'
import { taskQueues } from '../core/task-queues.ts'
import { resume, stopId, stopped } from '../workflows/stop.ts'
import { throughEngine } from './reach.ts'

type Who = Pick<StopState, 'by' | 'userId' | 'why'>

/** The stop button: pressed, nothing new is begun, by nobody, until a person resumes. */
export interface StopButton {
  /** Undefined when it is not pressed. */
  show(): Promise<StopState | undefined>
  /** Pressing it again changes nothing: who pressed it first is kept. */
  press(who: Who): Promise<StopState>
  /** Returns what it was pressed for; undefined when it was not. @throws STOPPED while a stop file is left */
  resume(who: Who): Promise<StopState | undefined>
}

/** Where a stop file of this machine is looked for. */
export type StopFile = () => Promise<StopState | undefined>

const resumedWithinMs = 8_000

/**
 * Needs no worker: a pressed button is a workflow that is open. A stop file counts as well, so that the button works
 * where the API does not.
 */
export function createStopButton(client: Client, stopFile: StopFile): StopButton {
  const handle = () => client.workflow.getHandle<typeof stopped>(stopId)

  async function pressed(): Promise<StopState | undefined> {
    try {
      const { status, memo } = await handle().describe()
      return status.name === 'RUNNING' ? StopState.parse(memo?.view) : undefined
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined
      throw error
    }
  }

  async function press(who: Who): Promise<StopState> {
    const state: StopState = { ...who, at: new Date().toISOString(), source: 'api' }
    await client.workflow.start(stopped, {
      workflowId: stopId,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: taskQueues.remediation,
      args: [state],
      memo: { view: state },
      staticSummary: `Stopped by ${who.by}`,
      staticDetails: who.why,
      typedSearchAttributes: [
        { key: attributes.kind, value: 'stop' },
        { key: attributes.state, value: 'stopped' },
      ],
    })
    return (await pressed()) ?? state
  }

  async function release(who: Who): Promise<StopState | undefined> {
    const file = await stopFile()
    if (file)
      throw failure('STOPPED', `there is a stop file, of ${file.by}: remove it on its machine (steward resume --file)`)
    const state = await pressed()
    if (!state) return undefined
    await handle().signal(resume, who)
    for (const deadline = Date.now() + resumedWithinMs; Date.now() < deadline; )
      if (!(await pressed())) return state
      else await new Promise((resolve) => setTimeout(resolve, 100))
    throw failure('ENGINE_UNREACHABLE', 'no worker has taken the resumption yet: it is kept, and works once one runs')
  }

  return {
    show: async () => (await stopFile()) ?? (await throughEngine(client, pressed)),
    press: (who) => throughEngine(client, () => press(who)),
    resume: (who) => throughEngine(client, () => release(who)),
  }
}
