import { z } from 'zod'

const amount = z.number().min(0)
const HostState = z.object({
  servers: z.int().min(0),
  vcpu: amount.describe('given away'),
  memoryMiB: amount.describe('given away'),
  diskGiB: amount.describe('given away'),
  cpuPercent: amount.describe('really used, of its threads'),
  cpuPercentOfDay: amount.optional().describe('the same when its servers were busy over a day, where that is known'),
})
const Load = z.object({ host: z.string(), beforePercent: z.number(), afterPercent: z.number() })

/** Documents of former versions say nothing: all of their moves are live. */
const how = {
  kind: z.enum(['live', 'cold']).optional().describe('live when missing; cold: by cold migration, confirmed at once'),
  isOff: z.boolean().optional().describe('it is shut off, and stays so'),
}

const Move = z.object({
  serverId: z.string(),
  from: z.string(),
  to: z.string(),
  ...how,
  reason: z.string(),
  durationMs: amount.describe('predicted'),
  downtimeMs: amount.describe('predicted standstill of the server'),
  copiedMiB: amount.describe('predicted, repeats included'),
  converges: z.boolean().describe('false: it rewrites memory faster than it can be copied'),
  source: Load,
  target: Load,
})

/** The moves of one wave may run at the same time; the next one begins when all of them have ended. */
const Wave = z.object({
  wave: z.int().min(1),
  /** What the hosts that the plan touches have to look like just before this wave. */
  fingerprint: z.string(),
  durationMs: amount,
  moves: z.array(Move).min(1),
})

/** How to get back, after the whole plan was carried out. */
const Undo = z.object({
  waves: z.array(
    z.object({
      wave: z.int().min(1),
      moves: z.array(z.object({ serverId: z.string(), from: z.string(), to: z.string(), ...how, reason: z.string() })),
    }),
  ),
  impossible: z.string().optional().describe('why there is no way back that keeps all rules'),
})

/** A plan as data: what is moved when and why, what it brings and costs, until when it holds, and the way back. */
export const PlanDocument = z.object({
  format: z.literal('steward-plan/1'),
  id: z.string().describe('the same for the same plan on the same cloud; an approval is for this id'),
  goal: z.enum(['consolidate', 'balance', 'drain', 'spread', 'evict-noisy', 'undo']),
  options: z.record(z.string(), z.unknown()).describe('what was asked for'),
  createdAt: z.iso.datetime(),
  validity: z.object({
    takenAt: z.iso.datetime().describe('when the cloud was looked at'),
    expiresAt: z.iso.datetime().describe('refused from then on'),
    fingerprint: z.string().describe('of the hosts and servers the plan touches; refused when they have changed'),
  }),
  hosts: z.array(
    z.object({ name: z.string(), zone: z.string(), usable: z.boolean(), before: HostState, after: HostState }),
  ),
  waves: z.array(Wave),
  skipped: z.array(
    z.union([
      z.object({ host: z.string(), reason: z.string() }),
      z.object({ serverId: z.string(), reason: z.string() }),
    ]),
  ),
  faults: z
    .array(
      z.object({
        host: z.string(),
        reasons: z.array(z.object({ reason: z.string(), count: z.int().min(1), exampleServerId: z.string() })),
      }),
    )
    .describe('why servers were left alone, by host'),
  efficacy: z.object({
    hostsBefore: z.int().min(0),
    hostsAfter: z.int().min(0),
    released: z.array(z.string()),
    deviationBefore: amount.describe('of real CPU use over all hosts, percentage points'),
    deviationAfter: amount,
    deviationOfDay: z.object({ before: amount, after: amount }).optional().describe('the same over a day'),
    wishesUnheardBefore: amount.describe('pairs of soft groups that have it otherwise'),
    wishesUnheardAfter: amount,
    benefitHostHours: z.number(),
    costHostHours: z.number(),
  }),
  energy: z.object({
    wattsBefore: amount.describe('of the hosts whose power is known'),
    wattsAfter: amount,
    powerOff: z.array(z.string()).describe('empty after the plan, and not needed as a reserve'),
    reserve: z.array(z.string()),
    unknown: z.array(z.string()),
  }),
  bound: z.object({ hosts: z.int().min(0) }).describe('no plan can do with fewer hosts'),
  forecast: z.object({ durationMs: amount, downtimeMs: amount, copiedMiB: amount }),
  undo: Undo,
  notes: z
    .array(z.object({ where: z.string(), says: z.string() }))
    .describe('where the sources of the picture disagreed'),
  picture: z.string().describe('the plan as text, for a terminal'),
})
export type PlanDocument = z.infer<typeof PlanDocument>
