import { setTimeout as sleep } from 'node:timers/promises'
import type { Standstill } from '../core/virtual-time.ts'
import type { Attempts } from './attempts.ts'
import type { VirtualClock } from './virtual-clock.ts'

const defaultMostSteps = 1_000
const longestMs = 30 * 86_400_000
/** Without a word of a run for so long in real time the engine is asked what it has against it. */
const quietMs = 5_000
/** And then nobody waits for a word any more. */
const silentMs = 45_000
/** In real time, for one run: what takes longer gets nowhere. */
const longestRealMs = 180_000

export interface ConductorParts {
  /** Of one run; with more of them it does not come to an end by itself. @default 1000 */
  readonly mostSteps?: number | undefined
  readonly clock: VirtualClock
  readonly attempts: Attempts
  /** Tells the run that time has passed. */
  tell(toMs: number): Promise<unknown>
  /** What the engine has against the run, if anything. */
  complaint(): Promise<string | undefined>
}

/**
 * Holds the clock of one run: it goes on only when the run and all its steps wait for time to pass, and then to the next
 * moment for which something waits.
 */
export interface Conductor {
  /** A step begins. The signal says that nobody waits for it any more. */
  begin(step: number): AbortSignal
  end(step: number): void
  /** The run has done what it can do for now. */
  standsStill(word: Standstill): void
  /** More may be waiting than before. */
  look(): void
  /** Something done to the run from outside; the clock waits for it, and for the run to have heard of it. */
  outside(act: () => Promise<unknown>, isHeard?: (word: Standstill) => boolean): void
  /** Resolves with why the run will never end, if that turns out. */
  readonly stuck: Promise<string>
  /** Its code does not give its thread back, so its worker is of no use any more. */
  hangs(): boolean
  stop(): void
}

export function createConductor({
  clock,
  attempts,
  tell,
  complaint,
  mostSteps = defaultMostSteps,
}: ConductorParts): Conductor {
  const beganMs = clock.now()
  const underWay = new Map<number, AbortController>()
  /** Steps that the run has said it waits for; one may begin before it has. */
  const wanted = new Set<number>()
  const hearing = new Set<(word: Standstill) => void>()
  let word: Standstill | undefined
  let told = 0
  let begun = 0
  let fromOutside = 0
  let isLooking = false
  let isOver = false
  let hangs = false
  const beganAtMs = performance.now()
  let heardAtMs = beganAtMs
  let giveUp: (why: string) => void = () => undefined
  const stuck = new Promise<string>((resolve) => {
    giveUp = (why) => {
      isOver = true
      resolve(why)
    }
  })
  void watch()

  function look(): void {
    heardAtMs = performance.now()
    if (isLooking) return
    isLooking = true
    // what was just resolved goes on first
    setImmediate(() =>
      setImmediate(() => {
        isLooking = false
        if (!isOver && isQuiet()) goOn()
      }),
    )
  }

  function isQuiet(): boolean {
    if (!word || word.ended || word.told < told || fromOutside > 0 || !attempts.allWait()) return false
    const { steps } = word
    for (const [step, controller] of underWay) if (wanted.has(step) && !steps.includes(step)) controller.abort()
    return steps.length === underWay.size && steps.every((step) => underWay.has(step))
  }

  function goOn(): void {
    const timerMs = word?.nextTimerAtMs
    const nextMs = Math.min(clock.nextMs() ?? Number.POSITIVE_INFINITY, timerMs ?? Number.POSITIVE_INFINITY)
    if (!Number.isFinite(nextMs)) {
      giveUp('it waits for something that never happens')
      return
    }
    if (nextMs - beganMs > longestMs) {
      giveUp(`it still runs after ${longestMs / 86_400_000} days`)
      return
    }
    clock.goTo(nextMs)
    if (clock.keepNext()) look()
    else void tellTime().catch((error: unknown) => giveUp(`it cannot be told the time: ${String(error)}`))
  }

  function tellTime(): Promise<unknown> {
    told++
    return tell(clock.now())
  }

  /** Workflow code that loops without waiting, or is not the same in a replay, says nothing any more. */
  async function watch(): Promise<void> {
    while (!isOver) {
      await sleep(250, undefined, { ref: false })
      if (isOver) return
      if (performance.now() - beganAtMs > longestRealMs)
        giveUp(`it has taken ${longestRealMs / 60_000} minutes of real time`)
      if (performance.now() - heardAtMs < quietMs) continue
      const why = await complaint().catch(() => undefined)
      if (why !== undefined) giveUp(why)
      else if (performance.now() - heardAtMs > silentMs) {
        hangs = true
        giveUp(`its code has not waited for anything for ${silentMs / 1000} s: does it loop?`)
      }
    }
  }

  return {
    begin(step) {
      const controller = new AbortController()
      underWay.set(step, controller)
      if (++begun > mostSteps) giveUp(`it has made ${mostSteps} steps and does not come to an end`)
      look()
      return controller.signal
    },
    end(step) {
      underWay.delete(step)
      look()
    },
    standsStill(next) {
      word = next
      for (const step of next.steps) wanted.add(step)
      for (const heard of [...hearing]) heard(next)
      look()
    },
    look,
    outside(act, isHeard) {
      fromOutside++
      const heard = new Promise<void>((resolve) => {
        const hear = (said: Standstill) => {
          if (isHeard && !isHeard(said) && !said.ended) return
          hearing.delete(hear)
          resolve()
        }
        if (isHeard) hearing.add(hear)
        else resolve()
      })
      // it is to know when that is
      void tellTime()
        .then(act)
        .then(() => heard)
        .catch((error: unknown) => giveUp(`it cannot be reached: ${String(error)}`))
        .finally(() => {
          fromOutside--
          look()
        })
    },
    stuck,
    hangs: () => hangs,
    stop() {
      isOver = true
    },
  }
}
