import { z } from 'zod'

const HostName = z
  .string()
  .regex(
    /^(?=.{1,253}$)(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*$/,
    'a host name in lower case, an address, or a range such as 10.1.0.0/16',
  )

const HeaderName = z.string().regex(/^[a-z0-9-]{1,64}$/, 'a header name in lower case')

/** Names and values that no runbook may set: they hold secrets, or say how a message is carried. */
const isOurs = (name: string) =>
  /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|keep-alive|expect|cookie|forwarded)$/.test(
    name,
  ) ||
  /^(proxy-|x-forwarded-)/.test(name) ||
  /auth|token|secret|password|api-?key|signature/.test(name)

/** A secret that an HTTP call may show, and to whom. It stays in its file, which is read when the call is made. */
const HttpSecret = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/),
  header: HeaderName.default('authorization'),
  prefix: z.enum(['', 'Bearer ', 'Basic ', 'Token ']).default('Bearer ').describe('what stands before it'),
  file: z.string().describe('file with the secret alone'),
  hosts: z
    .array(z.union([z.ipv4(), z.ipv6(), HostName]))
    .min(1)
    .describe('the only hosts it is ever shown to'),
})

/** Where HTTP calls of runbooks may go beyond public addresses. */
export const HttpConfig = z.strictObject({
  allow: z
    .array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6(), HostName]))
    .default([])
    .describe('ranges, addresses and host names that are not public and may be called'),
  allowHttp: z.boolean().default(false).describe('http:// as well: whoever is on the way reads along'),
  ports: z.array(z.int().min(1).max(65_535)).min(1).default([443]),
  secrets: z.array(HttpSecret).default([]),
})
export type HttpConfig = z.infer<typeof HttpConfig>

/** One HTTP call as data. */
export const HttpCall = z.strictObject({
  method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']),
  url: z.string().max(2048).describe('https://…; never put a secret into it'),
  headers: z
    .record(
      HeaderName.refine((name) => !isOurs(name), 'not to be set by a runbook: a secret is named in `secret`'),
      z.string().regex(/^[\x20-\x7e]{0,1024}$/, 'printable ASCII'),
    )
    .default({}),
  body: z.json().optional().describe('sent as JSON; never put a secret into it'),
  expectStatus: z
    .array(z.int().min(200).max(599))
    .min(1)
    .max(20)
    .default([200, 201, 202, 204])
    .describe('every other answer is a failure'),
  secret: z.string().max(64).optional().describe('name of a secret under `http.secrets` of steward.yaml'),
})
export type HttpCall = z.infer<typeof HttpCall>

/** What it came to. */
export interface HttpOutcome {
  readonly status: number
  /** JSON without what is named like a secret, or text. */
  readonly body?: unknown
  /** There was more than is kept. */
  readonly cut?: true
}

/** What may be sent twice with the effect of one (RFC 9110, 9.2.2). */
export const isRepeatableCall = ({ method }: Pick<HttpCall, 'method'>): boolean =>
  method !== 'POST' && method !== 'PATCH'

/** It changes nothing where it goes. */
export const isReadingCall = ({ method }: Pick<HttpCall, 'method'>): boolean => method === 'GET' || method === 'HEAD'
