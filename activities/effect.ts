import { Context } from '@temporalio/activity'
import type { Activities } from '../core/activities.ts'
import { catalogue } from '../core/catalogue.ts'
import type { ActionReference } from '../core/chain.ts'
import { codeOf, messageOf } from '../core/errors.ts'
import type { Session } from '../openstack/session.ts'
import { actionNamed } from '../policies/catalogue/index.ts'
import { read } from './deed.ts'
import type { Pause } from './pause.ts'
import type { Sessions } from './sessions.ts'

/** Looks come close together at first, since most work is short, and then ever further apart. */
const longestPauseMs = 15_000

/** Waits for the end of what a call began. */
export const createEffectActivities = (
  sessions: Pick<Sessions, 'of'>,
  pause: Pause,
): Pick<Activities, 'awaitEffect'> => ({
  /**
   * Looks again and again until the work behind an accepted call is over, has failed, or takes longer than the catalogue
   * gives it, counted from `since`. A cloud that does not answer meanwhile is asked again. Safe to repeat; heartbeats.
   *
   * `unseen`: the time is over, or the answer to the call did not say what to look at.
   *
   * @throws DELEGATION_LOST and refusals of the cloud
   */
  async awaitEffect({ since, limitSeconds, ...deed }) {
    const session = await sessions.of(deed)
    for (let pauseMs = firstPauseMs; ; pauseMs = nextPauseMs(pauseMs)) {
      const end = await endOf(session, deed, since, limitSeconds)
      if (end) return end
      await pause(pauseMs)
    }
  },
})

export const firstPauseMs = 500
export const nextPauseMs = (pauseMs: number): number => Math.min(longestPauseMs, pauseMs * 1.5)

/** One look at what a call began; undefined while it goes on, or while the cloud does not answer. */
export async function endOf(
  session: Session,
  { action, input, before, result }: ActionReference & { before?: unknown; result?: unknown },
  since: string,
  /** In place of that of the catalogue. */
  limitSeconds?: number,
): Promise<Awaited<ReturnType<Activities['awaitEffect']>> | undefined> {
  const { waitFor } = actionNamed(action)
  if (!waitFor) return { outcome: 'done', detail: 'it was over when it was accepted' }
  const known = { ...(before !== undefined && { before }), ...(result !== undefined && { result }) }
  const look = waitFor.read(input, known)
  if (!look) return { outcome: 'unseen', detail: 'the answer did not say what to look at' }
  try {
    const seen = await read(session, look)
    if (waitFor.done(seen, input, known)) return { outcome: 'done', detail: 'seen by looking' }
    if (waitFor.failed(seen, input, known))
      return { outcome: 'failed', detail: `it was accepted, and ended without effect (${seen.status})` }
  } catch (error) {
    const code = codeOf(error)
    if (code === undefined || catalogue[code].remedy !== 'retry') throw error
    Context.current().log.info('the cloud cannot be asked how it goes', { reason: messageOf(error) })
  }
  const limit = limitSeconds ?? waitFor.limitSeconds
  const isOver = Date.now() > Date.parse(since) + limit * 1000
  return isOver ? { outcome: 'unseen', detail: `its end was not seen within ${limit} s` } : undefined
}
