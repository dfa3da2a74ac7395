import { randomUUID } from 'node:crypto'
import { Context } from '@temporalio/activity'
import type { Client } from '@temporalio/client'
import type { Activities } from '../../core/activities.ts'
import { failure } from '../../core/errors.ts'
import type { LeaseRequest, Survey, Verdict } from '../../core/governor.ts'
import { leaseVerdict } from '../../workflows/lease.ts'

type Input<K extends keyof Activities> = Parameters<Activities[K]>[0]
type Output<K extends keyof Activities> = Awaited<ReturnType<Activities[K]>>
/** What an activity answers: a value, an error to fail with, or a function that finds out. */
export type Answer<K extends keyof Activities> =
  | Output<K>
  | Error
  | ((input: Input<K>) => Output<K> | Promise<Output<K>>)
/** Answers by activity. Of a list each call takes the next one, and the last one is repeated. */
export type Script = { [K in keyof Activities]?: Answer<K> | readonly Answer<K>[] }

/** The outside world of one test: everything that is asked of it is recorded, and what it answers is scripted. */
export interface Cloud {
  /** Names this world: a host name no other test uses. */
  readonly host: string
  /** A trust of this world. */
  trust(name: string): string
  readonly calls: readonly { readonly name: keyof Activities; readonly input: unknown }[]
  /** Names of the activities called, in order, those that ask the governor and those that tell people left out. */
  names(): string[]
  /** Inputs of the calls of one activity, in order. */
  inputs<K extends keyof Activities>(name: K): Input<K>[]
}

interface World {
  readonly script: Script
  readonly calls: Cloud['calls'][number][]
}

export interface Worlds {
  /** In the place of the world of this host, where one is named. */
  create(script: Script, host?: string): Cloud
  readonly activities: Activities
}

const names = Object.keys({
  lookAtService: 0,
  awaitServiceUp: 0,
  watchServices: 0,
  checkEvacuations: 0,
  describeService: 0,
  lookAtProcess: 0,
  awaitProcessUp: 0,
  checkCluster: 0,
  awaitCluster: 0,
  runCommand: 0,
  lookOnHost: 0,
  restartService: 0,
  lookAtPower: 0,
  powerOff: 0,
  powerOn: 0,
  planRelief: 0,
  planDrain: 0,
  findRoom: 0,
  liveMigrate: 0,
  makePlan: 0,
  beginPlan: 0,
  readWave: 0,
  checkWave: 0,
  verifyMoves: 0,
  disableHost: 0,
  enableHost: 0,
  findDisabled: 0,
  findHostsToWake: 0,
  readSignal: 0,
  surveyHosts: 0,
  consultGovernor: 0,
  requestLease: 0,
  giveBackLease: 0,
  reportOutcome: 0,
  findEnded: 0,
  findHeld: 0,
  recallFirings: 0,
  readCloud: 0,
  collectEvidence: 0,
  checkHttpCall: 0,
  callHttp: 0,
  performCall: 0,
  reconcileCall: 0,
  deleteTrust: 0,
  checkTrust: 0,
  findOrphans: 0,
  awaitEffect: 0,
  findTargets: 0,
  performMany: 0,
  reconcileMany: 0,
  awaitMany: 0,
  checkAhead: 0,
  moveRun: 0,
  announce: 0,
  deliver: 0,
} satisfies Record<keyof Activities, 0>) as (keyof Activities)[]

/** A cloud in which nothing is wrong at the moment. */
export const allWell = (takenAt: string): Survey => ({
  takenAt,
  zone: { name: 'nova', up: 3, down: 0 },
  cloud: { up: 3, down: 0 },
})

/** What a governor says that lets everything pass. */
export const verdict = ({ id }: Pick<LeaseRequest, 'id'>, more: Partial<Verdict> = {}): Verdict => ({
  ...{ requestId: id, says: 'granted', at: '2026-11-21T00:00:01.000Z', rulings: [], reason: 'nobody else acts there' },
  ...more,
})

/** The governor's word to a run that had to wait for its lease. */
export const tellHolder = async (client: Client, request: LeaseRequest, more: Partial<Verdict> = {}): Promise<void> => {
  const { workflowId = '', runId } = request.holder
  await client.workflow.getHandle(workflowId, runId).signal(leaseVerdict, verdict(request, more))
}

/** A governor without brakes, and nobody who wants to know, for the tests that are not about that. */
const withoutBrakes: Script = {
  surveyHosts: () => allWell(new Date().toISOString()),
  consultGovernor: ({ request }) => verdict(request),
  requestLease: ({ request }) => verdict(request),
  giveBackLease: undefined,
  reportOutcome: undefined,
  findEnded: { ended: [] },
  findHeld: { held: [] },
  recallFirings: { firings: 1 },
  findOrphans: { orphans: [], used: 0, unknown: 0 },
  checkEvacuations: undefined,
  describeService: { seenBy: 'nova', isSupervised: false },
  announce: undefined,
}

/** Activities for a worker that serves many tests; each call goes to the world whose host or trust it names. */
export function createWorlds(): Worlds {
  const governor = withoutBrakes
  const worlds = new Map<string, World>()
  /** Whom an activity without input belongs to. */
  let newest: World | undefined

  async function answer(name: keyof Activities, input: unknown): Promise<unknown> {
    const world = worlds.get(subjectOf(input)) ?? worlds.get(subjectOfCaller()) ?? (input === undefined && newest)
    const script = world && name in world.script ? world.script : governor
    // nothing may be asked that the test did not think of
    if (!(name in script)) throw failure('INTERNAL', `the script has no answer to ${name}`)
    const given = script[name]
    const before = world ? world.calls.filter((call) => call.name === name).length : 0
    if (world) world.calls.push({ name, input })
    const next: unknown = Array.isArray(given) ? given[Math.min(before, given.length - 1)] : given
    if (next instanceof Error) throw next
    return typeof next === 'function' ? await next(input) : next
  }

  return {
    create(script, host = `cmp-${randomUUID().slice(0, 8)}`) {
      const calls: World['calls'] = []
      newest = { script, calls }
      worlds.set(host, newest)
      return {
        host,
        calls,
        trust: (name) => `${host}~${name}`,
        names: () => calls.map((call) => call.name).filter((name) => !(name in governor)),
        inputs: (name) => calls.filter((call) => call.name === name).map((call) => call.input as never),
      }
    },
    activities: Object.fromEntries(
      names.map((name) => [name, (input: unknown) => answer(name, input)]),
    ) as unknown as Activities,
  }
}

function subjectOf(input: unknown): string {
  const { host, from, trustId, applicationCredential, entity, request } = (input ?? {}) as {
    host?: string
    from?: string
    trustId?: string
    applicationCredential?: { id: string }
    entity?: { host: string }
    request?: LeaseRequest
  }
  const target = request?.targets.find((name) => name.startsWith('host/'))?.slice('host/'.length)
  return (host ?? from ?? trustId ?? applicationCredential?.id ?? entity?.host ?? target ?? '').split('~', 1)[0] ?? ''
}

/** The world that the id of the calling workflow names. */
function subjectOfCaller(): string {
  const { workflowId = '' } = Context.current().info.workflowExecution ?? {}
  return /cmp-[0-9a-f]{8}/.exec(workflowId)?.[0] ?? ''
}

/** A promise that the test settles when it wants to. */
export function gate<T = void>() {
  let open: (value: T) => void = () => undefined
  const opened = new Promise<T>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** The answer of something that never ends by itself. */
export const never = (): Promise<never> => Context.current().cancelled

/** Goes on after `opened`, unless the engine has said meanwhile that this is not wanted any more. */
export async function unlessCancelled(opened: Promise<unknown>): Promise<void> {
  const context = Context.current()
  await opened
  // the first heartbeat is sent at once, and its answer says so
  context.heartbeat()
  await Promise.race([context.cancelled, context.sleep(1_000)])
}
