import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { codeOf, detailsOf } from '../../core/errors.ts'
import { createHttp, type HttpRequest } from '../../openstack/http.ts'
import { closedPort, rejection, serve, serveTcp } from './server.ts'

const tls = {
  cert: readFileSync(new URL('./fixtures/localhost-cert.pem', import.meta.url), 'utf8'),
  key: readFileSync(new URL('./fixtures/localhost-key.pem', import.meta.url), 'utf8'),
}
const http = createHttp({ connectTimeoutMs: 200 })
const nova = (url: string, rest: Partial<HttpRequest> = {}) => ({
  service: 'compute',
  method: 'GET' as const,
  url,
  ...rest,
})

/** Every way in which nothing reaches the service. */
const unsent: Record<string, () => Promise<string>> = {
  'nothing listens': async () => `http://127.0.0.1:${await closedPort()}`,
  'the name is unknown': async () => 'http://nova.invalid',
  'the certificate is not trusted': async () => (await serve(() => ({}), tls)).url,
  'the port speaks no TLS': async () => (await serve(() => ({}))).url.replace('http:', 'https:'),
  'TLS never gets going': async () => `https://127.0.0.1:${(await serveTcp(() => undefined)).port}`,
}

/** Every way in which the service has the request and we have no answer. */
const unanswered: Record<string, () => Promise<string>> = {
  'it hangs up after the request': async () => {
    const { port } = await serveTcp((socket) => socket.once('data', () => socket.destroy()))
    return `http://127.0.0.1:${port}`
  },
  'it resets the connection after the request': async () => {
    const { port } = await serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy()))
    return `http://127.0.0.1:${port}`
  },
  'it never answers': async () => (await serve(() => undefined)).url,
  'it hangs up in the middle of its answer': async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(202, { 'content-length': '100' })
      response.write('{"server":', () => response.destroy())
      return undefined
    })
    return url
  },
  'it hangs up in the middle of a chunked answer': async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(202)
      response.write('{"server":', () => response.destroy())
      return undefined
    })
    return url
  },
  'it stops in the middle of its answer': async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(202, { 'content-length': '100' })
      response.write('{"server":')
      return undefined
    })
    return url
  },
  'it answers something other than HTTP': async () => {
    const { port } = await serveTcp((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.6\r\n')))
    return `http://127.0.0.1:${port}`
  },
}

describe('a request that cannot be sent', () => {
  for (const [when, url] of Object.entries(unsent)) {
    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      it(`may be repeated: ${method} when ${when}`, async () => {
        const error = await rejection(http(nova(await url(), { method, ...(method === 'POST' && { body: {} }) })))
        expect(codeOf(error)).toBe('CLOUD_UNREACHABLE')
        expect(error).toMatchObject({ nonRetryable: false })
        expect(detailsOf(error)).toMatchObject({ service: 'compute', method, sent: false })
      })
    }
  }

  it('is reported as Keystone when it was meant for Keystone', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`
    const error = await rejection(http(nova(url, { method: 'POST', unreachable: 'KEYSTONE_UNREACHABLE' })))
    expect(codeOf(error)).toBe('KEYSTONE_UNREACHABLE')
    expect(error.message).toMatch(/ECONNREFUSED$/)
  })

  it('does not reach a service whose certificate is not trusted', async () => {
    const server = await serve(() => ({}), tls)
    await rejection(http(nova(server.url, { method: 'POST', headers: { 'x-auth-token': 'x' }, body: {} })))
    expect(server.received).toEqual([])
  })
})

describe('a request whose answer is lost', () => {
  const impatient = createHttp({ timeoutMs: 150 })
  for (const [when, url] of Object.entries(unanswered)) {
    it(`has an unknown outcome when it may change something and ${when}`, async () => {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
        const error = await rejection(impatient(nova(await url(), { method, body: { 'os-stop': null } })))
        expect(codeOf(error)).toBe('OUTCOME_UNKNOWN')
        expect(error).toMatchObject({ nonRetryable: true })
        expect(detailsOf(error)).toMatchObject({ method, sent: true })
      }
    })
    it(`may be repeated when it only reads and ${when}`, async () => {
      const error = await rejection(impatient(nova(await url())))
      expect(codeOf(error)).toBe('CLOUD_UNREACHABLE')
    })
  }

  it('may be repeated when the caller says that twice does the same as once', async () => {
    const { url } = await serve(() => undefined)
    const error = await rejection(impatient(nova(url, { method: 'DELETE', safeToRepeat: true })))
    expect(codeOf(error)).toBe('CLOUD_UNREACHABLE')
  })

  it('is made only once', async () => {
    const server = await serve((_request, response) => {
      response.destroy()
      return undefined
    })
    await rejection(http(nova(server.url)))
    await rejection(http(nova(server.url, { method: 'POST' })))
    expect(server.received).toHaveLength(2)
  })
})

describe('cancelling', () => {
  const reason = new Error('the run was cancelled')

  it('sends nothing when it came first', async () => {
    const server = await serve(() => ({}))
    expect(await rejection(http(nova(server.url, { method: 'POST', signal: AbortSignal.abort(reason) })))).toBe(reason)
    expect(server.received).toEqual([])
  })

  it('ends a read with the reason given', async () => {
    const cancelling = new AbortController()
    const server = await serve(() => void cancelling.abort(reason))
    expect(await rejection(http(nova(server.url, { signal: cancelling.signal })))).toBe(reason)
  })

  it('leaves the outcome unknown when a change is on its way', async () => {
    const cancelling = new AbortController()
    const server = await serve(() => void cancelling.abort(reason))
    const error = await rejection(http(nova(server.url, { method: 'POST', signal: cancelling.signal })))
    expect(codeOf(error)).toBe('OUTCOME_UNKNOWN')
    expect(detailsOf(error)).toMatchObject({ reason: 'cancelled' })
  })
})

describe('an answer', () => {
  it('of any status is handed over, a redirect included, and the redirect is not followed', async () => {
    const elsewhere = await serve(() => ({}))
    const server = await serve(() => ({ status: 302, headers: { location: elsewhere.url } }))
    const answer = await http(nova(server.url, { headers: { 'x-auth-token': 'secret' } }))
    expect(answer.status).toBe(302)
    expect(elsewhere.received).toEqual([])
  })

  it('larger than the cap is dropped', async () => {
    const { url } = await serve(() => ({ body: 'x'.repeat(200_000) }))
    const small = createHttp({ maxAnswerBytes: 100_000 })
    expect(codeOf(await rejection(small(nova(url))))).toBe('CLOUD_ANSWER_UNREADABLE')
    expect(codeOf(await rejection(small(nova(url, { method: 'POST' }))))).toBe('OUTCOME_UNKNOWN')
    expect((await createHttp({ maxAnswerBytes: 200_000 })(nova(url))).text).toHaveLength(200_000)
  })

  it('is never unpacked, so a small one cannot grow in memory', async () => {
    const packed = gzipSync('x'.repeat(1_000_000))
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(packed)
      return undefined
    })
    expect((await http(nova(server.url))).text.length).toBeLessThanOrEqual(packed.length)
    expect(server.received[0]?.headers['accept-encoding']).toBeUndefined()
  })

  it('comes over TLS from a service whose authority is known', async () => {
    const server = await serve(() => ({ body: { ok: true } }), tls)
    const trusting = createHttp({ tls: { verify: true, ca: tls.cert } })
    expect((await trusting(nova(server.url))).text).toBe('{"ok":true}')
    const careless = createHttp({ tls: { verify: false } })
    expect((await careless(nova(server.url))).status).toBe(200)
  })
})

describe('the request id', () => {
  const requestId = 'req-4e7a5a36-8d41-4a2b-9c47-2f8d1f1d6a10'

  it('goes to the service, so that its log can be searched for the run', async () => {
    const server = await serve(() => ({}))
    await http(nova(server.url, { requestId }))
    expect(server.received[0]?.headers['x-openstack-request-id']).toBe(requestId)
  })

  it.each([requestId.toUpperCase(), requestId.slice(4), `${requestId}\r\nx: y`, ''])('is refused as %j', async (id) => {
    const server = await serve(() => ({}))
    expect(codeOf(await rejection(http(nova(server.url, { requestId: id }))))).toBe('INTERNAL')
    expect(server.received).toEqual([])
  })
})

describe('connections', () => {
  it('are shared by reads and never by calls that change something', async () => {
    const ports: (number | undefined)[] = []
    const server = await serve((_request, response) => {
      ports.push(response.socket?.remotePort)
      return {}
    })
    for (const method of ['GET', 'GET', 'POST', 'POST'] as const) {
      await http(nova(server.url, { method }))
      // a connection goes back to its pool one turn after its answer
      await setImmediate()
    }
    expect(ports[0]).toBe(ports[1])
    expect(new Set(ports)).toHaveProperty('size', 3)
  })

  it('are not shared at all when keep-alive is off', async () => {
    const ports = new Set<number | undefined>()
    const server = await serve((_request, response) => {
      ports.add(response.socket?.remotePort)
      return {}
    })
    const closing = createHttp({ keepAlive: false })
    for (let count = 0; count < 2; count += 1) await closing(nova(server.url))
    expect(ports.size).toBe(2)
  })
})
