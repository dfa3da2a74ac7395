import { RetryState, TimeoutType } from '@temporalio/common'
import { msToNumber } from '@temporalio/common/lib/time.js'
import {
  ActivityFailure,
  type ActivityInput,
  type ActivityOptions,
  ApplicationFailure,
  CancellationScope,
  defaultPayloadConverter,
  defineSignal,
  type LocalActivityInput,
  proxySinks,
  type Sinks,
  setHandler,
  TimeoutFailure,
  type TimerInput,
  type WorkflowInterceptors,
  workflowInfo,
} from '@temporalio/workflow'
import {
  type Standstill,
  startsAtMemo,
  type Tried,
  type TriedFailure,
  type Trying,
  timePassesName,
  virtualTimeHeader,
} from '../../core/virtual-time.ts'

const timePasses = defineSignal<[{ toMs: number }]>(timePassesName)

export interface VirtualTimeSinks extends Sinks {
  virtualTime: { standsStill(standstill: Standstill): void }
}

interface Timer {
  readonly atMs: number
  ring(): void
}

declare const __TEMPORAL_ACTIVATOR__: { now: number }

/** What a step has, where the real one would have none. */
const realLimitMs = 600_000

/**
 * Loaded into runs that are tested, never into those of an installation. Their clock stands still while they work and goes
 * on by what they are told: by the end of a step, or by a signal when nothing is under way. Both are in the history, so a
 * replay sees the same times.
 */
export const interceptors = (): WorkflowInterceptors => {
  const { virtualTime } = proxySinks<VirtualTimeSinks>()
  const { workflowId } = workflowInfo()
  let clockMs: number | undefined
  // it has no memo yet while this is loaded
  const now = () => clockMs ?? Number(workflowInfo().memo?.[startsAtMemo])
  const goTo = (ms: number) => {
    clockMs = Math.max(now(), ms)
  }
  // `Date` in the sandbox reads this
  Object.defineProperty(__TEMPORAL_ACTIVATOR__, 'now', { get: now, set: () => undefined })
  const timers = new Set<Timer>()
  const waitedFor = new Set<number>()
  let steps = 0
  let told = 0
  let cancelled = false

  setHandler(timePasses, ({ toMs }) => {
    told++
    goTo(toMs)
    const due = [...timers].filter(({ atMs }) => atMs <= now()).sort((a, b) => a.atMs - b.atMs)
    for (const timer of due) {
      timers.delete(timer)
      timer.ring()
    }
  })

  const startTimer = ({ durationMs }: TimerInput) =>
    new Promise<void>((resolve, reject) => {
      const scope = CancellationScope.current()
      const timer = { atMs: now() + durationMs, ring: resolve }
      if (!scope.consideredCancelled) timers.add(timer)
      if (scope.consideredCancelled || scope.cancellable)
        scope.cancelRequested.catch((error) => {
          timers.delete(timer)
          reject(error)
        })
    })

  async function through<I extends ActivityInput | LocalActivityInput>(
    input: I,
    next: (input: I) => Promise<unknown>,
  ): Promise<unknown> {
    const step = ++steps
    waitedFor.add(step)
    const trying = tryingOf(step, input.options as ActivityOptions)
    try {
      const tried = (await next({
        ...input,
        options: { ...withoutLimits(input.options), startToCloseTimeout: realLimitMs, retry: { maximumAttempts: 1 } },
        headers: { ...input.headers, [virtualTimeHeader]: defaultPayloadConverter.toPayload(trying) },
      })) as Tried
      goTo(tried.atMs)
      if ('failed' in tried) throw failureOf(tried.failed, input.activityType, step)
      return tried.result
    } finally {
      waitedFor.delete(step)
    }
  }

  return {
    outbound: [{ startTimer, scheduleActivity: through, scheduleLocalActivity: through }],
    internals: [
      {
        activate(input, next) {
          cancelled ||= (input.activation.jobs ?? []).some(({ cancelWorkflow }) => cancelWorkflow)
          next(input)
        },
        concludeActivation(input, next) {
          const nextTimerAtMs = Math.min(...[...timers].map(({ atMs }) => atMs))
          virtualTime.standsStill({
            ...{ workflowId, steps: [...waitedFor], told, cancelled },
            ...(timers.size > 0 && { nextTimerAtMs }),
            ended: input.commands.some(
              (one) => one.completeWorkflowExecution || one.failWorkflowExecution || one.cancelWorkflowExecution,
            ),
          })
          return next(input)
        },
      },
    ],
  }
}

function withoutLimits<O extends object>(options: O): O {
  const real = ['heartbeatTimeout', 'scheduleToCloseTimeout', 'scheduleToStartTimeout', 'localRetryThreshold']
  return Object.fromEntries(Object.entries(options).filter(([name]) => !real.includes(name))) as O
}

function tryingOf(step: number, options: ActivityOptions): Trying {
  const ms = (given: ActivityOptions['startToCloseTimeout']) => (given === undefined ? undefined : msToNumber(given))
  const { retry = {} } = options
  const firstBackoffMs = ms(retry.initialInterval) ?? 1_000
  return {
    step,
    limitMs: ms(options.startToCloseTimeout),
    patienceMs: ms(options.scheduleToCloseTimeout),
    mostAttempts: retry.maximumAttempts ?? Number.MAX_SAFE_INTEGER,
    firstBackoffMs,
    longestBackoffMs: ms(retry.maximumInterval) ?? 100 * firstBackoffMs,
  }
}

/** As the engine would have told it. */
function failureOf({ timedOut, ...told }: TriedFailure, activityType: string, step: number): ActivityFailure {
  const { message, type, nonRetryable, details } = told
  const cause = timedOut
    ? new TimeoutFailure(message, undefined, TimeoutType.HEARTBEAT)
    : ApplicationFailure.create({ message, ...(type !== undefined && { type }), nonRetryable, details: [...details] })
  return new ActivityFailure(message, activityType, `${step}`, RetryState.MAXIMUM_ATTEMPTS_REACHED, undefined, cause)
}
