import { defaultPayloadConverter } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import { differenceIn, wordsOfEvent } from '../../temporal/replay-words.ts'

const step = (eventId: number, name: string, input: unknown) => ({
  eventId: eventId as never,
  activityTaskScheduledEventAttributes: {
    activityType: { name },
    input: { payloads: [defaultPayloadConverter.toPayload(input)] },
  },
})
const history = {
  events: [
    step(5, 'performCall', { action: 'server.stop', input: {} }),
    { eventId: 9 as never, timerStartedEventAttributes: { startToFireTimeout: { seconds: 30 as never } } },
  ],
}
/** As the SDK wraps what its core says. */
const said = (words: string) =>
  `Replay failed with a nondeterminism error. Details: Workflow activation completion failed: Failure { failure: Some(Failure { message: "[TMPRL1100] Nondeterminism error: ${words}", source: "", stack_trace: "" }) }`

describe('what the SDK says of a replay is told in words', () => {
  it.each([
    [
      'Timer machine does not handle this event: HistoryEvent(id: 5, ActivityTaskScheduled)',
      { eventId: 5, was: 'step performCall (server.stop)', is: 'a wait' },
    ],
    [
      'Activity machine does not handle this event: HistoryEvent(id: 9, TimerStarted)',
      { eventId: 9, was: 'a wait of 30 s', is: 'step lookAtPower' },
    ],
    [
      'UpsertWorkflowSearchAttributesMachine does not handle HistoryEvent(id: 9, TimerStarted)',
      { eventId: 9, was: 'a wait of 30 s', is: 'another state' },
    ],
    [
      'No command scheduled for event HistoryEvent(id: 9, TimerStarted)',
      { eventId: 9, was: 'a wait of 30 s', is: 'nothing' },
    ],
    [
      "Activity type of scheduled event 'performCall' does not match activity type of activity command 'lookAtPower'",
      { eventId: 5, was: 'step performCall (server.stop)', is: 'step lookAtPower' },
    ],
    [
      'something that nobody has seen yet',
      { eventId: 5, was: expect.any(String), is: 'something that nobody has seen yet' },
    ],
  ])('%s', (words, difference) => {
    expect(differenceIn(history, said(words), { step: 'step lookAtPower', inPlaceOf: 5 })).toEqual(difference)
  })

  it('a workflow that the bundle has not', () => {
    const message =
      "Replay failed due workflow task failure. Details: Failed to initialize workflow of type 'tidy': no such function"
    expect(differenceIn(history, message)).toEqual({ was: 'a workflow tidy', is: 'no workflow that there is' })
  })
})

it('reads are told by their path, without how it was asked', () => {
  const read = step(1, 'readCloud', { service: 'compute', path: '/servers/detail?host=compute1' })
  expect(wordsOfEvent(read)).toBe('step readCloud (compute GET /servers/detail)')
  const call = step(1, 'performCall', { call: { service: 'compute', method: 'PUT', path: '/os-services/7', body: {} } })
  expect(wordsOfEvent(call)).toBe('step performCall (compute PUT /os-services/7)')
})
