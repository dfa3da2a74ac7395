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

/** One sentence without a subject: where, and what has changed. */
export function wordsOf({ eventId, was, is }: Difference): string {
  const at = eventId === undefined ? '' : `at event ${eventId} `
  return `${at}it was ${was}; now it is ${is}`
}

/** A step that the code asks for and a history has not. */
export interface Foreign {
  readonly step: string
  /** The event of the step that the history has in its place, if there is one. */
  readonly inPlaceOf?: number
}

/** What a command of the engine is to people, by the name of what keeps it in the messages of the SDK. */
const commands = {
  activity: 'a step',
  timer: 'a wait',
  localactivity: 'a word with the governor, or to receivers',
  completeworkflow: 'its end',
  failworkflow: 'its end as failed',
  cancelworkflow: 'its end as cancelled',
  continueasnewworkflow: 'a new history for what follows',
  childworkflow: 'another workflow',
  signalexternalwf: 'a word to another workflow',
  cancelexternalwf: 'an end for another workflow',
  modifyworkflowproperties: 'an entry in its record',
  upsertworkflowsearchattributes: 'another state',
  change: 'a `patched`',
  update: 'an answer to somebody',
} as const
const isCommand = (name: string): name is keyof typeof commands => Object.hasOwn(commands, name)

/**
 * Distils what the SDK says of a replay that failed; its own words where they are not known.
 * @param foreign the first step that the code asked for and the history has not
 */
export function differenceIn(history: History, message: string, foreign?: Foreign): Difference {
  const [, said = message] = /Nondeterminism error: (.*?)(?:\\?", source:|$)/s.exec(message) ?? []
  const eventId = Number(/HistoryEvent\(id: (\d+)/.exec(said)?.[1] ?? foreign?.inPlaceOf)
  const event = history.events?.find((one) => Number(one.eventId) === eventId)
  const was = event ? { eventId, was: wordsOfEvent(event) } : { was: 'something else' }

  const [, keeper = ''] = /^(.+?) ?machine (?:does not|cannot) handle/i.exec(said) ?? []
  const command = keeper.replaceAll(' ', '').toLowerCase()
  if (command === 'activity' && foreign) return { ...was, is: foreign.step }
  if (isCommand(command)) {
    const next = command === 'modifyworkflowproperties' && foreign ? `, then ${foreign.step}` : ''
    return { ...was, is: commands[command] + next }
  }
  if (said.startsWith('No command scheduled')) return { ...was, is: 'nothing' }
  const [, before, now] = /^Activity type of .*? '(.*)' does not match .* '(.*)'/.exec(said) ?? []
  if (before && now) return { ...was, is: foreign?.step ?? wordsOfStep(now) }
  const [, type] = /Failed to initialize workflow of type '(\w+)'/.exec(message) ?? []
  if (type) return { was: `a workflow ${type}`, is: 'no workflow that there is' }
  return { ...was, is: said.slice(0, 300) }
}

/** What an event stands for. */
export function wordsOfEvent(event: HistoryEvent): string {
  const { activityTaskScheduledEventAttributes: step, timerStartedEventAttributes: timer } = event
  if (step) return wordsOfStep(step.activityType?.name ?? '', firstOf(step.input), titleOf(event))
  if (timer) return `a wait of ${Number(timer.startToFireTimeout?.seconds ?? 0)} s`
  if (event.workflowPropertiesModifiedEventAttributes) return commands.modifyworkflowproperties
  if (event.upsertWorkflowSearchAttributesEventAttributes) return commands.upsertworkflowsearchattributes
  if (event.markerRecordedEventAttributes) return `a mark${inBrackets(event.markerRecordedEventAttributes.markerName)}`
  if (event.startChildWorkflowExecutionInitiatedEventAttributes) return commands.childworkflow
  if (event.signalExternalWorkflowExecutionInitiatedEventAttributes) return commands.signalexternalwf
  if (event.workflowExecutionCompletedEventAttributes) return commands.completeworkflow
  if (event.workflowExecutionFailedEventAttributes) return commands.failworkflow
  if (event.workflowExecutionCanceledEventAttributes) return commands.cancelworkflow
  if (event.workflowExecutionContinuedAsNewEventAttributes) return commands.continueasnewworkflow
  return `event ${Number(event.eventId)}`
}

export const wordsOfStep = (name: string, input?: unknown, title?: string): string =>
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
