import { AsyncLocalStorage } from 'node:async_hooks'
import { CancelledFailure } from '@temporalio/common'
import type { Pause } from '../activities/pause.ts'
import type { Http } from '../openstack/http.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** The heartbeats of a worker that is gone are missed for so long. */
const missedMs = 20_000

/** One attempt at a step, or the wait for the next one. */
interface Attempt {
  /** Branches of it that wait for time to pass. */
  pausing: number
  /** Requests without an answer yet. */
  requests: number
  /** Ends all its waits, and itself. */
  end(reason: unknown): void
  readonly ended: Promise<never>
}

/** It was too slow, or its worker was lost: not the word of the step itself. */
export class LostAttempt extends Error {}

/** Everything that steps do in a run whose clock is held. */
export interface Attempts {
  /** Tries a step once, for so long at most, and until nobody wants it any more. @throws LostAttempt */
  run<T>(act: () => Promise<T>, unwanted: AbortSignal, limitMs?: number): Promise<T>
  readonly pause: Pause
  /** Lets time pass for a service that is slow. */
  readonly beSlow: (ms: number) => Promise<void>
  /** Sends as the steps of this run send. */
  through(http: Http): Http
  /** Whether nothing is done any more before time passes. */
  allWait(): boolean
}

const here = new AsyncLocalStorage<{ readonly attempt: Attempt; readonly clock: VirtualClock }>()

/** Has `Date` tell virtual time inside of attempts, until it is taken back. */
export function virtualDate(): () => void {
  const real = globalThis.Date
  const now = () => here.getStore()?.clock.now() ?? real.now()
  globalThis.Date = new Proxy(real, {
    construct: (target, args, as) => Reflect.construct(target, args.length === 0 ? [now()] : args, as) as object,
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  })
  return () => {
    globalThis.Date = real
  }
}

/** `changed` is called whenever more may be waiting than before. */
export function createAttempts(clock: VirtualClock, changed: () => void): Attempts {
  const underWay = new Set<Attempt>()
  let slowOnes = 0

  async function passing(attempt: Attempt, ms: number): Promise<void> {
    attempt.pausing++
    let forget: () => void = () => undefined
    const passed = new Promise<void>((resolve) => {
      forget = clock.at(clock.now() + ms, () => {
        // counted before anything else looks: it goes on now
        attempt.pausing--
        resolve()
      })
    })
    changed()
    try {
      await Promise.race([passed, attempt.ended])
    } finally {
      forget()
    }
  }

  return {
    async run(act, unwanted, limitMs) {
      let end: Attempt['end'] = () => undefined
      const ended = new Promise<never>((_, reject) => {
        end = reject
      })
      ended.catch(() => undefined)
      const attempt: Attempt = { pausing: 0, requests: 0, end, ended }
      const tooSlow = () => end(new LostAttempt(`it was not over after ${(limitMs ?? 0) / 1000} s`))
      const forget = limitMs === undefined ? undefined : clock.at(clock.now() + limitMs, tooSlow)
      underWay.add(attempt)
      const leave = () => end(new CancelledFailure('nobody waits for this step any more'))
      unwanted.addEventListener('abort', leave)
      try {
        return await Promise.race([here.run({ attempt, clock }, act), ended])
      } finally {
        forget?.()
        unwanted.removeEventListener('abort', leave)
        underWay.delete(attempt)
        changed()
      }
    },
    async pause(ms) {
      const store = here.getStore()
      if (store) await passing(store.attempt, ms)
    },
    beSlow: (ms) =>
      new Promise((resolve) => {
        slowOnes++
        clock.at(clock.now() + ms, () => {
          slowOnes--
          resolve()
        })
        changed()
      }),
    through: (http) => async (request) => {
      const attempt = here.getStore()?.attempt
      if (!attempt) return http(request)
      attempt.requests++
      const answer = await http(request).finally(() => attempt.requests--)
      if (answer.status !== workerDies) return answer
      // what else it would do is done by nobody
      await passing(attempt, missedMs)
      attempt.end(new LostAttempt('its worker is gone'))
      return attempt.ended
    },
    allWait() {
      const requests = [...underWay].reduce((sum, one) => sum + one.requests, 0)
      return requests === slowOnes && [...underWay].every(({ pausing, requests }) => pausing + requests > 0)
    },
  }
}

/** No service answers so: the call had its effect, and whoever made it is gone. */
export const workerDies = 599
