import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { codeOf, detailsOf, failure } from '../../core/errors.ts'
import type { PowerReading, PowerState, RedfishConfig } from '../../core/power.ts'
import { clean, traceOf } from '../../openstack/fault.ts'
import { createHttp, type Http, type HttpAnswer, jsonOf } from '../../openstack/http.ts'
import { type Begin, type PowerControl, readingTime } from './control.ts'
import { readPassword } from './password.ts'

const Link = z.object({ '@odata.id': z.string() })
const Systems = z.object({ Members: z.array(Link) })
const AllowableValues = z.array(z.string())
const System = z.object({
  UUID: z.string().nullish(),
  PowerState: z.string(),
  Actions: z
    .object({
      '#ComputerSystem.Reset': z
        .object({
          target: z.string(),
          'ResetType@Redfish.AllowableValues': AllowableValues.optional(),
          '@Redfish.ActionInfo': z.string().optional(),
        })
        .optional(),
    })
    .optional(),
})
const ActionInfo = z.object({
  Parameters: z.array(z.object({ Name: z.string(), AllowableValues: AllowableValues.optional() })),
})
const Fault = z.object({
  error: z.object({
    message: z.string().optional(),
    '@Message.ExtendedInfo': z.array(z.object({ Message: z.string().optional() })).optional(),
  }),
})

/** A system with all its links is some 10 KiB. */
const maxAnswerBytes = 1 << 20

/** In the order in which they are taken. A push of the power button may turn on or off, so it is none of them. */
const resets = { hard: ['ForceOff'], graceful: ['GracefulShutdown'], on: ['On', 'ForceOn'] } as const

/**
 * By Redfish with basic authentication. Links of the BMC are followed on the BMC itself only.
 *
 * @see https://www.dmtf.org/standards/redfish DSP0266
 */
export function redfishControl(host: string, config: RedfishConfig, timeoutMs: number): PowerControl {
  const { url, user, passwordFile, machineUuid } = config
  const { origin } = new URL(url)
  const where = `the BMC of ${host} at ${origin}`

  /** Asks once; any answer below 400 is one. */
  async function ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<HttpAnswer> {
    const [password, http] = await Promise.all([readPassword(host, passwordFile), connect(host, config, timeoutMs)])
    const basic = Buffer.from(`${user}:${password}`).toString('base64')
    const headers = { authorization: `Basic ${basic}`, 'odata-version': '4.0' }
    const request = { service: where, method, url: `${origin}${path}`, headers, ...(body !== undefined && { body }) }
    const answer = await http(request).catch((error: unknown) => {
      throw translated(error)
    })
    judge(answer, `${method} ${path}`, [password, basic])
    return answer
  }

  function translated(error: unknown): unknown {
    const code = codeOf(error)
    const { reason, sent } = detailsOf(error)
    const details = { host, origin, reason }
    if (code === 'OUTCOME_UNKNOWN') return failure(code, `the answer of ${where} was lost: ${reason}`, details)
    if (code === 'CLOUD_ANSWER_UNREADABLE') return failure('POWER_UNKNOWN', `${where}: ${reason}`, details)
    if (code !== 'CLOUD_UNREACHABLE') return error
    if (!sent && /CERT|SIGNATURE|ISSUER/.test(String(reason)))
      return failure('POWER_NOT_TRUSTED', `the certificate of ${where} is not trusted: ${reason}`, details)
    return failure('POWER_UNREACHABLE', `${where} could not be reached: ${reason}`, details)
  }

  /** @throws what became of it, unless it is well */
  function judge(answer: HttpAnswer, what: string, secrets: readonly string[]): void {
    const { status } = answer
    if (status >= 200 && status < 300) return
    const { retryAfterSeconds } = traceOf(answer)
    const details = { host, origin, status, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) }
    const reason = reasonOf(answer, secrets)
    const says = `${where} answered ${status} to ${what}${reason === '' ? '' : `: ${reason}`}`
    if (status === 401 || status === 403)
      throw failure('POWER_REFUSED', `${says}; check user ${user} and ${passwordFile}`, details)
    if (status === 429 || status === 503) throw failure('POWER_UNREACHABLE', says, details)
    // 501 is how some say that they do not know the reset type
    if (status >= 500 && status !== 501)
      throw failure(what.startsWith('POST') ? 'OUTCOME_UNKNOWN' : 'POWER_UNREACHABLE', says, details)
    throw failure('POWER_REFUSED', status < 400 ? `${says} (redirects are not followed)` : says, details)
  }

  async function read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const parsed = schema.safeParse(jsonOf(await ask('GET', path)))
    if (parsed.success) return parsed.data
    const issue = parsed.error.issues[0]
    const what = issue === undefined ? '' : `: ${issue.path.join('.') || 'all of it'}`
    throw failure('POWER_UNKNOWN', `${where} answered GET ${path} in another shape${what}`, { host, origin, path })
  }

  /** A path of the BMC's own Redfish service. @throws POWER_UNKNOWN */
  function pathOf(link: string): string {
    const whole = URL.canParse(link, origin) ? new URL(link, origin) : undefined
    if (whole?.origin === origin && whole.pathname.startsWith('/redfish/') && !whole.search) return whole.pathname
    throw failure('POWER_UNKNOWN', `${where} names a link that is not its own: ${clean(link, [], 100)}`, {
      host,
      origin,
    })
  }

  async function systemPath(): Promise<string> {
    if (config.system !== undefined) return config.system
    const { Members } = await read('/redfish/v1/Systems', Systems)
    const [only, ...others] = Members.map((member) => pathOf(member['@odata.id']))
    if (only !== undefined && others.length === 0) return only
    const has = only === undefined ? 'has no system' : `has several systems, name one: ${[only, ...others].join(', ')}`
    throw failure('POWER_NOT_CONFIGURED', `${where} ${has}`, { host, origin })
  }

  async function readSystem() {
    const path = await systemPath()
    const system = await read(path, System)
    const { UUID } = system
    if (machineUuid !== undefined && UUID?.toLowerCase() !== machineUuid.toLowerCase()) {
      const is = UUID ? clean(UUID, [], 50) : 'without a UUID'
      throw failure('POWER_WRONG_MACHINE', `${where} is that of machine ${is}, not of ${machineUuid}`, { host, origin })
    }
    return { path, system }
  }

  async function reset(wanted: keyof typeof resets, begin: Begin): Promise<void> {
    const { system } = await readSystem()
    const action = system.Actions?.['#ComputerSystem.Reset']
    if (!action) throw failure('POWER_UNSUPPORTED', `${where} offers no reset of the system`, { host, origin })
    const offered = action['ResetType@Redfish.AllowableValues'] ?? (await offeredBy(action['@Redfish.ActionInfo']))
    const [usual] = resets[wanted]
    // a BMC need not say what it takes; it refuses what it does not
    const type = offered === undefined ? usual : resets[wanted].find((one) => offered.includes(one))
    if (type === undefined) {
      const has = clean(offered?.join(', ') ?? '', [], 200) || 'none'
      throw failure('POWER_UNSUPPORTED', `${where} does not offer ${usual}; it has ${has}`, { host, origin })
    }
    const target = pathOf(action.target)
    await begin()
    await ask('POST', target, { ResetType: type })
  }

  async function offeredBy(info: string | undefined): Promise<readonly string[] | undefined> {
    if (info === undefined) return undefined
    const { Parameters } = await read(pathOf(info), ActionInfo)
    return Parameters.find(({ Name }) => Name === 'ResetType')?.AllowableValues
  }

  return {
    async look(): Promise<PowerReading> {
      const at = readingTime()
      const { path, system } = await readSystem()
      const { PowerState: said, UUID } = system
      return {
        ...{ host, way: 'redfish', ...stateOf(said), asked: `GET ${origin}${path}` },
        ...{ said: `PowerState: ${clean(said, [], 50)}`, at },
        ...(UUID && { machineUuid: clean(UUID, [], 50) }),
      }
    },
    off: reset,
    on: (begin) => reset('on', begin),
  }
}

/** One BMC has one CA; connections are not kept, since these devices have few. @throws POWER_NOT_CONFIGURED */
async function connect(host: string, { caFile }: RedfishConfig, timeoutMs: number): Promise<Http> {
  const base = { timeoutMs, maxAnswerBytes, keepAlive: false }
  if (caFile === undefined) return createHttp(base)
  try {
    return createHttp({ ...base, tls: { verify: true, ca: await readFile(caFile, 'utf8') } })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw failure('POWER_NOT_CONFIGURED', `the caFile of ${host} cannot be read: ${caFile}: ${code}`, { host })
  }
}

function stateOf(said: string): { state: PowerState; heading?: 'on' | 'off' } {
  if (said === 'On') return { state: 'on' }
  if (said === 'Off') return { state: 'off' }
  if (said === 'PoweringOn') return { state: 'unknown', heading: 'on' }
  if (said === 'PoweringOff') return { state: 'unknown', heading: 'off' }
  return { state: 'unknown' }
}

function reasonOf(answer: HttpAnswer, secrets: readonly string[]): string {
  const parsed = Fault.safeParse(jsonOf(answer))
  if (!parsed.success) return ''
  const { message, '@Message.ExtendedInfo': more = [] } = parsed.data.error
  return clean(more.find(({ Message }) => Message)?.Message ?? message ?? '', secrets, 300)
}
