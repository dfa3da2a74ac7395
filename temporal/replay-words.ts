import { defaultPayloadConverter } from '@temporalio/common'
import type proto from '@temporalio/proto'
import type { Call } from '../core/call.ts'
import type { ActionReference } from '../core/chain.ts'
import type { History } from './history-files.ts'

export type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent

/** Where a history and the code part, in words for people. */
export interface Difference {
  /** In the history; missing where nobody can tell. */
  readonly eventId?: number
  /** What the history has there. */
  readonly was: string
  /** What the code wants instead. */
  readonly is: string
}

/** What a command of the engine is to people, by the word for it in the messages of the SDK. */
const commands: Readonly<Record<string, string>> = {
  Activity: 'a step',
  Timer: 'a wait',
  'Local activity': "a word with Steward's own (governor, notifications)",
  'Complete workflow': 'its end',
  'Fail workflow': 'its end as failed',
  'Cancel workflow': 'its end as cancelled',
  'Continue as new workflow': 'a history of its own for what follows',
  'Child workflow': 'another workflow',
  'Signal external WF': 'a word to another workflow',
  'Cancel external WF': 'an end for another workflow',
  'Modify workflow properties': 'an entry in its record (note, step, evidence)',
  'Upsert search attributes': 'another state (running, asking, …)',
  Change: 'a `patched`',
  Update: 'an answer to somebody',
}

/**
 * Distils what the SDK says of a replay that failed; its own words where they are not known.
 * @param foreign the first step that the code asked for and the history has not
 */
export function differenceIn(history: History, message: string, foreign?: string): Difference {
  const said = message
    .replace(/^.*?Details: /s, '')
    .replace(/^\[TMPRL\d+\] /, '')
    .replace(/^Nondeterminism error: /, '')
    .replace(/\n.*$/s, '')
  const eventId = Number(/HistoryEvent\(id: (\d+)/.exec(said)?.[1])
  const event = history.events?.find((one) => Number(one.eventId) === eventId)
  const [, machine = ''] = /^(.+?) machine (?:does not|cannot) handle this event/.exec(said) ?? []
  if (event && machine)
    return {
      ...{ eventId, was: wordsOfEvent(event) },
      is: (machine === 'Activity' && foreign) || (commands[machine] ?? machine.toLowerCase()),
    }
  if (event && said.startsWith('No command scheduled')) return { eventId, was: wordsOfEvent(event), is: 'nothing' }

  const [, was, is] =
    /^Activity type of (?:scheduled event|recorded marker) '(.*)' does not match .* '(.*)'/.exec(said) ?? []
  if (was !== undefined && is !== undefined) return { was: `step ${was}`, is: foreign ?? `step ${is}` }
  const [, unknown] =
    /no such function is exported by the workflow bundle.*|Failed to initialize workflow of type '(\w+)'/.exec(said) ??
    []
  if (unknown) return { was: `a workflow ${unknown}`, is: 'no such workflow' }
  return { was: 'what is written there', is: said.slice(0, 300) }
}

/** What an event stands for. */
export function wordsOfEvent(event: HistoryEvent): string {
  const { activityTaskScheduledEventAttributes: step, timerStartedEventAttributes: timer } = event
  if (step) return wordsOfStep(step.activityType?.name ?? '', firstOf(step.input), titleOf(event))
  if (timer) return `a wait of ${Number(timer.startToFireTimeout?.seconds ?? 0)} s`
  if (event.workflowPropertiesModifiedEventAttributes) return commands['Modify workflow properties'] as string
  if (event.upsertWorkflowSearchAttributesEventAttributes) return commands['Upsert search attributes'] as string
  if (event.markerRecordedEventAttributes) return `a mark${inBrackets(event.markerRecordedEventAttributes.markerName)}`
  if (event.startChildWorkflowExecutionInitiatedEventAttributes) return commands['Child workflow'] as string
  if (event.signalExternalWorkflowExecutionInitiatedEventAttributes) return commands['Signal external WF'] as string
  if (event.workflowExecutionCompletedEventAttributes) return commands['Complete workflow'] as string
  if (event.workflowExecutionFailedEventAttributes) return commands['Fail workflow'] as string
  if (event.workflowExecutionCanceledEventAttributes) return commands['Cancel workflow'] as string
  if (event.workflowExecutionContinuedAsNewEventAttributes) return commands['Continue as new workflow'] as string
  return `event ${Number(event.eventId)}`
}

export const wordsOfStep = (name: string, input: unknown, title?: string): string =>
  `step ${name}${inBrackets(deedIn(input) ?? title)}`

/** What is done to the cloud, or read of it: the engine knows only that it is a call. */
export function deedIn(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined
  const { action, call, service, path } = input as Partial<ActionReference & { call: Call } & Call>
  if (typeof action === 'string') return action
  if (call) return `${call.service} ${call.method} ${call.path}`
  // how a list is asked for may change
  return service && path && `${service} GET ${path.replace(/\?.*$/s, '')}`
}

export function firstOf(payloads: proto.temporal.api.common.v1.IPayloads | null | undefined): unknown {
  const [first] = payloads?.payloads ?? []
  return first ? defaultPayloadConverter.fromPayload(first) : undefined
}

const titleOf = ({ userMetadata }: HistoryEvent): string | undefined =>
  userMetadata?.summary ? String(defaultPayloadConverter.fromPayload(userMetadata.summary)) : undefined

const inBrackets = (text: string | null | undefined) => (text ? ` (${text})` : '')
