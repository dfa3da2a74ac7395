import { z } from 'zod'
import { failure } from '../core/errors.ts'
import { checkPath, type EndpointChoice, joinPath } from './catalog.ts'
import { checkDeclared } from './declared.ts'
import { type Call, faultOf, traceOf } from './fault.ts'
import { type Http, type HttpAnswer, jsonOf, type Method } from './http.ts'
import type { CallOptions } from './keystone.ts'
import {
  chooseMicroversion,
  microversionHeaders,
  type VersionRange,
  type Versions,
  versionRoot,
} from './microversion.ts'
import { type Page, pagesOf } from './pages.ts'
import type { Session } from './session.ts'
import { firstIssue, type Token } from './token.ts'

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export interface ReadOptions extends CallOptions {
  readonly query?: Query
}

export interface ServiceRequest extends ReadOptions {
  readonly method: Method
  /** Below the endpoint, beginning with `/`; may have a query. */
  readonly path: string
  /** Sent as JSON. */
  readonly body?: unknown
  /** For PATCH dialects such as `application/openstack-images-v2.1-json-patch`. @default application/json */
  readonly contentType?: string
  /** Set for a PUT or DELETE that does the same when sent twice: a lost answer is then worth a repeat. */
  readonly safeToRepeat?: boolean
}

export interface ServiceAnswer {
  readonly status: number
  /** The JSON value, the text when it is no JSON, `undefined` when empty. */
  readonly body: unknown
  /** The service's own id of the request, as in its log. */
  readonly requestId: string | undefined
  /** Only `location`, `etag`, `content-type` and `openstack-api-version`, as far as sent. */
  readonly headers: Readonly<Record<string, string>>
}

export interface ServiceClient {
  readonly type: string
  readonly microversion: string | undefined
  /**
   * Makes one call. Nothing is repeated, but for one renewed login after a 401. A 2xx of any shape is a success.
   *
   * @throws PATH_REFUSED, SERVICE_UNKNOWN, CLOUD_REFUSED, CLOUD_BUSY, CLOUD_UNREACHABLE, OUTCOME_UNKNOWN,
   *   MICROVERSION_UNSUPPORTED, CLOUD_ANSWER_UNREADABLE, and what `Session.token` throws
   */
  request(request: ServiceRequest): Promise<ServiceAnswer>
  /** Reads one resource and checks its shape. Throws like `request`; CLOUD_ANSWER_UNREADABLE for another shape. */
  get<T>(path: string, schema: z.ZodType<T>, options?: ReadOptions): Promise<T>
  /**
   * Reads a list page by page, item by item; `key` names the list: `servers`. Stops asking when the consumer stops.
   * Throws like `get`, also when a link to a next page leaves the endpoint or the list has over 1000 pages.
   */
  pages<T>(path: string, key: string, schema: z.ZodType<T>, options?: ReadOptions): AsyncGenerator<T, void, undefined>
  /**
   * Gives this client with the highest microversion that both sides know. The service's range is kept for ten minutes.
   *
   * @throws MICROVERSION_UNSUPPORTED with the offered range in `details.offered`, and like `request`
   */
  negotiate(wanted: VersionRange, options?: CallOptions): Promise<ServiceClient>
  /**
   * How far the clock of the service is ahead of ours, to about a second: times in its records are by its own clock. By
   * its last answer to this client, or by Keystone's last token when its answers do not say what time it is.
   */
  aheadMs(): number
}

export interface ServiceClientOptions {
  readonly http: Http
  readonly session: Session
  readonly versions: Versions
  readonly type: string
  readonly choice: EndpointChoice
  readonly microversion?: string | undefined
}

const shownHeaders = ['location', 'etag', 'content-type', 'openstack-api-version']

/** Makes the client of one service; `Session.service` is the usual way to one. */
export function createServiceClient(options: ServiceClientOptions): ServiceClient {
  const { http, session, versions, type, choice, microversion } = options
  let aheadMs: number | undefined

  /** Sends to the URL that the catalogue of the token in use leads to; logs in anew once on 401. */
  async function exchange(urlIn: (endpoint: string) => string, request: Omit<ServiceRequest, 'path' | 'query'>) {
    const { contentType, ...rest } = request
    const send = async (token: Token) => {
      const endpoint = token.catalog.endpoint(type, choice)
      const url = urlIn(endpoint)
      const headers = {
        ...(contentType !== undefined && { 'content-type': contentType }),
        ...(microversion !== undefined && microversionHeaders(type, microversion)),
        'x-auth-token': token.id,
      }
      const answer = await http({ ...rest, service: type, url, headers })
      aheadMs = aheadOf(answer)
      return { url, endpoint, token, answer }
    }
    const first = await send(await session.token(rest))
    if (first.answer.status !== 401) return first
    return send(await session.renew(first.token, rest))
  }

  function callOf(url: string, token: Token, request: Pick<ServiceRequest, 'method' | 'safeToRepeat'>): Call {
    const { method, safeToRepeat } = request
    return { service: type, method, path: new URL(url).pathname, microversion, safeToRepeat, secrets: [token.id] }
  }

  async function read(urlIn: (endpoint: string) => string, reading: CallOptions): Promise<Page> {
    const { url, endpoint, token, answer } = await exchange(urlIn, { ...reading, method: 'GET' })
    if (!isSuccess(answer)) throw faultOf(answer, callOf(url, token, { method: 'GET' }))
    return { url, endpoint, body: jsonOf(answer) }
  }

  const parse = <T>(schema: z.ZodType<T>, body: unknown, url: string): T => {
    const parsed = schema.safeParse(body)
    if (parsed.success) return parsed.data
    const { pathname: path } = new URL(url)
    const issue = body === undefined ? 'no JSON' : firstIssue(parsed.error)
    throw failure('CLOUD_ANSWER_UNREADABLE', `${type} answered GET ${path} in another shape: ${issue}`, {
      service: type,
      path,
      issue,
    })
  }

  const client: ServiceClient = {
    type,
    microversion,
    aheadMs: () => aheadMs ?? session.aheadMs(),

    async request({ path, query, ...request }) {
      checkPath(path)
      checkDeclared({ service: type, method: request.method, path })
      const { url, token, answer } = await exchange((endpoint) => withQuery(joinPath(endpoint, path), query), request)
      if (!isSuccess(answer)) throw faultOf(answer, callOf(url, token, request))
      const { status, text, headers } = answer
      return {
        status,
        body: jsonOf(answer) ?? (text === '' ? undefined : text),
        requestId: traceOf(answer).requestId,
        headers: Object.fromEntries(shownHeaders.flatMap((name) => (headers[name] ? [[name, headers[name]]] : []))),
      }
    },

    async get(path, schema, { query, ...reading } = {}) {
      checkPath(path)
      checkDeclared({ service: type, method: 'GET', path })
      const { url, body } = await read((endpoint) => withQuery(joinPath(endpoint, path), query), reading)
      return parse(schema, body, url)
    },

    async *pages(path, key, schema, { query, ...reading } = {}) {
      checkPath(path)
      checkDeclared({ service: type, method: 'GET', path })
      const first = () => read((endpoint) => withQuery(joinPath(endpoint, path), query), reading)
      const next = (url: string) => read(() => url, reading)
      const List = z.object({ [key]: z.array(schema) })
      for await (const page of pagesOf({ service: type, key, first, next }))
        yield* parse(List, page.body, page.url)[key] ?? []
    },

    async negotiate(wanted, reading = {}) {
      // a service answers the question for its versions with 406 when asked in a version it does not have
      if (microversion !== undefined)
        return createServiceClient({ ...options, microversion: undefined }).negotiate(wanted, reading)
      const { catalog } = await session.token(reading)
      const root = versionRoot(catalog.endpoint(type, choice))
      const offered = await versions.range(root, type, () => readVersions(root, reading))
      return createServiceClient({ ...options, microversion: chooseMicroversion(type, offered, wanted) })
    },
  }

  /** A list of versions comes with 300 from some services: several choices, none of them followed. */
  async function readVersions(root: string, reading: CallOptions): Promise<unknown> {
    const { url, token, answer } = await exchange(() => root, { ...reading, method: 'GET' })
    if (!isSuccess(answer) && answer.status !== 300) throw faultOf(answer, callOf(url, token, { method: 'GET' }))
    return jsonOf(answer)
  }

  return client
}

/** The header has whole seconds: on average it is half a second old. */
function aheadOf({ headers }: HttpAnswer): number | undefined {
  const ms = Date.parse(headers.date ?? '')
  return Number.isNaN(ms) ? undefined : ms + 500 - Date.now()
}

function isSuccess({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300
}

function withQuery(url: string, query: Query = {}): string {
  const whole = new URL(url)
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) whole.searchParams.append(name, String(one))
  }
  return whole.href
}
