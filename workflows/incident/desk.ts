import { CancellationScope, condition, defineUpdate, isCancellation, setHandler } from '@temporalio/workflow'
import { failure } from '../../core/errors.ts'
import type { IncidentCommand, IncidentState, IncidentView } from '../../core/incident.ts'
import { judgeAnswer } from '../../policies/approval.ts'
import { type Journal, nowIso } from './journal.ts'

type Command<K extends IncidentCommand['does']> = Extract<IncidentCommand, { does: K }>
const command = <K extends IncidentCommand['does']>(does: K) => defineUpdate<IncidentView, [Command<K>]>(does)

/** What people may do; each answers with the incident as it is then. @throws INCIDENT_CLOSED, APPROVAL_… */
export const commands = {
  acknowledge: command('acknowledge'),
  comment: command('comment'),
  'take-over': command('take-over'),
  'hand-back': command('hand-back'),
  close: command('close'),
  answer: command('answer'),
} satisfies Record<IncidentCommand['does'], unknown>

/** What changes where an incident is in its life; everything else is only written down. */
export type Order = Command<'take-over' | 'hand-back' | 'close'>

/** Where people's commands come in. */
export interface Desk {
  isWaiting(): boolean
  /** The order that waits, which is thereby carried out. */
  take(): Order | undefined
  /** Does what may be left at any moment; undefined when a person wants something else first. */
  interruptible<T>(work: () => Promise<T>): Promise<T | undefined>
}

/** A run under way ends at a safe point of its own; nothing else may be closed over its head. */
const notToBeClosed: ReadonlySet<IncidentState> = new Set(['planning', 'acting', 'verifying', 'closed'])
const toBeHandedBack: ReadonlySet<IncidentState> = new Set(['taken-over', 'escalated', 'observing', 'flapping'])
const keptAnswers = 20

/** Takes commands from the first moment on. The same one again, because its answer was lost, changes nothing. */
export function createDesk({ view, tell }: Journal): Desk {
  let order: Order | undefined
  let scope: CancellationScope | undefined
  let handedBackBy: string | undefined

  const mustBeOpen = () => {
    if (view.state === 'closed') throw failure('INCIDENT_CLOSED', 'the incident is closed')
  }
  const mayNot = (what: string) => failure('INCIDENT_CLOSED', `the incident is ${view.state}: it cannot be ${what}`)
  const isAgain = ({ does, by }: Order) =>
    does === 'take-over'
      ? view.state === 'taken-over' && view.takenOverBy === by.name && order === undefined
      : does === 'hand-back' && !toBeHandedBack.has(view.state) && handedBackBy === by.userId

  /** Interrupts what is being done; a run is not cut off, it is asked to come to an end. */
  async function give(given: Order): Promise<IncidentView> {
    if (isAgain(given)) return view
    order = given
    handedBackBy = given.does === 'hand-back' ? given.by.userId : undefined
    scope?.cancel()
    await condition(() => order === undefined || view.state === 'acting')
    return view
  }

  setHandler(
    commands.acknowledge,
    ({ by }) => {
      if (view.acknowledgedBy !== by.name) {
        view.acknowledgedBy = by.name
        tell(`${by.name} has seen it`)
      }
      return view
    },
    { validator: (_given) => mustBeOpen() },
  )
  setHandler(
    commands.comment,
    ({ by, text }) => {
      const entry = `${by.name}: ${text}`
      if (view.timeline.at(-1)?.text !== entry) tell(entry)
      return view
    },
    { validator: (_given) => mustBeOpen() },
  )
  setHandler(
    commands['take-over'],
    (given) => {
      if (view.state === 'acting' && view.takenOverBy !== given.by.name) {
        view.takenOverBy = given.by.name
        tell(`${given.by.name} takes it over${because(given.why)}: the run is asked to come to an end`)
      }
      return give(given)
    },
    { validator: (_given) => mustBeOpen() },
  )
  setHandler(commands['hand-back'], give, {
    validator: (given) => {
      if (order || !(toBeHandedBack.has(view.state) || isAgain(given))) throw mayNot('handed back')
    },
  })
  setHandler(commands.close, give, {
    validator: (_given) => {
      if (order || notToBeClosed.has(view.state)) throw mayNot('closed')
    },
  })
  setHandler(
    commands.answer,
    (given) => {
      const { says, why } = given
      view.answers = [...view.answers, { ...answerOf(given), at: nowIso(), ...(why && { why }) }].slice(-keptAnswers)
      tell(`${given.by.name} has ${says} the plan${because(why)}`)
      return view
    },
    {
      validator: (given) => {
        mustBeOpen()
        const { proposal, answers, state } = view
        if (!proposal || state !== 'asking') throw failure('APPROVAL_STALE', 'no plan is being asked about')
        const refused = judgeAnswer({ proposal, answers, answer: answerOf(given), nowMs: Date.now() })
        if (refused) throw failure(refused.code, refused.message, { planId: proposal.planId })
      },
    },
  )

  return {
    isWaiting: () => order !== undefined,
    take() {
      const taken = order
      order = undefined
      return taken
    },
    async interruptible(work) {
      if (order) return undefined
      scope = new CancellationScope()
      try {
        return await scope.run(work)
      } catch (error) {
        if (order && isCancellation(error)) return undefined
        throw error
      } finally {
        scope = undefined
      }
    },
  }
}

const answerOf = ({ by: { name, userId, byLink }, planId, says }: Command<'answer'>) => ({
  ...{ planId, by: name, userId, says },
  ...(byLink && { byLink }),
})

export const because = (why: string | undefined) => (why ? `: ${why}` : '')
