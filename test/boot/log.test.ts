import { ActivityFailure, RetryState } from '@temporalio/common'
import { got } from 'got'
import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import { memoryLog } from '../api/memory-log.ts'
import { rejection, serve } from '../openstack/server.ts'

const canary = 'CANARY-93aa5c1f'

describe('the log', () => {
  it('keeps a token to itself that an HTTP client left in its error', async () => {
    const service = await serve(() => ({
      status: 403,
      headers: { 'x-subject-token': canary },
      body: { token: canary },
    }))
    const error = await rejection(got(service.url, { headers: { 'x-auth-token': canary }, retry: { limit: 0 } }).json())
    const { log, text, lines } = memoryLog()
    log.error({ err: error }, 'as err')
    log.error({ error, reason: error }, 'under other names')
    log.error(error)
    log.child({ a: 1 }).error({ err: error }, 'in a child')
    log.error({ err: new Error('outer', { cause: error }) }, 'as a cause')
    expect(lines()).toHaveLength(5)
    expect(lines()[0]?.err).toEqual({ message: expect.stringContaining('403'), stack: expect.any(String) })
    expect(lines()[1]).toMatchObject({ error: { message: expect.stringContaining('403') } })
    expect(text()).not.toContain(canary)
  })

  it('hides fields that hold secrets, at the top and one level down', () => {
    const { log, text, lines } = memoryLog()
    const secrets = {
      headers: { 'x-auth-token': canary },
      'x-auth-token': canary,
      'x-subject-token': canary,
      authorization: `Bearer ${canary}`,
      token: canary,
      password: canary,
      secret: canary,
    }
    log.info({ ...secrets, host: 'cmp-1' }, 'at the top')
    log.info({ request: secrets, cloud: { ...secrets, host: 'cmp-1' } }, 'below')
    expect(text()).not.toContain(canary)
    expect(lines()).toMatchObject([
      { host: 'cmp-1', token: '(hidden)' },
      { cloud: { host: 'cmp-1', token: '(hidden)' } },
    ])
  })

  it('says of our own failures the code and the reason, however wrapped, and no details', () => {
    const { log, text, lines } = memoryLog()
    const own = failure('MIGRATION_FAILED', 'Nova gave up 6f1c', { internal: canary })
    const wrapped = new ActivityFailure('Activity failed', 'move', '1', RetryState.TIMEOUT, 'w', own)
    log.warn({ err: wrapped }, 'x')
    expect(lines()).toMatchObject([{ err: { code: 'MIGRATION_FAILED', message: 'Nova gave up 6f1c' } }])
    expect(text()).not.toContain(canary)
  })

  it('is one line of JSON each, whatever is in it', () => {
    const { log, text, lines } = memoryLog()
    const odd = 'a\nb\u001b[2Jc\u2028d\ud800'
    log.info({ host: odd }, odd)
    expect(text().trimEnd().split('\n')).toHaveLength(1)
    expect(text().trimEnd()).not.toMatch(/\p{Cc}/u)
    expect(lines()).toMatchObject([{ name: 'test', level: 30 }])
  })
})
