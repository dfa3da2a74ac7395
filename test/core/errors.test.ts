import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, RetryState } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import { catalogue, type ErrorCode } from '../../core/catalogue.ts'
import { codeOf, detailsOf, failure, messageOf } from '../../core/errors.ts'

const codes = Object.keys(catalogue) as ErrorCode[]
const inActivity = (cause: Error) =>
  new ActivityFailure('Activity task failed', 'liveMigrate', '1', RetryState.NON_RETRYABLE_FAILURE, 'worker', cause)
const inChild = (cause: Error) =>
  new ChildWorkflowFailure('default', { workflowId: 'w', runId: 'r' }, 'relieveHost', RetryState.TIMEOUT, cause)

describe('a failure', () => {
  it.each(codes)('%s is repeated by Temporal only if repeating it unchanged may help', (code) => {
    const { nonRetryable, type } = failure(code, 'x')
    expect(type).toBe(code)
    expect(nonRetryable).toBe(catalogue[code].remedy !== 'retry')
  })

  it.each(codes)('%s has a status that fits its remedy, and sentences', (code) => {
    const { status, remedy, summary, next } = catalogue[code]
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status === 503).toBe(remedy === 'retry')
    for (const sentence of [summary, next]) expect(sentence).toMatch(/^\S.{10,}\.$/)
  })

  it('keeps its code, message and details however deep it was wrapped', () => {
    const own = failure('MIGRATION_FAILED', 'Nova gave up 6f1c', { serverId: '6f1c' })
    const wraps = [
      own,
      inActivity(own),
      inChild(inActivity(own)),
      new Error('outer', { cause: inChild(inActivity(own)) }),
      ApplicationFailure.create({ type: 'Error', message: 'foreign', cause: inActivity(own) }),
    ]
    for (const error of wraps) {
      expect(codeOf(error)).toBe('MIGRATION_FAILED')
      expect(messageOf(error)).toBe('Nova gave up 6f1c')
      expect(detailsOf(error)).toEqual({ serverId: '6f1c' })
    }
  })

  it('that was caused by another one of ours is known by the cause, which says why', () => {
    const cause = failure('DELEGATION_LOST', 'the trust is gone')
    const outer = ApplicationFailure.create({ type: 'INTERNAL', message: 'a step failed', cause: inActivity(cause) })
    expect(codeOf(outer)).toBe('DELEGATION_LOST')
    expect(messageOf(outer)).toBe('the trust is gone')
  })

  it.each([
    [new Error('boom'), 'boom'],
    [inActivity(new Error('boom')), 'Activity task failed'],
    [ApplicationFailure.create({ type: 'TypeError', message: 'boom' }), 'boom'],
    // names every object has are no codes
    [ApplicationFailure.create({ type: 'constructor', message: 'boom' }), 'boom'],
    [ApplicationFailure.create({ type: 'toString', message: 'boom' }), 'boom'],
    [Object.assign(new Error('boom'), { type: 7 }), 'boom'],
    ['boom', 'boom'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ type: 'INTERNAL', message: 'looks like one' }, '[object Object]'],
  ])('of others (%s) has no code and no details', (error, message) => {
    expect(codeOf(error)).toBeUndefined()
    expect(detailsOf(error)).toEqual({})
    expect(messageOf(error)).toBe(message)
  })

  it('without details has empty ones', () => {
    expect(detailsOf(failure('INTERNAL', 'x'))).toEqual({})
    expect(detailsOf(ApplicationFailure.create({ type: 'INTERNAL', message: 'x', details: ['text'] }))).toEqual({})
  })
})
