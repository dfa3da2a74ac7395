import {
  CancellationScope,
  condition,
  defineSignal,
  setHandler,
  upsertMemo,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow'
import { failure } from '../core/errors.ts'
import type { LeaseGrounds, LeaseNeed, LeaseRequest, Survey, Target, Verdict } from '../core/governor.ts'
import { internal, quick } from './steps.ts'

/** The governor's word to a run that had to wait for its lease. */
export const leaseVerdict = defineSignal<[Verdict]>('leaseVerdict')
/** Asks a run to end at its next safe point: something more urgent needs its targets, or a person does. */
export const comeToAnEnd = defineSignal<[{ why: string }]>('comeToAnEnd')

/** A verdict lost with a governor that was terminated is asked for again this often. */
const askAgainMs = 600_000
/** A request that has waited for longer than its survey is good for is handed in anew, this often at most. */
const mostSurveys = 20

/** What the governor would say now, with all its reasons; nothing is held by it. */
export async function consult(need: LeaseNeed, grounds: LeaseGrounds): Promise<Verdict> {
  const request = await requestFor('consultation', need, grounds, Date.now())
  return internal(`Ask what the governor says to ${need.runbook}`).consultGovernor({ request })
}

/**
 * Holds a lease on the targets while `work` is done, and gives it back however that ends. `work` calls `safePoint`
 * wherever it can be left without harm.
 *
 * @throws what the governor refuses with: STOPPED, OBSERVE_ONLY, APPROVAL_NEEDED, TARGET_BUSY, TARGET_PROTECTED,
 *   TARGET_COOLING_DOWN, TARGETS_MISSING, FUSE_BLOWN, SURVEY_STALE, BUDGET_EXHAUSTED, OVERLOADED; GAVE_WAY at a safe point
 */
export async function withLease<T>(
  need: LeaseNeed,
  grounds: LeaseGrounds,
  note: (text: string) => void,
  work: (safePoint: () => void) => Promise<T>,
): Promise<T> {
  let ending: string | undefined
  setHandler(comeToAnEnd, ({ why }) => {
    ending ??= why
  })
  const held = await take(need, grounds, note, () => ending)
  try {
    return await work(() => {
      if (ending !== undefined) throw gaveWay(ending)
    })
  } finally {
    await giveBack(held)
  }
}

const isOver = (verdict: Verdict | undefined) => verdict !== undefined && verdict.says !== 'wait'

const gaveWay = (why: string) => failure('GAVE_WAY', `ended at a safe point: ${why}`)

/** Asks for the lease and waits for it. Returns the id it is given back with. */
async function take(
  need: LeaseNeed,
  grounds: LeaseGrounds,
  note: (text: string) => void,
  ending: () => string | undefined,
): Promise<string> {
  const verdicts = new Map<string, Verdict>()
  const hear = (verdict: Verdict) => {
    // a word that was long on its way says nothing against what was decided meanwhile
    if (verdict.says === 'wait' && isOver(verdicts.get(verdict.requestId))) return
    verdicts.set(verdict.requestId, verdict)
  }
  setHandler(leaseVerdict, hear)
  const sinceMs = Date.now()
  let told = ''
  for (let survey = 1; ; survey++) {
    const id = uuid4()
    const request = await requestFor(id, need, grounds, sinceMs)
    try {
      const verdict = await decided(request)
      if (verdict.says === 'granted') {
        // a governor that lost its memory finds it here
        upsertMemo({ lease: request })
        return id
      }
      if (verdict.code === 'SURVEY_STALE' && survey < mostSurveys) continue
      throw failure(verdict.code ?? 'TARGET_BUSY', verdict.reason)
    } catch (error) {
      // also when it is cancelled, or was asked to end, before it had the lease
      await giveBack(id)
      throw error
    }
  }

  async function decided(request: LeaseRequest): Promise<Verdict> {
    const isDecided = () => {
      const verdict = verdicts.get(request.id)
      if (verdict?.says === 'wait' && verdict.reason !== told) {
        told = verdict.reason
        note(`waits: ${told}`)
      }
      return isOver(verdict) || ending() !== undefined
    }
    do {
      const said: Verdict | undefined = await internal(
        `Ask the governor for ${request.targets.join(', ')}`,
      ).requestLease({ request })
      // a run that was begun by a former version hears everything by signal
      if (said) hear(said)
    } while (!(await condition(isDecided, askAgainMs)))
    const verdict = verdicts.get(request.id)
    if (verdict && verdict.says !== 'wait') return verdict
    throw gaveWay(ending() ?? 'nothing was decided')
  }
}

/** Repeatable; the governor finds out by itself when this cannot be told, because it asks whether holders still run. */
async function giveBack(requestId: string): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    try {
      await internal('Give the lease back').giveBackLease({ requestId })
    } catch {
      // a run that did its work does not fail for this
    }
  })
}

async function requestFor(id: string, need: LeaseNeed, grounds: LeaseGrounds, sinceMs: number): Promise<LeaseRequest> {
  const { waitSeconds, ...rest } = grounds
  const survey = await surveyOf(need.targets)
  const { workflowId, runId } = workflowInfo()
  return {
    ...need,
    ...rest,
    id,
    holder: { workflowId, runId },
    within: survey ? [...need.within, `zone/${survey.zone.name}`] : need.within,
    requestedAt: new Date(sinceMs).toISOString(),
    waitUntil: new Date(sinceMs + waitSeconds * 1000).toISOString(),
    ...(survey && { survey }),
  }
}

/** Only what is done to hosts depends on how many of them are well. */
async function surveyOf(targets: readonly Target[]): Promise<Survey | undefined> {
  const host = targets.find((target) => target.startsWith('host/'))?.slice('host/'.length)
  return host ? await quick(`Count the hosts that are well around ${host}`).surveyHosts({ host }) : undefined
}
