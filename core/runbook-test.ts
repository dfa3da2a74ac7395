import { z } from 'zod'
import { catalogue, type ErrorCode } from './catalogue.ts'
import { RunbookName, RunState } from './runbook.ts'

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const spanForm = '\\d{1,6}[smhd]'

/** Milliseconds of `30s`, `5m`, `8h` or `2d`. */
export const spanMs = (span: string): number => Number(span.slice(0, -1)) * unitMs[span.at(-1) as keyof typeof unitMs]

const Span = z.string().regex(new RegExp(`^${spanForm}$`), 'a time such as 30s, 5m, 8h or 2d')

/** A server as it is when the run begins. */
const Server = z.strictObject({
  status: z.enum(['ACTIVE', 'SHUTOFF', 'ERROR']).default('ACTIVE'),
  flavor: z.enum(['m1.tiny', 'm1.small', 'm1.medium', 'm1.large']).default('m1.tiny'),
  host: z.string().optional().describe('default: the first one'),
  project: z
    .enum(['admin', 'demo', 'demo2'])
    .default('admin')
    .describe('that of the delegation, unless told otherwise'),
  locked: z.boolean().default(false),
  metadata: z.record(z.string(), z.string()).default({}),
})

const CallPattern = z.string().regex(/^[a-z][a-z-]* (GET|POST|PUT|PATCH|DELETE) \/\S*$/, 'service METHOD /path/{of}/it')

/** An answer in the place of a service that is not simulated. */
const Stub = z.strictObject({
  call: CallPattern,
  status: z.int().min(200).max(599).default(200),
  body: z.json().optional(),
})
export type TestStub = z.infer<typeof Stub>

const World = z.strictObject({
  hosts: z.array(z.string()).min(1).optional().describe('default: compute1, compute2 and compute3'),
  servers: z
    .record(
      z.string(),
      z.preprocess((given) => given ?? {}, Server),
    )
    .default({}),
  roles: z
    .array(z.enum(['reader', 'member', 'manager', 'admin']))
    .min(1)
    .optional()
    .describe('of the standing delegation; default: those that the runbook declares'),
  stubs: z.array(Stub).default([]).describe('answers of services that are not simulated'),
  startsAt: z.iso.datetime({ offset: true }).optional(),
})
export type TestWorld = z.infer<typeof World>

/** What goes wrong with one call. */
const Fault = z.strictObject({
  call: CallPattern,
  with: z.union([
    z.int().min(400).max(599),
    z.enum(['lost before effect', 'lost after effect', 'worker dies']),
    z
      .string()
      .regex(
        /^slow ([1-9]|[1-4]\d|50)s$/,
        'a status, `lost before effect`, `lost after effect`, `worker dies` or `slow 30s` (at most 50s)',
      ),
  ]),
  times: z.int().min(1).max(1000).default(1),
})
export type TestFault = z.infer<typeof Fault>

const eventForm =
  /^(?:host (?<host>\S+) (?<change>dies|returns)|server (?<server>\S+) is (?<state>deleted|locked|unlocked|ACTIVE|SHUTOFF|ERROR)|(?<other>the run is cancelled|the delegation is revoked|the stop button is pressed))$/
const eventWords =
  'one of: host NAME dies | host NAME returns | server NAME is deleted | server NAME is ACTIVE, SHUTOFF, ERROR, locked or unlocked | the run is cancelled | the delegation is revoked | the stop button is pressed'
const Event = z.string().regex(eventForm, eventWords)

export interface TestEvent {
  readonly host?: string
  readonly change?: 'dies' | 'returns'
  readonly server?: string
  readonly state?: string
  readonly other?: string
}
export const eventOf = (sentence: string): TestEvent => ({ ...eventForm.exec(sentence)?.groups })

const answerForm = new RegExp(`^(yes|no)(?: after (${spanForm}))?$`)
const Answer = z.union([z.literal('silence'), z.string().regex(answerForm, '`yes`, `no`, `yes after 5m` or `silence`')])
/** What a person says, and how long after the question; undefined: nobody says anything. */
export function answerOf(text: string): { readonly yes: boolean; readonly afterMs: number } | undefined {
  const [, word, span] = answerForm.exec(text) ?? []
  return word === undefined ? undefined : { yes: word === 'yes', afterMs: span === undefined ? 1_000 : spanMs(span) }
}

const Expected = z.strictObject({
  state: RunState.extract(['succeeded', 'failed', 'stopped', 'cancelled']).default('succeeded'),
  code: z
    .enum(Object.keys(catalogue) as [ErrorCode, ...ErrorCode[]], 'not one of the error codes (docs/errors.md)')
    .optional(),
  summary: z.string().optional().describe('a part of it, or a regular expression between slashes'),
  did: z.array(z.string()).optional().describe('everything that changed the cloud, in order: `reboot web`'),
  servers: z
    .record(z.string(), z.string())
    .default({})
    .describe('their status at the end; `gone` when they are no more'),
  within: Span.optional().describe('longest virtual time'),
  told: z.array(z.string()).optional().describe('parts of what people were told, in order'),
})
export type Expected = z.infer<typeof Expected>

const Case = z.strictObject({
  name: z.string().trim().min(1).max(100),
  input: z.record(z.string(), z.json()).default({}),
  dryRun: z.boolean().default(false),
  world: World.partial().optional().describe('what is different from `world` of the file'),
  faults: z.array(Fault).default([]),
  events: z.record(Span, z.union([Event, z.array(Event)])).default({}),
  answers: z.array(Answer).default([]),
  expect: Expected.prefault({}),
})

/** The tests of one runbook, as a file has them. */
export const RunbookTests = z.strictObject({
  runbook: RunbookName.optional().describe('default: the name of the file, without `.test.yaml`'),
  world: World.prefault({}),
  cases: z.array(Case).min(1, 'at least one case'),
})
export type RunbookTests = z.infer<typeof RunbookTests>
export type RunbookCase = RunbookTests['cases'][number]
