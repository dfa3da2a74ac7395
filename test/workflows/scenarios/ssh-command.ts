import type { CommandOutcome } from '../../../core/activities.ts'
import { failure } from '../../../core/errors.ts'
import type { Did, Scenario } from './scenario.ts'

const ran: CommandOutcome = { outcome: 'ran', exitCode: 0, stdout: '', stderr: '', cutBytes: 0 }
const undo = { command: 'unmark', args: { name: 'it' } }

/** A command that can be looked for and taken back: an attempt after the first one begins with a look. */
const marking = (did: Did) => {
  let isMarked = false
  return {
    activities: {
      async runCommand({ command }: { command: string }): Promise<CommandOutcome> {
        const to = command === 'mark'
        if (isMarked === to) return { ...ran, outcome: 'was done', exitCode: null, ...(to && { undo }) }
        did(command)
        isMarked = to
        return { ...ran, ...(to && { undo }) }
      },
    },
    left: () => (isMarked ? ['the mark'] : []),
  }
}

export const scenario: Scenario = {
  input: { host: 'compute1', command: 'mark', args: { name: 'it' } },
  world: marking,
}

/** A command that cannot: an attempt after the first one is refused. */
export const withoutLook =
  (did: Did) =>
  async (call: object, attempt = 1): Promise<CommandOutcome> => {
    if (attempt > 1) throw failure('SSH_OUTCOME_UNKNOWN', 'it may have been sent by an earlier attempt')
    did(JSON.stringify(call))
    return ran
  }
