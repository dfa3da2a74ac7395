import { z } from 'zod'

/** `unknown`: neither on nor off, such as on its way; an answer that nobody can read is a failure and no state. */
export type PowerState = 'on' | 'off' | 'unknown'

export const powerWays = ['redfish', 'ipmi', 'ironic', 'command'] as const
/** How the power of a host is reached. */
export type PowerWay = (typeof powerWays)[number]

/** What was read of a host's power, where and when; evidence for an auditor, without any secret. */
export interface PowerReading {
  readonly host: string
  readonly state: PowerState
  readonly way: PowerWay
  /** What was asked: `GET https://bmc1/redfish/v1/Systems/1`. */
  readonly asked: string
  /** What it said, in its own words: `PowerState: Off`. */
  readonly said: string
  /** When it was asked: the answer is at least as new. */
  readonly at: string
  /** Where it is on its way to, if it says so. */
  readonly heading?: 'on' | 'off'
  /** By which the machine can be told from others, if it says so. */
  readonly machineUuid?: string
}

/** How the power of a host was changed, and by which readings that was seen. */
export interface PowerOutcome {
  readonly outcome: 'turned on' | 'was on' | 'turned off' | 'was off'
  /** When Steward set about it, by the clock of the readings. */
  readonly askedAt: string
  /** When the order went out; missing when none was needed. */
  readonly orderedAt?: string
  /** The two readings, one after the other, that show the state. */
  readonly readings: readonly [PowerReading, PowerReading]
}

const PasswordFile = z.string().min(1).describe('file with the password; read anew for each call')
const User = z.string().regex(/^[\x21-\x39\x3b-\x7e]{1,64}$/, 'visible ASCII characters without a colon')

/** The password goes along with each request: nobody on the way may read it. */
const httpsUrl = /^https:\/\/([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?\/?$/
const ownUrl = /^http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?\/?$/
const isSafeUrl = (text: string) => httpsUrl.test(text) || ownUrl.test(text)

const Redfish = z.strictObject({
  url: z
    .string()
    .refine(isSafeUrl, 'must be https://BMC, or http:// on this machine, without a path and without a login'),
  system: z
    .string()
    .regex(/^\/redfish\/v1\/Systems\/[A-Za-z0-9._~:-]+\/?$/, 'such as /redfish/v1/Systems/1')
    .optional()
    .describe('may be left out when the BMC has one system only'),
  user: User,
  passwordFile: PasswordFile,
  caFile: z
    .string()
    .min(1)
    .optional()
    .describe("certificates that the BMC's is checked against, in place of the usual"),
  machineUuid: z
    .guid()
    .optional()
    .describe('UUID that the system must have, so that a swapped cable or address cannot turn another machine off'),
})

const Ipmi = z.strictObject({
  address: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]{0,254}$/),
  port: z.int().min(1).max(65_535).default(623),
  // ipmitool would take a leading dash for an option
  user: User.refine((user) => !user.startsWith('-'), 'must not begin with a dash'),
  passwordFile: PasswordFile,
  cipherSuite: z.int().min(3).max(17).optional().describe("default: ipmitool's"),
})

const Ironic = z.strictObject({
  node: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,254}$/)
    .describe('UUID or name'),
})

const Words = z
  .array(
    z
      .string()
      .min(1)
      .max(1024)
      .refine((word) => !word.includes('\0'), 'holds a NUL'),
  )
  .min(1)
  .max(32)
  .refine(([program]) => program?.startsWith('/'), 'begins with the full path of a program')

const OwnCommand = z.strictObject({
  status: Words.describe('prints `on` or `off` and nothing else'),
  off: Words.describe('turns the host off at once'),
  on: Words,
})

const watts = z.number().min(0).max(100_000)
const Watts = z
  .strictObject({ idle: watts, max: watts.describe('with all of its CPUs busy') })
  .refine(({ idle, max }) => idle <= max, 'idle must not be above max')

const Host = z
  .strictObject({
    redfish: Redfish.optional(),
    ipmi: Ipmi.optional(),
    ironic: Ironic.optional(),
    command: OwnCommand.optional(),
    watts: Watts.optional().describe('what it draws; without it a plan never turns it off'),
  })
  .refine(
    (host) => powerWays.filter((way) => host[way] !== undefined).length === 1,
    `give one of ${powerWays.join(', ')}`,
  )

export const PowerConfig = z.strictObject({
  hosts: z.record(z.string().min(1), Host).describe("by the name of the host's nova-compute service"),
  confirmSeconds: z
    .number()
    .min(1)
    .max(300)
    .default(10)
    .describe('a state counts when it was read twice in a row, so far apart at least'),
  timeoutSeconds: z.number().min(1).max(60).default(20).describe('longest wait for one answer'),
})
export type PowerConfig = z.infer<typeof PowerConfig>
export type PowerHost = PowerConfig['hosts'][string]
export type RedfishConfig = z.infer<typeof Redfish>
export type IpmiConfig = z.infer<typeof Ipmi>
export type IronicConfig = z.infer<typeof Ironic>
export type PowerCommandConfig = z.infer<typeof OwnCommand>
