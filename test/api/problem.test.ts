import { describe, expect, it } from 'vitest'
import { catalogue, type ErrorCode } from '../../core/catalogue.ts'
import { failure } from '../../core/errors.ts'
import { as, expectProblem, stopServer, world } from './app.ts'
import { memoryLog } from './memory-log.ts'

const canary = 'CANARY-5c1f93aa'
const url = '/v1/actions'

/** An error as an HTTP client throws it, with a token all over it. */
const foreign = () =>
  Object.assign(new Error(`connect ECONNREFUSED ${canary}`), {
    options: { headers: { 'x-auth-token': canary } },
    response: { body: canary },
    token: canary,
  })

describe('an error nobody foresaw', () => {
  it.each([
    ['thrown', () => Promise.reject(foreign())],
    ['with a status', () => Promise.reject(Object.assign(foreign(), { statusCode: 502 }))],
    ['that is no error', () => Promise.reject(canary)],
    ['wrapped in others', () => Promise.reject(new Error('outer', { cause: foreign() }))],
  ])('%s, says nothing but where to look', async (_how, list) => {
    const w = await world({ actions: { list } })
    const answer = await w.ask({ url, headers: as('member') })
    expect(expectProblem(answer, 'INTERNAL').detail).toBe('see the log of Steward for this request')
    expect(answer.body).not.toContain(canary)
    expect(answer.body).not.toMatch(/\bat .+:\d+:\d+|node_modules|\.ts\b/)
  })

  it('is in the log with the request id, and without the fields a library put on it', async () => {
    const { log, text, lines } = memoryLog()
    const list = () => Promise.reject(Object.assign(foreign(), { message: 'the socket broke' }))
    const w = await world({ actions: { list }, logger: log })
    const answer = await w.ask({ url, headers: as('member') })
    expect(lines()).toMatchObject([
      {
        msg: 'request failed',
        level: 50,
        code: 'INTERNAL',
        reqId: answer.headers['x-openstack-request-id'],
        err: { message: 'the socket broke', stack: expect.stringContaining(' at ') },
      },
    ])
    expect(text()).not.toContain(canary)
  })

  it('of a request that was refused is in the log too, without its credentials', async () => {
    const { log, text } = memoryLog()
    const w = await world({ logger: log })
    await w.ask({ url, headers: { ...as(canary), authorization: `Bearer ${canary}` } })
    expect(text()).toContain('"code":"TOKEN_INVALID"')
    expect(text()).not.toContain(canary)
  })

  it('at 4xx is said as it is: it is about the request', async () => {
    const list = () => Promise.reject(Object.assign(new Error('the query is odd'), { statusCode: 422 }))
    const w = await world({ actions: { list } })
    expect(expectProblem(await w.ask({ url, headers: as('member') }), 'INPUT_INVALID').detail).toBe('the query is odd')
  })
})

describe('a failure of ours', () => {
  it.each(Object.keys(catalogue) as ErrorCode[])('%s has its status, its reason and no details', async (code) => {
    const list = () => Promise.reject(failure(code, 'what happened', { internal: canary }))
    const w = await world({ actions: { list } })
    const answer = await w.ask({ url, headers: as('member') })
    expect(expectProblem(answer, code).detail).toBe('what happened')
    expect(answer.body).not.toContain(canary)
    expect(answer.headers['retry-after']).toBe(answer.statusCode === 503 ? '5' : undefined)
  })

  it('names every field that is wrong', async () => {
    const w = await world()
    const payload = { ...stopServer({ name: 7 }, { method: 'BREW' }) }
    const answer = await w.ask({ method: 'POST', url, headers: as('member'), payload })
    expect(expectProblem(answer, 'INPUT_INVALID').issues).toMatchObject([{ path: '/name' }, { path: '/call/method' }])
  })
})

describe('a URL that no router can read', () => {
  it.each(['/v1/actions/%zz', `/v1/actions/${'a'.repeat(300)}`])('%s is a problem like any other', async (odd) => {
    const w = await world()
    expectProblem(await w.ask({ url: odd, headers: as('member') }), 'INPUT_INVALID')
  })
})
