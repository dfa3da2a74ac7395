import { z } from 'zod'
import { GovernorConfig } from './governor.ts'
import { HttpConfig } from './http-call.ts'
import { Policy } from './policy.ts'
import { PowerConfig } from './power.ts'
import { PrometheusConfig } from './prometheus.ts'
import { ReceiverConfig } from './receiver.ts'
import { Ssh } from './ssh.ts'

const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)

/** A secret comes from a file or from the environment, never from steward.yaml itself. */
const Source = z
  .strictObject({
    name: Name,
    kind: z.enum(['alertmanager', 'logs']),
    tokenFile: z.string().optional().describe('file with the bearer token of this source'),
    tokenEnv: z.string().optional().describe('or: environment variable with it'),
  })
  .refine((s) => (s.tokenFile === undefined) !== (s.tokenEnv === undefined), 'give tokenFile or tokenEnv')

/** steward.yaml. Every default is printed by `steward config`. */
export const Config = z.strictObject({
  cloud: z.string().optional().describe("entry of clouds.yaml with Steward's own login; OS_* variables when left out"),
  dataDir: z.string().default('.steward').describe('database of the embedded Temporal, keys'),
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(8774),
    })
    .prefault({}),
  codec: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(8775),
      origins: z
        .array(z.string())
        .default([])
        .describe('origins of Temporal Web UIs that may decode; the embedded UI is added by itself'),
    })
    .prefault({}),
  keys: z.strictObject({ file: z.string().optional().describe('default: <dataDir>/keys.json') }).prefault({}),
  temporal: z
    .strictObject({
      port: z.int().min(1).max(65_535).default(7233).describe('of the embedded Temporal'),
      uiPort: z.int().min(1).max(65_535).default(8233),
      retentionDays: z.int().min(1).max(3650).default(90).describe('how long closed runs are kept for audit'),
    })
    .prefault({}),
  worker: z
    .strictObject({
      metrics: z
        .strictObject({ host: z.string().default('127.0.0.1'), port: z.int().min(0).max(65_535).default(9464) })
        .prefault({}),
      formerBuilds: z
        .int()
        .min(0)
        .max(50)
        .default(5)
        .describe('former runbook code that is served at the same time, until its runs have ended; 100 MB each'),
    })
    .prefault({}),
  sources: z.array(Source).default([]),
  logs: z
    .strictObject({
      utcOffsetMinutes: z
        .int()
        .min(-840)
        .max(840)
        .default(0)
        .describe('clock that the service logs are written with, where senders give no time of their own'),
    })
    .prefault({}),
  notify: z.array(ReceiverConfig).default([]).describe('who is told when something happens'),
  prometheus: PrometheusConfig.optional().describe('where plans read what servers really use'),
  policies: z.array(Policy).default([]),
  governor: GovernorConfig.prefault({}),
  watch: z
    .strictObject({ pollSeconds: z.number().min(1).max(300).default(10).describe("between looks at Nova's services") })
    .prefault({}),
  runbooks: z
    .strictObject({
      folders: z
        .array(z.string())
        .default([])
        .describe('folders with runbooks of your own; only the worker reads them'),
      packages: z.array(z.string()).default([]).describe('npm packages with runbooks'),
      beside: z.string().default('.').describe('folder whose node_modules has these packages'),
    })
    .prefault({}),
  ssh: Ssh.optional(),
  power: PowerConfig.optional().describe('how the power of hosts is reached: docs/power.md'),
  http: HttpConfig.prefault({}).describe('where HTTP calls of runbooks may go'),
  actions: z
    .strictObject({
      callsPerSecond: z
        .number()
        .min(0.1)
        .max(10_000)
        .optional()
        .describe('calls of due actions that each worker begins in a second, at most; no limit when left out'),
    })
    .prefault({}),
  delegation: z
    .strictObject({
      maxDays: z.int().min(1).max(3650).default(370).describe('longest trust Steward asks for'),
    })
    .prefault({}),
  operatorRole: z
    .string()
    .refine((role) => !['reader', 'member', 'manager'].includes(role), 'people of every project have this role')
    .default('admin')
    .describe('who has this role may do everything'),
  accessFile: z.string().optional().describe('what other roles may do, where it is not what is built in'),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('where people reach the API, for links; the address a link was asked for at when left out'),
})
export type Config = z.infer<typeof Config>
