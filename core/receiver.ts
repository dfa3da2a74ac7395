import { z } from 'zod'
import { eventNames } from './notification.ts'

/** Why nothing is sent to this address; undefined when all is well with it. */
export function refusalOfUrl(url: string, allowHttp: boolean): string | undefined {
  const { protocol, hostname, username, password } = parsed(url) ?? {}
  if (protocol === undefined || hostname === undefined) return 'is no URL'
  if (username || password) return 'holds a login: secrets are given by file'
  if (protocol === 'https:') return undefined
  if (protocol !== 'http:') return 'is neither https:// nor http://'
  return allowHttp || isLoopback(hostname) ? undefined : 'is http:// and not this machine: say allowHttp if it must be'
}

const parsed = (url: string) => {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}

const isLoopback = (hostname: string) => hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname)

const common = {
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/),
  on: z.array(z.enum(eventNames)).min(1).describe('events it is told of'),
  projects: z.array(z.string().min(1)).min(1).optional().describe('of events about actions: only of these projects'),
  policies: z.array(z.string().min(1)).min(1).optional().describe('of events about incidents: only of these policies'),
  allowHttp: z.boolean().default(false).describe('http:// to another machine: whoever is on the way reads along'),
}
const address = {
  url: z.string().optional(),
  urlFile: z.string().optional().describe('or: file with it, where knowing it is enough to send'),
  urlEnv: z.string().optional().describe('or: environment variable with it'),
}

interface Addressed {
  readonly url?: string | undefined
  readonly urlFile?: string | undefined
  readonly urlEnv?: string | undefined
  readonly allowHttp: boolean
}

const howMany = (...ways: readonly (string | undefined)[]) => ways.filter((way) => way !== undefined).length
const hasOneAddress = ({ url, urlFile, urlEnv }: Addressed) => howMany(url, urlFile, urlEnv) === 1
const oneAddress = 'give one of url, urlFile and urlEnv'
const isSafe = ({ url, allowHttp }: Addressed) => url === undefined || refusalOfUrl(url, allowHttp) === undefined
const unsafe = {
  error: 'must be https://, or http:// on this machine or with allowHttp, without a login',
  path: ['url'],
}

const Webhook = z
  .strictObject({
    kind: z.literal('webhook'),
    ...common,
    ...address,
    tokenFile: z.string().optional().describe('file with a bearer token to show'),
    tokenEnv: z.string().optional().describe('or: environment variable with it'),
    secretFile: z.string().optional().describe('file with the key that signs, `whsec_` and base64'),
    secretEnv: z.string().optional().describe('or: environment variable with it'),
  })
  .refine(hasOneAddress, oneAddress)
  .refine(isSafe, unsafe)
  .refine(({ tokenFile, tokenEnv }) => howMany(tokenFile, tokenEnv) < 2, 'give tokenFile or tokenEnv')
  .refine(({ secretFile, secretEnv }) => howMany(secretFile, secretEnv) < 2, 'give secretFile or secretEnv')

const Slack = z
  .strictObject({ kind: z.literal('slack'), ...common, ...address })
  .refine(hasOneAddress, oneAddress)
  .refine(isSafe, unsafe)

const PagerDuty = z
  .strictObject({
    kind: z.literal('pagerduty'),
    ...common,
    url: z.string().default('https://events.pagerduty.com/v2/enqueue'),
    tokenFile: z.string().optional().describe('file with the routing key'),
    tokenEnv: z.string().optional().describe('or: environment variable with it'),
  })
  .refine(isSafe, unsafe)
  .refine(({ tokenFile, tokenEnv }) => howMany(tokenFile, tokenEnv) === 1, 'give tokenFile or tokenEnv')

/** Somebody who is told when something happens. Secrets come from files or the environment. */
export const ReceiverConfig = z.discriminatedUnion('kind', [Webhook, Slack, PagerDuty])
export type ReceiverConfig = z.infer<typeof ReceiverConfig>
