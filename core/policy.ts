import { z } from 'zod'
import { Mode } from './governor.ts'
import { RunbookName } from './runbook.ts'

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes')
  .describe('unique; part of incident ids')

const attempts = z
  .int()
  .min(1)
  .max(5)
  .default(1)
  .describe('most runs of the runbook in one incident before people are asked')

const backOffSeconds = z
  .number()
  .min(0)
  .max(86_400)
  .default(30)
  .describe('wait before the next attempt; it doubles from attempt to attempt')

/** Options of the runbook `restart-service`. */
export const RestartService = z.strictObject({
  stableSeconds: z.number().min(1).max(3600).default(60).describe('how long the service must stay up'),
  withinSeconds: z.number().min(5).max(86_400).default(300).describe('time to come up and stay up'),
  maxRestarts: z.int().min(1).max(5).default(2).describe('most restarts in one run'),
})

/** Options of the runbook `relieve-host`. */
export const RelieveHost = z.strictObject({
  resource: z.enum(['vcpu', 'memory']).default('vcpu').describe('which resource is short'),
  limit: z.number().gt(0).max(1).default(0.8).describe('share of the capacity in use, 0..1, to come down to'),
  maxMoves: z.int().min(1).max(50).default(10),
})

const CollectEvidence = z.strictObject({})

/** Runbooks whose options a policy knows; all others check their own input when they are begun. */
const KnownRung = z.discriminatedUnion('runbook', [
  z.strictObject({
    runbook: z.literal('restart-service'),
    with: RestartService.extend({
      binary: z.string().min(1).optional().describe('service to restart, where the alert names none'),
    }).prefault({}),
    attempts,
    backOffSeconds,
  }),
  z.strictObject({ runbook: z.literal('relieve-host'), with: RelieveHost.prefault({}), attempts, backOffSeconds }),
  z.strictObject({
    runbook: z.literal('collect-evidence'),
    with: CollectEvidence.prefault({}),
    attempts,
    backOffSeconds,
  }),
])

type KnownRung = z.infer<typeof KnownRung>

const OtherRung = z.strictObject({
  runbook: RunbookName,
  with: z.record(z.string(), z.json()).default({}).describe('its input; `host` and `binary` of the alert are added'),
  attempts,
  backOffSeconds,
})
export type OtherRung = z.infer<typeof OtherRung>

export const knownRunbooks = ['restart-service', 'relieve-host', 'collect-evidence'] as const
const known: ReadonlySet<unknown> = new Set(knownRunbooks)

/** One step of the escalation ladder. */
export const Rung = z.unknown().transform((given, context): KnownRung | OtherRung => {
  const isKnown = known.has((given as { runbook?: unknown } | null)?.runbook)
  const parsed = (isKnown ? KnownRung : OtherRung).safeParse(given)
  if (parsed.success) return parsed.data
  for (const { path, message } of parsed.error.issues) context.addIssue({ code: 'custom', path: [...path], message })
  return z.NEVER
})
export type Rung = z.infer<typeof Rung>

export const isKnownRung = (rung: Rung): rung is KnownRung => known.has(rung.runbook)

/** Sources of a second look. All of them are asked, and at least `need` must agree that something is wrong. */
const Confirm = <T extends string>(...sources: [T, ...T[]]) =>
  z
    .strictObject({
      of: z.array(z.enum(sources)).min(1).default([sources[0]]),
      need: z.int().min(1).max(sources.length).default(1),
    })
    .prefault({})
    .refine(({ of, need }) => need <= new Set(of).size, 'asks for more agreement than there are sources')

/** What every policy may say besides its threshold and its first runbook. */
const common = {
  attempts,
  backOffSeconds,
  ladder: z
    .array(Rung)
    .max(5)
    .default([])
    .describe(
      'further steps of the ladder, tried in turn while the signal does not clear; after them people are asked',
    ),
  mode: Mode.optional().describe('stricter than the mode of the whole installation, where it must be'),
}

/** BINARY: a service of Nova's service list is down. */
const Binary = z.strictObject({
  name,
  kind: z.literal('binary'),
  when: z.strictObject({
    binary: z.string().min(1).default('nova-compute').describe("binary in Nova's service list"),
    hosts: z.array(z.string().min(1)).optional().describe('only these hosts; all when left out'),
  }),
  confirmAfterSeconds: z.number().min(0).max(3600).default(15).describe('wait before the second look'),
  confirm: Confirm('nova', 'process'),
  afterOutageSeconds: z
    .number()
    .min(0)
    .max(3600)
    .default(60)
    .describe('time to come back by itself after half of the services of its kind, or more, had looked down with it'),
  runbook: z.literal('restart-service'),
  with: RestartService.prefault({}),
  ...common,
})

/** GAUGE: a monitor measured and sent an alert with a host label. */
const Gauge = z.strictObject({
  name,
  kind: z.literal('gauge'),
  when: z.strictObject({
    labels: z
      .record(z.string(), z.string())
      .refine((labels) => Object.keys(labels).length > 0, 'name at least one label')
      .describe('labels the alert must carry with exactly these values'),
    hostLabel: z.string().min(1).default('host').describe('label with the hypervisor host name'),
  }),
  runbook: z.literal('relieve-host'),
  with: RelieveHost.prefault({}),
  clearWithinSeconds: z.number().min(1).max(86_400).default(900).describe('time for the monitor to say it is over'),
  stableSeconds: z.number().min(0).max(3600).default(60).describe('how long it must stay over'),
  ...common,
})

/** TAILABLE: more than `count` records of one component on one host within a window. */
const Tailable = z.strictObject({
  name,
  kind: z.literal('tailable'),
  when: z.strictObject({
    component: z.string().min(1).describe('service that writes the log, such as nova-compute'),
    levels: z.array(z.enum(['CRITICAL', 'ERROR', 'WARNING'])).default(['CRITICAL', 'ERROR']),
    count: z.int().min(1).max(10_000).describe('fires when more than this many records fall into the window'),
    windowSeconds: z.number().min(1).max(3600),
  }),
  runbook: z.literal('collect-evidence'),
  with: CollectEvidence.prefault({}),
  quietSeconds: z.number().min(1).max(3600).default(60).describe('closes after the log was quiet for this long'),
  silentAfterSeconds: z
    .number()
    .min(5)
    .max(86_400)
    .default(600)
    .describe('asks people when the source itself was not heard from for this long'),
  ...common,
})

/** When … then …: one rule of steward.yaml. A running incident keeps the version it started with. */
export const Policy = z.discriminatedUnion('kind', [Binary, Gauge, Tailable])
export type Policy = z.infer<typeof Policy>
export type BinaryPolicy = z.infer<typeof Binary>
export type GaugePolicy = z.infer<typeof Gauge>
export type TailablePolicy = z.infer<typeof Tailable>
