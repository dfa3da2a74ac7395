import { z } from 'zod'
import type { GovernorConfig } from './governor.ts'
import { Answer } from './incident.ts'
import type { Person } from './person.ts'
import { PlanDocument } from './plan-document.ts'

const HostName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/, 'name of a host')
const percent = z.number().min(1).max(100)
const weight = z.number().min(0).max(1000).exactOptional()

/** What may be asked of a plan, besides its goal. Names and defaults are those of the planner. */
export const PlanWishes = z.strictObject({
  maxMoves: z.int().min(0).max(20_000).exactOptional(),
  maxHosts: z.int().min(0).max(100_000).exactOptional().describe('`consolidate`: hosts that may stay in use'),
  maxCpuPercent: percent.exactOptional().describe('real CPU use that no receiving host goes above; 90 if left out'),
  outgoingPerHost: z.int().min(1).max(50).exactOptional().describe('servers that leave one host at the same time; 1'),
  targetDeviation: z.number().min(0).max(100).exactOptional().describe('`balance`, `spread`: where they stop'),
  weights: z
    .strictObject({ cpu: weight, 'cpu-day': weight, memory: weight, disk: weight, network: weight, vcpu: weight })
    .exactOptional()
    .describe('what `balance` and `spread` level; `cpu-day` is real CPU when busy over a day'),
  noisyPercent: percent.exactOptional().describe('`evict-noisy`: share of a host that makes a server noisy; 25'),
  busyPercent: percent.exactOptional().describe('`evict-noisy`: hosts up to this use are left alone; 70'),
  drain: z.array(HostName).min(1).max(1000).exactOptional().describe('`drain`: hosts to empty'),
  cold: z
    .enum(['none', 'stopped', 'all'])
    .exactOptional()
    .describe(
      'servers moved by cold migration; none if left out. `stopped`: those that are shut off, which stay off; `all`: also those that run, which are down meanwhile',
    ),
  movesAtOnce: z.int().min(1).max(50).exactOptional().describe('servers that move at the same time, anywhere; 8'),
  reserveHosts: z.int().min(0).max(10_000).exactOptional().describe('empty hosts that stay awake; 1'),
  powerOff: z
    .boolean()
    .exactOptional()
    .describe('`consolidate`: hosts it has emptied are turned off then, but the reserve and those of unknown draw'),
  validForMs: z
    .int()
    .min(60_000)
    .max(86_400_000)
    .exactOptional()
    .describe('how long it can be approved, counted from the look at the cloud; 15 minutes if left out'),
})
export type PlanWishes = z.infer<typeof PlanWishes>

/** Only this goal empties hosts that nobody wants to work on. */
export const mayPowerOff = ({ goal, options }: { goal: string; options: PlanWishes }): boolean =>
  goal === 'consolidate' || options.powerOff !== true
export const powerOffRefused = {
  message: 'powerOff: only `consolidate` turns hosts off',
  path: ['options', 'powerOff'],
}

/** Nobody's servers are taken down without a person's yes. */
export const hasPersonForCold = ({ approve, options }: { approve: string; options: PlanWishes }): boolean =>
  approve !== 'auto' || options.cold !== 'all'
export const coldAutoRefused = {
  message: 'approve: `auto` does not go with cold: `all`, which takes servers down; use `ask`',
  path: ['approve'],
}

export const CreatePlan = z
  .strictObject({
    goal: PlanDocument.shape.goal.exclude(['undo']),
    options: PlanWishes.prefault({}),
    why: z.string().trim().min(1).max(500).exactOptional(),
  })
  .refine(mayPowerOff, powerOffRefused)
export type CreatePlan = z.infer<typeof CreatePlan>

export const ApproveBy = z
  .enum(['ask', 'auto'])
  .describe(
    '`ask`: persons say yes to each plan; `auto`: it is carried out without, as far as the governor lets machines go',
  )
export type ApproveBy = z.infer<typeof ApproveBy>

/**
 * `planning`: the cloud is looked at · `proposed`: can be approved until it expires · `approved`, `executing` · `done`:
 * every move was made and seen, or there was none to make · `stopped`: by a person, by the stop button, by the governor or
 * because its window has closed ·
 * `stale`: the cloud is not as the plan expects it any more · `failed` · `discarded`: a person said no · `expired`.
 */
export const PlanState = z.enum([
  'planning',
  'proposed',
  'approved',
  'executing',
  'done',
  'stopped',
  'stale',
  'failed',
  'discarded',
  'expired',
])
export type PlanState = z.infer<typeof PlanState>
export type EndState = Exclude<PlanState, 'planning' | 'proposed' | 'approved' | 'executing'>

export const MoveState = z.enum(['waiting', 'moving', 'moved', 'failed'])
export type MoveState = z.infer<typeof MoveState>

export const WaveView = z.object({
  wave: z.int().min(1),
  moves: z.int().min(1),
  durationMs: z.number().min(0).describe('predicted'),
  state: z.enum(['waiting', 'running', 'done', 'ended']).describe('ended: before its last move'),
  moved: z.int().min(0),
  /** By move, in the order of the document; missing while all are alike. */
  states: z.array(MoveState).optional(),
  startedAt: z.iso.datetime().optional(),
  endedAt: z.iso.datetime().optional(),
})
export type WaveView = z.infer<typeof WaveView>

/** What there is to know of a document without opening it. */
export const PlanDigest = z.object({
  id: PlanDocument.shape.id,
  pack: z.string().describe('under which its document is kept'),
  takenAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  moves: z.int().min(0),
  hosts: z.int().min(0).describe('that it touches'),
  efficacy: PlanDocument.shape.efficacy.omit({ released: true }),
  released: z.int().min(0),
  takenDown: z.int().min(1).optional().describe('servers that run and are down while they are moved, if any'),
  powerOff: z.array(z.string()).optional().describe('hosts that may be turned off when it is done'),
  forecast: PlanDocument.shape.forecast,
  waves: z.array(WaveView.pick({ wave: true, moves: true, durationMs: true })),
})
export type PlanDigest = z.infer<typeof PlanDigest>

/** What people read of a plan. Kept as the memo of its workflow; the document is kept beside it. */
export const PlanView = z.object({
  id: z.string(),
  goal: PlanDocument.shape.goal,
  options: PlanWishes,
  undoes: z.string().optional().describe('goal `undo`: the plan whose moves are taken back'),
  recurs: z
    .object({ id: z.string(), at: z.iso.datetime() })
    .optional()
    .describe('the recurring plan that it was made for, and which time of it'),
  approve: ApproveBy.optional(),
  beginBy: z.iso.datetime().optional().describe('no wave begins after this'),
  why: z.string().optional(),
  state: PlanState,
  by: z.string().describe('who asked for it'),
  userId: z.string(),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime().optional(),
  digest: PlanDigest.optional().describe('missing until it is made'),
  waves: z.array(WaveView),
  needs: z.int().optional().describe('how many persons must say yes'),
  answerBy: z.iso.datetime().optional().describe('until when'),
  answers: z.array(Answer.extend({ planId: PlanDocument.shape.id })),
  run: z.object({ workflowId: z.string(), runId: z.string() }).optional().describe('of the wave that is at work'),
  earlier: z
    .array(z.object({ pack: z.string(), waves: z.array(WaveView) }))
    .describe('what was carried out before it was planned anew'),
  disabled: z.array(z.string()).describe('hosts that are disabled for this plan'),
  asleep: z.array(z.string()).optional().describe('hosts that were turned off for it'),
  reason: z.object({ code: z.string().optional(), detail: z.string() }).optional().describe('why it ended as it did'),
  timeline: z.array(z.object({ at: z.string(), text: z.string() })).describe('at most the last 50 entries'),
})
export type PlanView = z.infer<typeof PlanView>

/** Its id in the engine. */
export const planWorkflowId = (id: string) => `plan/${id}`

/** A plan that has just been asked for. */
export const newPlan = (
  asked: Pick<
    PlanView,
    'id' | 'goal' | 'options' | 'by' | 'userId' | 'createdAt' | 'undoes' | 'recurs' | 'approve' | 'beginBy'
  >,
  why?: string,
): PlanView => ({
  ...asked,
  ...(why !== undefined && { why }),
  ...{ state: 'planning', waves: [], answers: [], earlier: [], disabled: [], timeline: [] },
})

/** A plan with each of its moves. */
export const PlanShown = PlanView.extend({
  says: z.string().optional().describe('of the wave that is at work'),
  moves: z
    .array(
      z.object({
        ...{ wave: z.int(), serverId: z.string(), from: z.string(), to: z.string() },
        ...{ kind: z.enum(['live', 'cold']).optional().describe('live when missing'), state: MoveState },
      }),
    )
    .describe('of the present document; empty until there is one'),
})
export type PlanShown = z.infer<typeof PlanShown>

/** What the run of one wave shows while it runs. */
export const WaveRunView = z.object({ wave: z.int(), state: z.string(), says: z.string(), states: z.array(MoveState) })
export type WaveRunView = z.infer<typeof WaveRunView>

/** What the workflow of a plan starts with; the brakes are those of the time it was asked for. */
export interface OpenPlan {
  readonly view: PlanView
  readonly governor: Pick<GovernorConfig, 'approval'>
  /** Workflow that is told how it ended. */
  readonly reportTo?: string
}

/** What a person may do with a plan; each is an update of its workflow, named by `does`. */
export type PlanCommand =
  | { does: 'approve'; by: Person; planId: string; why?: string }
  | { does: 'stop'; by: Person; why?: string }
  | { does: 'discard'; by: Person; why?: string }

/** The runbook under which the governor knows the waves of all plans. */
export const planRunbook = 'carry-out-plan'

/**
 * Why a host is disabled, as Nova shows it: by this, and by nothing else, a plan knows the hosts that it closed itself. A
 * plan that takes another one back opens the hosts of that one.
 */
export const ownReasonOf = ({ id, undoes }: Pick<PlanView, 'id' | 'undoes'>) => `steward plan/${undoes ?? id}`
