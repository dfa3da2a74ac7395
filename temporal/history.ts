import type { Client } from '@temporalio/client'
import type { Payload } from '@temporalio/common'
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js'
import type proto from '@temporalio/proto'
import type { UsedDelegation } from '../core/activities.ts'
import type { Ending, Recorded } from '../core/audit.ts'

type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent
type Failure = proto.temporal.api.failure.v1.IFailure
type Payloads = proto.temporal.api.common.v1.IPayloads

/**
 * Reads what of a history matters to an audit: how the workflow began, activities and updates with their ends, signals,
 * and what somebody did to it in Temporal. What cannot be decrypted, because its key is gone, is left out of the input.
 *
 * An activity that the history leaves open is `lost` once the workflow has ended.
 */
export async function recordsOf(client: Client, events: readonly HistoryEvent[]): Promise<Recorded[]> {
  const decode = decoder(client)
  const records = new Map<number, Recorded>()
  const attempts = new Map<number, number>()
  const begin = async (
    event: HistoryEvent,
    what: Recorded['what'],
    name: string | null | undefined,
    input?: Payloads | null,
    identity?: string | null,
  ) => {
    const eventId = Number(event.eventId)
    const decoded = await decode(input?.payloads)
    const by = identity ? { identity } : {}
    records.set(eventId, { what, eventId, at: timeOf(event), name: name ?? '', input: decoded, ...by })
  }
  const end = (event: HistoryEvent, begun: unknown, ending: Omit<Ending, 'at' | 'attempts'>) => {
    const record = records.get(Number(begun))
    const tried = attempts.get(Number(begun))
    if (!record) return
    const how = { at: timeOf(event), ...ending, ...(tried !== undefined && { attempts: tried }) }
    records.set(record.eventId, { ...record, ending: how })
  }

  /** The type of a failure is plain text; its message is for those who hold the incident. */
  const failedWith = async (failure: Failure | null | undefined): Promise<Omit<Ending, 'at'>> => {
    for (let at = failure; at; at = at.cause) {
      const { type: code, details } = at.applicationFailureInfo ?? {}
      if (!code) continue
      const [told] = (await decode(details?.payloads)) as { delegation?: UsedDelegation }[]
      return { how: 'failed', code, ...(told?.delegation && { result: { delegation: told.delegation } }) }
    }
    return { how: 'failed' }
  }

  for (const event of events) {
    const {
      workflowExecutionStartedEventAttributes: started,
      activityTaskScheduledEventAttributes: scheduled,
      activityTaskStartedEventAttributes: attempted,
      activityTaskCompletedEventAttributes: completed,
      activityTaskFailedEventAttributes: failed,
      activityTaskTimedOutEventAttributes: timedOut,
      activityTaskCanceledEventAttributes: canceled,
      workflowExecutionUpdateAcceptedEventAttributes: accepted,
      workflowExecutionUpdateCompletedEventAttributes: answered,
      workflowExecutionSignaledEventAttributes: signaled,
      workflowExecutionCancelRequestedEventAttributes: cancelled,
      workflowExecutionTerminatedEventAttributes: terminated,
    } = event
    // one that only goes on with a history that grew long is no beginning
    if (started) await begin(event, 'start', started.continuedExecutionRunId ? 'went on' : 'began', started.input)
    if (scheduled) await begin(event, 'activity', scheduled.activityType?.name, scheduled.input)
    if (attempted) attempts.set(Number(attempted.scheduledEventId), attempted.attempt ?? 1)
    if (completed) {
      const [result] = await decode(completed.result?.payloads)
      end(event, completed.scheduledEventId, { how: 'completed', result })
    }
    if (failed) end(event, failed.scheduledEventId, await failedWith(failed.failure))
    if (timedOut) end(event, timedOut.scheduledEventId, { how: 'lost' })
    if (canceled) end(event, canceled.scheduledEventId, { how: 'lost' })
    if (accepted) {
      const { meta, input } = accepted.acceptedRequest ?? {}
      await begin(event, 'update', input?.name, input?.args, meta?.identity)
    }
    if (answered) {
      const refusal = answered.outcome?.failure
      end(event, answered.acceptedEventId, refusal ? await failedWith(refusal) : { how: 'completed' })
    }
    if (signaled && !signaled.externalWorkflowExecution)
      await begin(event, 'signal', signaled.signalName, signaled.input, signaled.identity)
    if (cancelled && !cancelled.externalWorkflowExecution)
      await begin(event, 'cancel', 'cancel', undefined, cancelled.identity)
    if (terminated) await begin(event, 'terminate', 'terminate', undefined, terminated.identity)
  }

  const last = events.at(-1)
  if (last && isClose(last))
    for (const record of records.values())
      if (!record.ending && (record.what === 'activity' || record.what === 'update'))
        end(last, record.eventId, { how: 'lost' })
  return [...records.values()]
}

/** Nothing may come after it in its history. */
const isClose = (event: HistoryEvent): boolean =>
  [
    event.workflowExecutionCompletedEventAttributes,
    event.workflowExecutionFailedEventAttributes,
    event.workflowExecutionTimedOutEventAttributes,
    event.workflowExecutionCanceledEventAttributes,
    event.workflowExecutionTerminatedEventAttributes,
    event.workflowExecutionContinuedAsNewEventAttributes,
  ].some((attributes) => attributes !== null && attributes !== undefined)

const timeOf = ({ eventTime }: HistoryEvent): string =>
  new Date(Number(eventTime?.seconds ?? 0) * 1000 + Math.floor((eventTime?.nanos ?? 0) / 1e6)).toISOString()

function decoder(client: Client) {
  const converter = client.options.loadedDataConverter
  return async (payloads: Payload[] | null | undefined): Promise<unknown[]> => {
    try {
      return await decodeArrayFromPayloads(converter, payloads ?? [])
    } catch {
      return []
    }
  }
}
