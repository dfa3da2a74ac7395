import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { planRunbook } from '../../core/cloud-plan.ts'
import { failure } from '../../core/errors.ts'
import { type GovernorConfig, type GovernorState, Mode } from '../../core/governor.ts'
import { knownRunbooks, type Policy } from '../../core/policy.ts'
import { StopState } from '../../core/stop.ts'
import type { Governor } from '../../temporal/governor.ts'
import type { StopButton } from '../../temporal/stop.ts'
import { callerOf } from '../access.ts'
import { Budget, budgetsInUse } from '../budgets.ts'
import { Problem } from '../problem.ts'

export interface GovernorRoutesOptions {
  governor: Governor
  stop: StopButton
  config: GovernorConfig
  policies: readonly Policy[]
  /** Of all runbooks that the workers have; none while they have not said so. */
  runbookNames: () => Promise<readonly string[]>
  now?: () => number
}

const ModeSetting = z.object({
  scope: z.string().describe('`all`, `policy/NAME` or `runbook/NAME`'),
  mode: Mode,
  by: z.string(),
  at: z.string(),
  why: z.string().optional(),
})

/** How far machines may go, how much of it they do at the moment, and whether they may at all. */
export const GovernorView = z.object({
  mode: Mode.describe('for all policies; one of them, or a runbook, may be set to a stricter one'),
  modeFrom: z.string().describe('steward.yaml, or who set it'),
  settings: z.array(ModeSetting).describe('set by people; each counts until it is taken back'),
  policies: z.array(z.object({ policy: z.string(), mode: Mode })).describe('modes of single policies in steward.yaml'),
  stop: StopState.optional().describe('missing when the stop button is not pressed'),
  leases: z.int(),
  queue: z.array(
    z.object({ id: z.string(), by: z.string(), runbook: z.string(), targets: z.array(z.string()), since: z.string() }),
  ),
  budgets: z.array(Budget),
})
export type GovernorView = z.infer<typeof GovernorView>

/** More of them than anybody reads at once. */
const mostShown = 100

const problems = { 400: Problem, 401: Problem, 403: Problem, 503: Problem }
const Why = z.string().trim().min(1).max(500)
const ScopeParams = z.object({
  scope: z
    .string()
    .regex(/^(all|(policy|runbook):[a-z0-9][a-z0-9-]{0,62})$/)
    .describe('`all`, `policy:NAME` or `runbook:NAME`'),
})
const Settings = z.object({ settings: z.array(ModeSetting) })

/** The governor as people see and set it. */
export const governorRoutes: FastifyPluginAsyncZod<GovernorRoutesOptions> = async (app, options) => {
  const { governor, stop, config, policies, runbookNames, now = Date.now } = options

  app.get(
    '/governor',
    {
      config: { access: 'governor:read' },
      schema: {
        tags: ['governor'],
        summary: 'Show modes, budgets, queue and stop button',
        response: { 200: GovernorView, ...problems },
      },
    },
    async () => {
      const [state, stopped] = await Promise.all([governor.state(), stop.show()])
      return viewOf(state, config, policies, stopped, now())
    },
  )

  const settings = async () => ({ settings: [...(await governor.state()).modes] })
  app.put(
    '/governor/modes/:scope',
    {
      config: { access: 'governor:mode' },
      schema: {
        tags: ['governor'],
        summary: 'Set a mode, until it is taken back; the strictest of all that apply counts',
        params: ScopeParams,
        body: z.strictObject({ mode: Mode, why: Why }),
        response: { 200: Settings, ...problems },
      },
    },
    async (request) => {
      const scope = await scopeOf(request.params.scope, { policies, runbookNames })
      const { mode, why } = request.body
      const { userName: by, userId } = callerOf(request)
      await governor.setMode({ scope, mode, by, why })
      request.log.info({ scope, mode, by, userId, why }, 'mode set')
      return settings()
    },
  )

  app.delete(
    '/governor/modes/:scope',
    {
      config: { access: 'governor:mode' },
      schema: {
        tags: ['governor'],
        summary: 'Take a setting back: what steward.yaml says counts again',
        params: ScopeParams,
        response: { 200: Settings, ...problems },
      },
    },
    async (request) => {
      // the name may be of a policy that has left steward.yaml meanwhile
      const scope = request.params.scope.replace(':', '/')
      const { userName: by, userId } = callerOf(request)
      await governor.clearMode(scope, by)
      request.log.info({ scope, by, userId }, 'mode taken back')
      return settings()
    },
  )
}

const ownRunbooks: readonly string[] = [...knownRunbooks, planRunbook]

/** As the governor calls it. @throws INPUT_INVALID for what no setting would ever apply to */
async function scopeOf(
  given: string,
  { policies, runbookNames }: Pick<GovernorRoutesOptions, 'policies' | 'runbookNames'>,
): Promise<string> {
  const [kind, name] = given.split(':', 2)
  if (name === undefined) return given
  const known =
    kind === 'policy'
      ? policies.map((policy) => policy.name)
      : [...new Set([...ownRunbooks, ...(await runbookNames())])]
  if (!known.includes(name))
    throw failure(
      'INPUT_INVALID',
      `there is no ${kind} ${name}: ${known.length > 0 ? known.join(', ') : 'there is none'}`,
    )
  return `${kind}/${name}`
}

function viewOf(
  state: GovernorState,
  config: GovernorConfig,
  policies: readonly Policy[],
  stopped: StopState | undefined,
  nowMs: number,
): GovernorView {
  const { leases, queue, modes } = state
  const all = modes.find(({ scope }) => scope === 'all')
  return {
    mode: all?.mode ?? config.mode,
    modeFrom: all ? all.by : 'steward.yaml',
    settings: [...modes],
    policies: policies.flatMap(({ name, mode }) => (mode ? [{ policy: name, mode }] : [])),
    ...(stopped && { stop: stopped }),
    leases: leases.length,
    queue: queue.slice(0, mostShown).map(({ id, by, runbook, targets, requestedAt }) => ({
      id,
      by,
      runbook,
      targets: [...targets],
      since: requestedAt,
    })),
    budgets: budgetsInUse(state, config, nowMs).slice(0, mostShown),
  }
}
