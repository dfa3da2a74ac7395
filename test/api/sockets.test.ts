import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bearer, type World, world } from './app.ts'

interface Listening extends World {
  /** Opens a connection and says these lines. */
  say(...lines: string[]): Socket
}

/** The app on a port; `patience` shortens the times it gives senders, so that no test waits for the real ones. */
async function listening(
  patience: { headersTimeout: number; requestTimeout: number } | null = null,
): Promise<Listening> {
  const w = await world()
  Object.assign(w.app.server, patience, { connectionsCheckingInterval: 20 })
  await w.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = w.app.server.address() as AddressInfo
  return {
    ...w,
    say(...lines) {
      const socket = connect(port, '127.0.0.1')
      // resets are what these tests are about
      socket.on('error', () => undefined)
      onTestFinished(() => void socket.destroy())
      socket.write(lines.join('\r\n'))
      return socket
    },
  }
}

/** All that comes until the other side closes. */
async function allOf(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
  })
  await once(socket, 'close')
  return text
}

const webhook = (token: string, length: number) => [
  'POST /v1/signals/alertmanager HTTP/1.1',
  'Host: steward',
  `Authorization: Bearer ${token}`,
  'Content-Type: application/json',
  `Content-Length: ${length}`,
  '',
]

describe('a sender', () => {
  it('has 15 s for its headers and 30 s for its request, which is looked at every 5 s', async () => {
    const { app } = await world()
    expect(app.server).toMatchObject({
      headersTimeout: 15_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5000,
      timeout: 60_000,
    })
  })

  it('whose body does not come is cut off, and nothing of it is taken', async () => {
    const w = await listening({ headersTimeout: 50, requestTimeout: 100 })
    expect(await allOf(w.say(...webhook(bearer.alertmanager, 500), '{"alerts": [{"status": "firing"'))).toMatch(
      /^HTTP\/1\.1 408 /,
    )
    expect(w.reported).toEqual([])
  })

  it('whose headers do not come is cut off', async () => {
    const w = await listening({ headersTimeout: 100, requestTimeout: 60_000 })
    expect(await allOf(w.say('POST /v1/actions HTTP/1.1', 'Host: steward', 'X-A: '))).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('that goes away in the middle of its body leaves nothing, and harms nobody', async () => {
    const w = await listening()
    const socket = w.say(...webhook(bearer.alertmanager, 500), '{"alerts": [{"status": "firing"')
    const [request] = (await once(w.app.server, 'request')) as [IncomingMessage]
    const gone = new Promise<void>((resolve) => request.once('close', resolve))
    socket.destroy()
    await gone
    expect(w.reported).toEqual([])
    const still = w.say('GET /healthz HTTP/1.1', 'Host: steward', 'Connection: close', '', '')
    expect(await allOf(still)).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('with a flood of headers is cut off', async () => {
    const w = await listening()
    // just above the limit of 16 KiB: what is read whole before the answer is not answered by a reset connection
    const flood = Array.from({ length: 400 }, (_, n) => `X-Flood-${n}: ${'x'.repeat(40)}`)
    const answer = await allOf(w.say('GET /healthz HTTP/1.1', 'Host: steward', ...flood, '', ''))
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
  })

  it('that does not speak HTTP is cut off', async () => {
    const w = await listening()
    expect(await allOf(w.say('\u0016\u0003\u0001 hello', '', ''))).toMatch(/^HTTP\/1\.1 400 /)
  })

  it.each([
    ['with a wrong token', 'x'.repeat(24), 1000, 401, 'SOURCE_REFUSED'],
    ['with a body beyond the limit', bearer.alertmanager, 64 << 20, 413, 'BODY_TOO_LARGE'],
  ])('%s is answered before it has sent its body', async (_why, token, length, status, code) => {
    const w = await listening()
    const socket = w.say(...webhook(token, length), '')
    const [first] = (await once(socket, 'data')) as [Buffer]
    expect(String(first)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(String(first)).toContain(`"code":"${code}"`)
  })
})
