import { defineUpdate, setHandler } from '@temporalio/workflow'
import type { OpenPlan, PlanCommand, PlanState, PlanView } from '../../core/cloud-plan.ts'
import { failure } from '../../core/errors.ts'
import type { Approval } from '../../core/governor.ts'
import { decision, judgeAnswer } from '../../policies/approval.ts'
import { nowIso, type PlanJournal } from './journal.ts'

type Command<K extends PlanCommand['does']> = Extract<PlanCommand, { does: K }>
const command = <K extends PlanCommand['does']>(does: K) => defineUpdate<PlanView, [Command<K>]>(does)

/** What people may do; each answers with the plan as it is then. @throws PLAN_CLOSED, APPROVAL_STALE, APPROVAL_OWN */
export const planCommands = {
  approve: command('approve'),
  stop: command('stop'),
  discard: command('discard'),
} satisfies Record<PlanCommand['does'], unknown>

/** Where people's commands come in. */
export interface PlanDesk {
  isDiscarded(): boolean
  /** Why it is to come to an end, once a person wants that. */
  stopping(): string | undefined
  /** Set when as many persons as are needed have said yes to the present document. */
  approval(): Approval | undefined
}

const toBeDiscarded: ReadonlySet<PlanState> = new Set(['planning', 'proposed'])
const toBeStopped: ReadonlySet<PlanState> = new Set(['approved', 'executing'])

/** Takes commands from the first moment on. The same one again, because its answer was lost, changes nothing. */
export function createPlanDesk({ view, tell, end }: PlanJournal, { governor }: OpenPlan): PlanDesk {
  let discarded: Command<'discard'> | undefined
  let stopped: Command<'stop'> | undefined
  const mayNot = (what: string) => failure('PLAN_CLOSED', `the plan ${view.id} is ${view.state}: it cannot be ${what}`)
  const proposal = () => ({
    planId: view.digest?.id ?? '',
    needs: view.needs ?? 1,
    expiresAt: view.answerBy ?? view.createdAt,
  })
  const isYesAgain = ({ by, planId }: Command<'approve'>) =>
    view.answers.some((answer) => answer.userId === by.userId && answer.planId === planId)

  setHandler(
    planCommands.approve,
    (given) => {
      if (isYesAgain(given)) return view
      const { by, planId, why } = given
      view.answers = [
        ...view.answers,
        { planId, by: by.name, userId: by.userId, says: 'approved', at: nowIso(), ...(why !== undefined && { why }) },
      ]
      const left = (view.needs ?? 1) - view.answers.filter((answer) => answer.planId === planId).length
      tell(`${by.name} approves it${because(why)}${left > 0 ? `; ${left} more person(s) must say yes` : ''}`)
      return view
    },
    {
      validator: (given) => {
        if (view.state !== 'proposed') {
          if (isYesAgain(given) && given.planId === view.digest?.id) return
          throw mayNot('approved')
        }
        const { by, planId } = given
        const refused = judgeAnswer({
          proposal: proposal(),
          answers: view.answers,
          answer: { by: by.name, userId: by.userId, planId, says: 'approved' },
          ...(!governor.approval.ownPlans && { requestedBy: view.userId }),
          nowMs: Date.now(),
        })
        if (refused) throw failure(refused.code, refused.message, { planId: proposal().planId })
      },
    },
  )

  setHandler(
    planCommands.stop,
    (given) => {
      if (stopped) return view
      stopped = given
      tell(`${given.by.name} stops it${because(given.why)}: no further move is begun`)
      return view
    },
    {
      validator: (given) => {
        if (stopped?.by.userId !== given.by.userId && !toBeStopped.has(view.state)) throw mayNot('stopped')
      },
    },
  )

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
        if (discarded?.by.userId !== given.by.userId && !toBeDiscarded.has(view.state)) throw mayNot('discarded')
      },
    },
  )

  return {
    isDiscarded: () => discarded !== undefined,
    stopping: () => stopped && `stopped by ${stopped.by.name}${because(stopped.why)}`,
    approval() {
      const { planId } = proposal()
      const own = view.answers.filter((answer) => answer.planId === planId)
      const at = own.at(-1)?.at
      if (at === undefined || decision(proposal(), own) !== 'approved') return undefined
      return { by: own.map(({ by }) => by).join(', '), at, planId }
    },
  }
}

const because = (why: string | undefined) => (why ? `: ${why}` : '')
