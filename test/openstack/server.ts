import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Received {
  method: string
  /** Path and query. */
  path: string
  headers: IncomingMessage['headers']
  /** The JSON value, if it was one. */
  body: unknown
}

export interface Reply {
  status?: number
  headers?: Record<string, string>
  /** A string is sent as it is, anything else as JSON. */
  body?: unknown
}

export interface Served {
  url: string
  received: Received[]
}

/** Answers each request on 127.0.0.1 until the test ends; a handler that returns nothing leaves the caller waiting. */
export async function serve(
  answer: (request: Received, response: ServerResponse) => Reply | undefined | Promise<Reply | undefined>,
  tls?: { cert: string; key: string },
): Promise<Served> {
  const received: Received[] = []
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const one = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    }
    received.push(one)
    const reply = await answer(one, response)
    if (!reply) return
    const { status = 200, headers = {}, body } = reply
    const isText = typeof body === 'string'
    response.writeHead(status, { ...(!isText && { 'content-type': 'application/json' }), ...headers })
    response.end(body === undefined ? '' : isText ? body : JSON.stringify(body))
  }
  const handle = (request: IncomingMessage, response: ServerResponse) => void listener(request, response)
  const server = tls ? createTlsServer(tls, handle) : createServer(handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`, received }
}

/** Accepts connections and does with the bare socket what the test says. */
export async function serveTcp(onSocket: (socket: Socket) => void): Promise<{ port: number }> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    // resets are what these tests are about
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port }
}

/** A port of 127.0.0.1 on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** What a promise was rejected with; fails the test when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error('nothing was thrown')
  return error
}
