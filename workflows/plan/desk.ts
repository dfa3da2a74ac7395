import { defineUpdate, setHandler } from '@temporalio/workflow'
import type { PlanCommand, PlanState, PlanView } from '../../core/cloud-plan.ts'
import { failure } from '../../core/errors.ts'
import type { PlanJournal } from './journal.ts'

type Command<K extends PlanCommand['does']> = Extract<PlanCommand, { does: K }>
const command = <K extends PlanCommand['does']>(does: K) => defineUpdate<PlanView, [Command<K>]>(does)

/** What people may do; each answers with the plan as it is then. @throws PLAN_CLOSED */
export const planCommands = { discard: command('discard') } satisfies Record<PlanCommand['does'], unknown>

/** Where people's commands come in. */
export interface PlanDesk {
  discarded(): Command<'discard'> | undefined
}

const toBeDiscarded: ReadonlySet<PlanState> = new Set(['planning', 'proposed'])

/** Takes commands from the first moment on. The same one again, because its answer was lost, changes nothing. */
export function createPlanDesk({ view, end }: PlanJournal): PlanDesk {
  let discarded: Command<'discard'> | undefined
  const mayNot = (what: string) => failure('PLAN_CLOSED', `the plan ${view.id} is ${view.state}: it cannot be ${what}`)

  setHandler(
    planCommands.discard,
    (given) => {
      if (discarded) return view
      discarded = given
      end('discarded', { detail: `discarded by ${given.by.name}${because(given.why)}` })
      return view
    },
    {
      validator: (given) => {
        const isAgain = discarded?.by.userId === given.by.userId
        if (!isAgain && !toBeDiscarded.has(view.state)) throw mayNot('discarded')
      },
    },
  )

  return { discarded: () => discarded }
}

const because = (why: string | undefined) => (why ? `: ${why}` : '')
