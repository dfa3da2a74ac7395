import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { z } from 'zod'
import { PlanAnswer } from '../api/routes/plans.ts'
import type { ErrorCode } from '../core/catalogue.ts'
import { PlanShown, PlanView, type WaveView } from '../core/cloud-plan.ts'
import { failure } from '../core/errors.ts'
import { PlanDocument } from '../core/plan-document.ts'
import { downtimeNote } from '../policies/planner/cold.ts'
import { type Ask, connectApi, type GlobalOptions } from './api-client.ts'
import { type PageOptions, pageQuery, printMore } from './paging.ts'
import { type GoalOptions, type PowerOptions, planOptionsOf, powerOf, withGoal, withPower } from './plan-options.ts'
import { printFields, printTable } from './print.ts'
import { spanSeconds, spanText, timeText } from './span.ts'

const List = z.object({ plans: z.array(PlanView), nextPage: z.string().optional() })
const lookEveryMs = 1_000

interface CreateOptions extends GoalOptions, PowerOptions {
  validFor?: number
  why?: string
}

/** plan create, list, show, discard: plans on the live cloud, made by Steward. */
export function addPlansOfCloud(plan: Command): void {
  withPower(withGoal(plan.command('create').description('has a plan made on the live cloud; moves nothing')))
    .option('--valid-for <duration>', 'how long it can be approved (default: 15m)', spanSeconds)
    .option('--why <text>')
    .action(async ({ goal, why, validFor, ...given }: CreateOptions, command: Command) => {
      const ask = await connectApi(command)
      const options = {
        ...planOptionsOf(given),
        ...powerOf(given),
        ...(validFor !== undefined && { validForMs: validFor * 1000 }),
      }
      const answer = PlanAnswer.parse(await ask('POST', '/plans', { goal, options, ...(why && { why }) }))
      print(command, await whole(ask, answer))
    })
  plan
    .command('list')
    .description('those that are not at their end first, newest first')
    .option('--limit <n>', 'most rows', '100')
    .option('--page <page>', 'the rows after these, as the list before says')
    .option('--state <state>', 'such as proposed')
    .action(async ({ state, ...wish }: PageOptions & { state?: string }, command: Command) => {
      const ask = await connectApi(command)
      const inState = state === undefined ? '' : `&state=${encodeURIComponent(state)}`
      const { plans, nextPage } = List.parse(await ask('GET', `/plans?${pageQuery(wish)}${inState}`))
      const rows = plans.map((p) => [
        ...[timeText(p.createdAt), p.state, p.goal, p.digest && `${p.digest.moves} in ${p.digest.waves.length}`],
        ...[p.by, p.reason?.detail ?? p.why, p.id],
      ])
      printTable(command, plans, ['CREATED', 'STATE', 'GOAL', 'MOVES IN WAVES', 'BY', 'WHAT', 'ID'], rows)
      printMore(command, nextPage)
    })
  plan
    .command('show <id>')
    .description('state, figures and picture of a plan')
    .action(async (id: string, _options: object, command: Command) => {
      const ask = await connectApi(command)
      print(command, await withDocument(ask, PlanShown.parse(await ask('GET', pathOf(id)))))
    })
  plan
    .command('approve <id>')
    .description('say yes to the plan you have read: servers are moved; `plan show` has the id of its document')
    .requiredOption('--document <id>', 'the document, or the first 8 characters of its id')
    .option('--why <text>')
    .action(async (id: string, given: { document: string; why?: string }, command: Command) => {
      const ask = await connectApi(command)
      const documentId = documentOf(PlanView.parse(await ask('GET', pathOf(id))), given.document)
      const body = { documentId, ...(given.why !== undefined && { why: given.why }) }
      print(command, { plan: PlanView.parse(await ask('POST', `${pathOf(id)}/approve`, body)) })
    })
  plan
    .command('stop <id>')
    .description('no further move is begun; those under way are finished')
    .option('--why <text>')
    .action(async (id: string, why: object, command: Command) => {
      const ask = await connectApi(command)
      print(command, { plan: PlanView.parse(await ask('POST', `${pathOf(id)}/stop`, why)) })
    })
  plan
    .command('undo <id>')
    .description('has the way back planned from the moves that a plan has made; approve it like any plan')
    .option('--why <text>')
    .action(async (id: string, why: object, command: Command) => {
      const ask = await connectApi(command)
      print(command, await whole(ask, PlanAnswer.parse(await ask('POST', `${pathOf(id)}/undo`, why))))
    })
  plan
    .command('discard <id>')
    .description('it cannot be approved any more')
    .option('--why <text>')
    .action(async (id: string, why: object, command: Command) => {
      const ask = await connectApi(command)
      print(command, { plan: PlanView.parse(await ask('DELETE', pathOf(id), why)) })
    })
}

interface Answer {
  readonly plan: PlanView | PlanShown
  readonly document?: PlanDocument
}

const pathOf = (id: string) => `/plans/${encodeURIComponent(id)}`

/** @throws APPROVAL_STALE when the document that was read is not the one that is asked about */
function documentOf({ id, state, digest }: PlanView, given: string): string {
  if (!digest) throw failure('PLAN_CLOSED', `the plan ${id} is ${state}: it has no document`)
  if (given.length >= 8 && digest.id.startsWith(given.toLowerCase())) return digest.id
  throw failure('APPROVAL_STALE', `the document that is asked about is ${digest.id}`)
}

/** A plan that takes its time is waited for. @throws why it could not be made */
async function whole(ask: Ask, { plan, document }: PlanAnswer): Promise<Answer> {
  let view = plan
  for (; view.state === 'planning'; await sleep(lookEveryMs)) view = PlanView.parse(await ask('GET', pathOf(plan.id)))
  if (view.state === 'failed') throw failure((view.reason?.code ?? 'INTERNAL') as ErrorCode, `${view.reason?.detail}`)
  return document ? { plan: view, document } : withDocument(ask, view)
}

async function withDocument(ask: Ask, plan: PlanView | PlanShown): Promise<Answer> {
  if (!plan.digest) return { plan }
  return { plan, document: PlanDocument.parse(await ask('GET', `${pathOf(plan.id)}/document`)) }
}

const offOf = ({ digest }: PlanView) => digest?.powerOff?.join(', ') || 'no host: what they draw is in power.hosts'

/** JSON has everything; people get the figures, how far it is, and what is moved as a picture. */
function print(command: Command, answer: Answer): void {
  const { plan, document } = answer
  const { digest, reason, answers, needs = 1 } = plan
  const yes = answers.filter(({ planId }) => planId === digest?.id).map(({ by }) => by)
  const isOpen = plan.state === 'proposed' && plan.answerBy !== undefined
  printFields(command, answer, [
    ['id', plan.id],
    ['state', plan.state],
    ['asked for', `${timeText(plan.createdAt)} by ${plan.by}${plan.why ? `: ${plan.why}` : ''}`],
    ['takes back', plan.undoes],
    ['made for', plan.recurs && `recurring plan ${plan.recurs.id}, ${timeText(plan.recurs.at)}`],
    ['window', plan.beginBy && `waves begin until ${timeText(plan.beginBy)}`],
    ['document', digest?.id],
    ['approved by', yes.length > 0 ? yes.join(', ') : undefined],
    ['can be approved', isOpen ? `until ${timeText(plan.answerBy ?? '')}, by ${needs} person(s)` : undefined],
    ['should take', digest && spanText(digest.forecast.durationMs)],
    ['brings', digest && `${hours(digest.efficacy.benefitHostHours)}, costs ${hours(digest.efficacy.costHostHours)}`],
    ['downtime', document?.notes.find(({ where }) => where === downtimeNote)?.says],
    ['way back', document?.undo.impossible],
    ['moved', plan.waves.some(hasBegun) ? progressOf(plan.waves) : undefined],
    ['at work', 'says' in plan ? plan.says : undefined],
    ['turns off', plan.options.powerOff ? offOf(plan) : undefined],
    ['asleep', plan.asleep?.join(', ')],
    ['disabled', plan.disabled.length > 0 ? plan.disabled.join(', ') : undefined],
    ['why', reason && `${reason.code ? `${reason.code}: ` : ''}${reason.detail}`],
  ])
  if (command.optsWithGlobals<GlobalOptions>().json) return
  const waves = plan.waves.filter(hasBegun)
  if (waves.length > 0) {
    process.stdout.write('\n')
    printTable(command, waves, ['WAVE', 'STATE', 'MOVED', 'BEGAN', 'ENDED'], waves.map(rowOf))
  }
  if (document) process.stdout.write(`\n${document.picture}`)
}

const hasBegun = ({ state }: WaveView) => state !== 'waiting'

const rowOf = ({ wave, state, moved, moves, startedAt, endedAt }: WaveView) => [
  ...[String(wave), state, `${moved} of ${moves}`],
  ...[startedAt && timeText(startedAt), endedAt && timeText(endedAt)],
]

function progressOf(waves: readonly WaveView[]): string {
  const sum = (of: (wave: WaveView) => number) => waves.reduce((total, wave) => total + of(wave), 0)
  const done = waves.filter(({ state }) => state === 'done').length
  return `${sum(({ moved }) => moved)} of ${sum(({ moves }) => moves)} servers, ${done} of ${waves.length} waves`
}

const hours = (amount: number) => `${amount.toFixed(1)} host-hours`
