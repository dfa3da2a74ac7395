import { randomUUID } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Request {
  readonly service: string
  readonly method: string
  /** Below the service's root, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: unknown
  /** The service's own id of this request; goes into its answer and its records. */
  readonly requestId: string
  /** Root of the service, for links. */
  readonly url: string
}

export interface Answer {
  readonly status: number
  readonly body?: unknown
  /** Sent as it is, in place of JSON. */
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * What goes wrong: before or after the request had its effect. `hang` never answers, `reset` hangs up; what is slow has
 * its effect and answers after `slowMs`.
 */
export type Wrong =
  | 'hang'
  | 'reset'
  | 'hang after effect'
  | 'reset after effect'
  | (Answer & { readonly afterEffect?: boolean })
  | { readonly slowMs: number }
  | ((request: Request) => Answer)

export interface Fault {
  readonly service?: string
  readonly method?: string
  readonly path?: RegExp
  /** How often. @default 1 */
  readonly times?: number
}

export interface Listener {
  readonly url: string
  /** Refuses connections from now on. */
  stop(): Promise<void>
  /** Listens again where it did before. */
  start(): Promise<void>
}

export interface Faults {
  /** The next requests that fit go wrong in this way; earlier calls come first. */
  add(which: Fault, wrong: Wrong): void
  take(request: Request): Wrong | undefined
  /** Those that no request has met, in the order of their making. */
  unmet(): readonly Fault[]
}

/** What the services of one cloud have in common. */
export interface Surroundings {
  readonly faults: Faults
  readonly received: Request[]
  /** Their clock as it stands in their answers, epoch ms; undefined when it does not. */
  readonly tellTime: (service: string) => number | undefined
  /** Lets time pass for a service that is slow. @default real time */
  readonly pass?: (ms: number) => Promise<void>
}

export function createFaults(): Faults {
  const planned: { which: Fault; wrong: Wrong; left: number }[] = []
  return {
    add: (which, wrong) => planned.push({ which, wrong, left: which.times ?? 1 }),
    take(request) {
      const found = planned.find(
        ({ which, left }) =>
          left > 0 &&
          (which.service ?? request.service) === request.service &&
          (which.method ?? request.method) === request.method &&
          (which.path?.test(request.path) ?? true),
      )
      if (found) found.left -= 1
      return found?.wrong
    },
    unmet: () => planned.filter(({ which, left }) => left === (which.times ?? 1)).map(({ which }) => which),
  }
}

/** One service on 127.0.0.1, with faults on demand. */
export async function listen(
  service: string,
  handle: (request: Request) => Answer,
  { faults, received, tellTime, pass = sleep }: Surroundings,
): Promise<Listener> {
  let server: Server | undefined
  let port = 0
  const listener = {
    url: '',
    async stop() {
      server?.closeAllConnections()
      await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))
      server = undefined
    },
    async start() {
      server = createServer((incoming, response) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () => {
          const { pathname: path, searchParams: query } = new URL(incoming.url ?? '/', listener.url)
          const text = Buffer.concat(chunks).toString()
          const request: Request = {
            service,
            method: incoming.method ?? '',
            path,
            query,
            headers: incoming.headers,
            body: text === '' ? undefined : JSON.parse(text),
            requestId: `req-${randomUUID()}`,
            url: listener.url,
          }
          received.push(request)
          void reply(request, response)
        })
      })
      await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve))
      port = (server.address() as AddressInfo).port
      listener.url = `http://127.0.0.1:${port}`
    },
  }
  await listener.start()
  return listener

  async function reply(request: Request, response: ServerResponse): Promise<void> {
    const planned = faults.take(request)
    const wrong = typeof planned === 'function' ? planned(request) : planned
    if (wrong === 'hang') return
    if (wrong === 'reset') return void response.socket?.destroy()
    const isSlow = typeof wrong === 'object' && 'slowMs' in wrong
    const instead = typeof wrong === 'object' && !isSlow ? wrong : undefined
    const answer = instead && !('afterEffect' in instead) ? instead : handle(request)
    if (wrong === 'hang after effect') return
    if (wrong === 'reset after effect') return void response.socket?.destroy()
    if (isSlow) await pass(wrong.slowMs)
    const { status, body, text: plain, headers } = instead ?? answer
    const timeMs = tellTime(service)
    response.sendDate = false
    response.writeHead(status, {
      'content-type': plain === undefined ? 'application/json' : 'text/html',
      'x-openstack-request-id': request.requestId,
      ...(timeMs !== undefined && { date: new Date(timeMs).toUTCString() }),
      ...headers,
    })
    response.end(plain ?? (body === undefined ? '' : JSON.stringify(body)))
  }
}

/** An object's field, of whatever came over the network. */
export function field(value: unknown, ...names: string[]): unknown {
  return names.reduce<unknown>(
    (at, name) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[name] : undefined),
    value,
  )
}
