import { Context } from '@temporalio/activity'
import type { Activities } from '../../core/activities.ts'
import { codeOf, detailsOf, failure, messageOf } from '../../core/errors.ts'
import type { PowerConfig, PowerOutcome, PowerReading } from '../../core/power.ts'
import type { Brake } from '../brake.ts'
import type { Pause } from '../pause.ts'
import type { Sessions } from '../sessions.ts'
import { commandControl } from './command.ts'
import type { Begin, PowerControl } from './control.ts'
import { ipmiControl } from './ipmi.ts'
import { ironicControl } from './ironic.ts'
import { redfishControl } from './redfish.ts'

export interface PowerActivitiesOptions {
  /** Without it all is refused. */
  power: PowerConfig | undefined
  sessions: Pick<Sessions, 'forRemediation'>
  pause: Pause
  brake: Brake
  /** Between two looks at a host that is not yet as it should be. @default 2000 */
  pollMs?: number
}

/** What a next attempt has to know of this one. */
interface Progress {
  /** The order may have been taken. */
  orderedAt?: string
}

interface Turn extends Pick<PowerControl, 'look'> {
  readonly host: string
  readonly wanted: 'on' | 'off'
  /** Whether it is ordered also when the host is on its way there by itself. */
  readonly isForced: boolean
  readonly withinSeconds: number
  order(begin: Begin): Promise<void>
}

/** Half of what the engine waits for a heartbeat, at most. */
const heartbeatMs = 5_000

/** Looks at the power of hosts, and turns them on and off. */
export function createPowerActivities({
  power,
  sessions,
  pause,
  brake,
  pollMs = 2_000,
}: PowerActivitiesOptions): Pick<Activities, 'lookAtPower' | 'powerOff' | 'powerOn'> {
  const confirmMs = (power?.confirmSeconds ?? 0) * 1000

  function controlOf(host: string): PowerControl {
    const way = power?.hosts[host]
    const timeoutMs = (power?.timeoutSeconds ?? 0) * 1000
    if (way?.redfish) return redfishControl(host, way.redfish, timeoutMs)
    if (way?.ipmi) return ipmiControl(host, way.ipmi, timeoutMs)
    if (way?.ironic) return ironicControl(host, way.ironic, sessions.forRemediation)
    if (way?.command) return commandControl(host, way.command, timeoutMs)
    throw failure('POWER_NOT_CONFIGURED', `steward.yaml has no way to the power of ${host}`, { host })
  }

  /** Gives the order unless it is not needed, and stays until the state was read twice in a row. */
  async function turn(wish: Turn): Promise<PowerOutcome> {
    const { wanted, isForced, withinSeconds } = wish
    const { heartbeat, info } = Context.current()
    const progress: Progress = { ...(info.heartbeatDetails as Progress | undefined) }
    const askedAt = new Date().toISOString()
    const endMs = Date.now() + withinSeconds * 1000
    const beating = setInterval(() => heartbeat(progress), heartbeatMs)
    let first: PowerReading | undefined
    /** The order of which nobody knows whether it was taken. */
    let lost: unknown
    try {
      for (;;) {
        const seen = await attempt(wish.look)
        let failed = 'error' in seen ? seen.error : undefined
        const now = 'value' in seen ? seen.value : undefined
        first = now?.state === wanted ? (first ?? now) : undefined
        const apartMs = first && now ? Date.parse(now.at) - Date.parse(first.at) : 0
        if (first && now && apartMs >= confirmMs)
          return outcomeOf(wanted, { askedAt, readings: [first, now] }, progress)

        const isUnderWay = progress.orderedAt !== undefined || (now?.heading === wanted && !isForced)
        if (now && !first && !isUnderWay) {
          const answer = await attempt(() => order(wish, progress))
          if ('error' in answer && progress.orderedAt === undefined) failed = answer.error
          else if ('error' in answer) lost = answer.error
        }
        const askedMs = waitOf(failed)
        // nothing was begun: whoever asked may ask again
        if (failed !== undefined && progress.orderedAt === undefined && askedMs === undefined) throw failed
        const waitMs = first ? confirmMs - apartMs : Math.max(askedMs ?? 0, pollMs)
        // one that was seen in time is looked at once more
        if (Date.now() + waitMs > endMs + (first ? confirmMs : 0)) throw notSeen(wish, progress, { now, failed, lost })
        await pause(waitMs, progress)
      }
    } finally {
      clearInterval(beating)
    }
  }

  /** Once the order may have been taken, the next attempt only looks. */
  async function order({ order: send }: Turn, progress: Progress): Promise<void> {
    const { heartbeat } = Context.current()
    try {
      await send(async () => {
        await brake()
        progress.orderedAt = new Date().toISOString()
        heartbeat(progress)
      })
    } catch (error) {
      if (codeOf(error) !== 'OUTCOME_UNKNOWN') delete progress.orderedAt
      heartbeat(progress)
      throw error
    }
  }

  return {
    /**
     * Reads it once. Changes nothing.
     * @throws POWER_NOT_CONFIGURED, POWER_REFUSED, POWER_NOT_TRUSTED, POWER_WRONG_MACHINE, POWER_UNKNOWN,
     *   POWER_UNREACHABLE (retried); by Ironic also what its session throws
     */
    lookAtPower: async ({ host }) => controlOf(host).look(),

    /**
     * Safe to repeat: a host that is off is left alone, and an order that may have been taken is not given again.
     * @throws STOPPED before anything was ordered; POWER_UNCHANGED, POWER_UNSUPPORTED, and as `lookAtPower`
     */
    async powerOff({ host, how, withinSeconds }) {
      const control = controlOf(host)
      const order = (begin: Begin) => control.off(how, begin)
      return turn({ host, wanted: 'off', isForced: how === 'hard', withinSeconds, look: control.look, order })
    },

    /** Safe to repeat, and throws, as `powerOff`. */
    async powerOn({ host, withinSeconds }) {
      const { look, on: order } = controlOf(host)
      return turn({ host, wanted: 'on', isForced: false, withinSeconds, look, order })
    },
  }
}

type Attempt<T> = { readonly value: T } | { readonly error: unknown }

/** What it gives, or how it failed; cancelling is no failure of it. */
async function attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    if (codeOf(error) === undefined) throw error
    return { error }
  }
}

/** How long it asks us to wait. */
function waitOf(error: unknown): number | undefined {
  const { retryAfterSeconds } = detailsOf(error)
  return typeof retryAfterSeconds === 'number' ? retryAfterSeconds * 1000 : undefined
}

function outcomeOf(
  wanted: 'on' | 'off',
  seen: Pick<PowerOutcome, 'askedAt' | 'readings'>,
  { orderedAt }: Progress,
): PowerOutcome {
  if (orderedAt === undefined) return { outcome: `was ${wanted}`, ...seen }
  return { outcome: `turned ${wanted}`, orderedAt, ...seen }
}

interface Sight {
  readonly now: PowerReading | undefined
  /** Why nothing was seen, or ordered. */
  readonly failed: unknown
  readonly lost: unknown
}

function notSeen(
  { host, wanted, withinSeconds }: Turn,
  { orderedAt }: Progress,
  { now, failed, lost }: Sight,
): unknown {
  if (orderedAt === undefined && failed !== undefined) return failed
  const details = { host, wanted, orderedAt: orderedAt ?? null }
  const about = lost === undefined ? '' : `; ${messageOf(lost)}`
  if (!now) {
    const why = `${host} was ordered ${wanted}, and what it is now cannot be told: ${messageOf(failed)}${about}`
    return failure('POWER_UNKNOWN', why, { ...details, reason: codeOf(failed) })
  }
  const times = now.state === wanted ? 'twice in a row' : 'at all'
  const message = `${host} was not seen ${wanted} ${times} within ${withinSeconds} s; read last: ${now.said}${about}`
  return failure('POWER_UNCHANGED', message, { ...details, last: now })
}
