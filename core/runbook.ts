import { z } from 'zod'
import type { RunbookDocument } from './declared-runbook.ts'
import { type Risk, risks } from './governor.ts'

/** Part of ids and of the API, never renamed. */
export const RunbookName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,62}$/, 'lower-case letters, digits and dashes')
  .describe('name of a runbook, such as `drain-host`')

/** A call as it is declared: `compute GET /servers/{server}`; a word in braces stands for one segment of the path. */
const CallPattern = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,62} (GET|POST|PUT|PATCH|DELETE) \/[A-Za-z0-9{}_./:-]*$/, 'service METHOD /path/{of}/it')

/** Everything a runbook may do outside. What is not declared is refused where it would be done. */
export const Needs = z.strictObject({
  roles: z.array(z.string()).default([]).describe('roles the standing delegation must have'),
  calls: z.array(CallPattern).default([]).describe('OpenStack calls, such as `compute GET /servers/{server}`'),
  actions: z.array(z.string()).default([]).describe('actions of the catalogue, such as `server.stop`'),
  steps: z.array(z.string()).default([]).describe("Steward's own steps, such as `liveMigrate`"),
})
export type Needs = z.infer<typeof Needs>

/** What people and machines are told of a runbook before they start it. */
export const RunbookCard = z.object({
  name: RunbookName,
  title: z.string(),
  description: z.string(),
  risk: z.enum(risks),
  needs: Needs,
  input: z.record(z.string(), z.json()).describe('JSON Schema (2020-12) of its input'),
  dryRunByDefault: z.boolean().describe('whether it only says what it would do unless told otherwise'),
  document: z
    .unknown()
    .optional()
    .describe('of a declarative one: what it is made of; a run keeps the one it began with'),
  source: z.enum(['built-in', 'own']).describe('`own`: from the folders named in steward.yaml'),
})
export type RunbookCard = z.infer<typeof RunbookCard>

/** What only reads may be started as it is; all else says first what it would do. */
export const dryRunByDefault = (risk: Risk): boolean => risk !== 'read'

export const RunState = z.enum([
  ...(['waiting', 'running', 'asking', 'taking-back', 'succeeded', 'failed', 'stopped', 'cancelled'] as const),
])
export type RunState = z.infer<typeof RunState>

export const endedRunStates: ReadonlySet<RunState> = new Set(['succeeded', 'failed', 'stopped', 'cancelled'])

/** One thing a run did, or would do. */
export const RunStep = z.object({
  title: z.string(),
  state: z.enum(['running', 'done', 'would', 'failed', 'taken-back']),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  detail: z.string().optional(),
})
export type RunStep = z.infer<typeof RunStep>

/** What a run asks a person. */
export const Question = z.object({
  id: z.string(),
  text: z.string(),
  askedAt: z.string(),
  until: z.string().describe('no answer by then is a no'),
})
export type Question = z.infer<typeof Question>

export const Answer = z.object({
  by: z.string(),
  at: z.string(),
  yes: z.boolean(),
  why: z.string().optional(),
})
export type Answer = z.infer<typeof Answer>

/** The code that an open run goes on with. */
export const RunVersion = z.object({
  build: z.string(),
  isCurrent: z.boolean().describe('whether runs begin with it now'),
  isServed: z.boolean().describe('whether a worker has it; a run whose code no worker has waits for one'),
})
export type RunVersion = z.infer<typeof RunVersion>

/** A run as people see it. Kept as memo of its workflow; runs of incidents leave most of it out. */
export const Run = z.object({
  id: z.string(),
  workflowId: z.string(),
  runbook: z.string(),
  state: RunState,
  summary: z.string().optional(),
  code: z.string().optional(),
  dryRun: z.boolean().optional(),
  by: z.string().optional(),
  why: z.string().optional(),
  input: z.unknown().optional(),
  targets: z.array(z.string()).readonly(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  version: RunVersion.optional().describe('of an open run that is shown alone, where the engine knows versions'),
  steps: z.array(RunStep).optional(),
  question: Question.optional(),
  answers: z.array(Answer).optional(),
  evidence: z.record(z.string(), z.unknown()).optional(),
  result: z.unknown().optional(),
  notes: z.array(z.object({ at: z.string(), text: z.string() })),
})
export type Run = z.infer<typeof Run>

/** How one run is asked for. */
export const StartRun = z.strictObject({
  input: z.record(z.string(), z.json()).default({}).describe("fits the runbook's `input` schema"),
  dryRun: z
    .boolean()
    .optional()
    .describe('says what it would do and changes nothing; default: of all that can change something'),
  why: z.string().trim().min(1).max(500).describe('stands in the audit trail'),
})
export type StartRun = z.infer<typeof StartRun>

/** Who started a run, for its workflow. */
export interface RunOrder {
  readonly runbook: string
  /** A runbook that is data goes along with its run, so that no later version of it changes a run that has begun. */
  readonly document?: RunbookDocument
  readonly input: unknown
  readonly dryRun: boolean
  readonly by: string
  readonly why: string
}

/** Who has a run go on with the code of today, and why. */
export interface RunMove {
  readonly workflowId: string
  readonly runId: string
  readonly grounds: { readonly by: string; readonly why: string }
}

/** The one workflow that says which runbooks the workers have. */
export const runbookListId = 'runbooks'
