import type { Client } from '@temporalio/client'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { Activities } from '../core/activities.ts'
import { codeOf, failure, messageOf } from '../core/errors.ts'
import type { Holder, LeaseRequest, Ruling, Survey, Verdict } from '../core/governor.ts'
import type { Governor } from '../temporal/governor.ts'
import { recentFirings } from '../temporal/incident-desk.ts'
import { throughEngine } from '../temporal/reach.ts'
import type { Brake } from './brake.ts'
import { inLanes } from './in-lanes.ts'
import { type ListedService, listServices } from './nova-services.ts'
import type { Sessions } from './sessions.ts'

export interface GovernorActivitiesOptions {
  sessions: Sessions
  governor: Governor
  client: Client
  brake: Brake
  /** Whether steward.yaml says how a host is reached: controllers and the like have no nova-compute. @default none is */
  isReached?: ((host: string) => boolean) | undefined
  now?: (() => number) | undefined
}

/** Nova's own word for the zone of what is no compute host. */
const internalZone = 'internal'

/** In a storm many ask at the same moment; one look at Nova serves all of them. */
const surveyKeptMs = 2_000
/** Workflows asked about at the same time. */
const atOnce = 10

/** What workflows ask of the governor and of the engine, and what the governor itself must know. */
export function createGovernorActivities({
  sessions,
  governor,
  client,
  brake,
  isReached,
  now,
}: GovernorActivitiesOptions): Pick<
  Activities,
  | 'surveyHosts'
  | 'consultGovernor'
  | 'requestLease'
  | 'giveBackLease'
  | 'reportOutcome'
  | 'findEnded'
  | 'findHeld'
  | 'recallFirings'
> {
  async function hasEnded({ workflowId, runId }: Holder): Promise<boolean> {
    if (!workflowId) return false
    try {
      const { status } = await throughEngine(client, () => client.workflow.getHandle(workflowId, runId).describe())
      return status.name !== 'RUNNING'
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return true
      throw error
    }
  }

  return {
    ...createSurvey(sessions, { isReached, now }),

    /** A pressed stop button is one of its reasons. Nothing is held. @throws ENGINE_UNREACHABLE (retried) */
    async consultGovernor({ request }) {
      const verdict = await governor.consult(request)
      try {
        await brake()
        return verdict
      } catch (error) {
        if (codeOf(error) !== 'STOPPED') throw error
        return refusedByStop(verdict, messageOf(error))
      }
    },

    /** Repeatable: who holds it already is told so. @throws STOPPED, ENGINE_UNREACHABLE (retried) */
    async requestLease({ request }) {
      await brake()
      return governor.request(request)
    },

    giveBackLease: ({ requestId }) => governor.giveBack(requestId),
    reportOutcome: ({ outcome }) => governor.report(outcome),

    /** Says of which holders the engine knows that they do not run any more. */
    async findEnded({ holders }) {
      const ended: Holder[] = []
      await inLanes(holders, atOnce, async (holder) => {
        if (await hasEnded(holder)) ended.push(holder)
      })
      return { ended }
    },

    /** Finds the leases of runs at work in what they show of themselves. */
    async findHeld() {
      const query = `ExecutionStatus = 'Running' AND (StewardKind = 'run' OR (StewardKind = 'action' AND StewardState = 'running'))`
      const held = await throughEngine(client, async () => {
        const found: LeaseRequest[] = []
        for await (const { memo } of client.workflow.list({ query }))
          if (memo?.lease) found.push(memo.lease as LeaseRequest)
        return found
      })
      return { held }
    },

    recallFirings: (input) => recentFirings(client, input),
  }
}

/** What the governor knows of the hosts. */
export function createSurvey(
  sessions: Pick<Sessions, 'forRemediation'>,
  { isReached = () => false, now = Date.now }: Pick<GovernorActivitiesOptions, 'isReached' | 'now'>,
): Pick<Activities, 'surveyHosts'> {
  let seen: { takenMs: number; services: Promise<ListedService[]> } | undefined

  function services() {
    if (!seen || now() - seen.takenMs > surveyKeptMs) {
      const look = { takenMs: now(), services: sessions.forRemediation().then(computeServices) }
      look.services.catch(() => {
        if (seen === look) seen = undefined
      })
      seen = look
    }
    return seen
  }

  return {
    /**
     * Counts the hosts that are up and down, of those in service, by Nova's word on their nova-compute. A host without one
     * is in no zone of theirs: then all of them count.
     * @throws HOST_UNKNOWN when Nova lists no compute service on `host`, and steward.yaml does not name it; DELEGATION_MISSING,
     *   CLOUD_UNREACHABLE (retried)
     */
    async surveyHosts({ host }) {
      const { takenMs, services: listed } = services()
      return surveyOf(await listed, host, isReached(host), takenMs)
    },
  }
}

const computeServices = (session: Parameters<typeof listServices>[0]) =>
  listServices(session, { binary: 'nova-compute' })

function surveyOf(all: readonly ListedService[], host: string, isReached: boolean, takenMs: number): Survey {
  const zone = all.find((service) => service.host === host)?.zone
  if (zone === undefined && !isReached)
    throw failure('HOST_UNKNOWN', `Nova lists no nova-compute on ${host}, and steward.yaml does not name it`, { host })
  const inService = all.filter(({ status, forcedDown }) => status === 'enabled' && !forcedDown)
  const count = (of: readonly ListedService[]) => {
    const up = of.filter(({ state }) => state === 'up').length
    return { up, down: of.length - up }
  }
  const around = zone === undefined ? inService : inService.filter((service) => service.zone === zone)
  return {
    takenAt: new Date(takenMs).toISOString(),
    zone: { name: zone ?? internalZone, ...count(around) },
    cloud: count(inService),
  }
}

function refusedByStop(verdict: Verdict, reason: string): Verdict {
  const stop: Ruling = { rule: 'stop', says: 'refuse', reason, code: 'STOPPED' }
  return { ...verdict, says: 'refused', reason, code: 'STOPPED', rulings: [stop, ...verdict.rulings] }
}
