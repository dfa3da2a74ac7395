import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { z } from 'zod'
import { PlanAnswer } from '../api/routes/plans.ts'
import type { ErrorCode } from '../core/catalogue.ts'
import { PlanView } from '../core/cloud-plan.ts'
import { failure } from '../core/errors.ts'
import { PlanDocument } from '../core/plan-document.ts'
import { type Ask, connectApi } from './api-client.ts'
import { type GoalOptions, planOptionsOf, withGoal } from './plan-options.ts'
import { printFields, printTable } from './print.ts'
import { spanSeconds, spanText, timeText } from './span.ts'

const List = z.object({ plans: z.array(PlanView) })
const lookEveryMs = 1_000

interface CreateOptions extends GoalOptions {
  validFor?: number
  why?: string
}

/** plan create, list, show, discard: plans on the live cloud, made by Steward. */
export function addPlansOfCloud(plan: Command): void {
  withGoal(plan.command('create').description('has a plan made on the live cloud; moves nothing'))
    .option('--valid-for <duration>', 'how long it can be approved (default: 15m)', spanSeconds)
    .option('--why <text>')
    .action(async ({ goal, why, validFor, ...given }: CreateOptions, command: Command) => {
      const ask = await connectApi(command)
      const options = { ...planOptionsOf(given), ...(validFor !== undefined && { validForMs: validFor * 1000 }) }
      const answer = PlanAnswer.parse(await ask('POST', '/plans', { goal, options, ...(why && { why }) }))
      print(command, await whole(ask, answer))
    })
  plan
    .command('list')
    .description('newest first')
    .option('--limit <n>', 'most rows', '100')
    .option('--state <state>', 'such as proposed')
    .action(async (filter: { limit: string; state?: string }, command: Command) => {
      const ask = await connectApi(command)
      const { plans } = List.parse(await ask('GET', `/plans?${new URLSearchParams({ ...filter })}`))
      const rows = plans.map((p) => [
        ...[timeText(p.createdAt), p.state, p.goal, p.digest && `${p.digest.moves} in ${p.digest.waves.length}`],
        ...[p.by, p.reason?.detail ?? p.why, p.id],
      ])
      printTable(command, plans, ['CREATED', 'STATE', 'GOAL', 'MOVES IN WAVES', 'BY', 'WHAT', 'ID'], rows)
    })
  plan
    .command('show <id>')
    .description('state, figures and picture of a plan')
    .action(async (id: string, _options: object, command: Command) => {
      const ask = await connectApi(command)
      print(command, await withDocument(ask, PlanView.parse(await ask('GET', pathOf(id)))))
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

const pathOf = (id: string) => `/plans/${encodeURIComponent(id)}`

/** A plan that takes its time is waited for. @throws why it could not be made */
async function whole(ask: Ask, { plan, document }: PlanAnswer): Promise<PlanAnswer> {
  let view = plan
  for (; view.state === 'planning'; await sleep(lookEveryMs)) view = PlanView.parse(await ask('GET', pathOf(plan.id)))
  if (view.state === 'failed') throw failure((view.reason?.code ?? 'INTERNAL') as ErrorCode, `${view.reason?.detail}`)
  return document ? { plan: view, document } : withDocument(ask, view)
}

async function withDocument(ask: Ask, plan: PlanView): Promise<PlanAnswer> {
  if (!plan.digest) return { plan }
  return { plan, document: PlanDocument.parse(await ask('GET', `${pathOf(plan.id)}/document`)) }
}

/** JSON has everything; people get the figures, and what is moved as a picture. */
function print(command: Command, answer: PlanAnswer): void {
  const { plan, document } = answer
  const { digest, reason } = plan
  printFields(command, answer, [
    ['id', plan.id],
    ['state', plan.state],
    ['asked for', `${timeText(plan.createdAt)} by ${plan.by}${plan.why ? `: ${plan.why}` : ''}`],
    ['document', digest?.id],
    ['can be approved', digest && plan.state === 'proposed' ? `until ${timeText(digest.expiresAt)}` : undefined],
    ['should take', digest && spanText(digest.forecast.durationMs)],
    ['brings', digest && `${hours(digest.efficacy.benefitHostHours)}, costs ${hours(digest.efficacy.costHostHours)}`],
    ['way back', document?.undo.impossible],
    ['why', reason && `${reason.code ? `${reason.code}: ` : ''}${reason.detail}`],
  ])
  if (document && !command.optsWithGlobals<{ json?: boolean }>().json) process.stdout.write(`\n${document.picture}`)
}

const hours = (amount: number) => `${amount.toFixed(1)} host-hours`
