import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Client, WorkflowHandle } from '@temporalio/client'
import type { Activities } from '../../core/activities.ts'
import { sideEffects } from '../../core/audit.ts'
import { codeOf, failure, messageOf } from '../../core/errors.ts'
import { run } from '../../workflows/run.ts'
import type { Asked, CrashWorkerOptions, Told } from './crash-worker.ts'
import type { Scenario, ScenarioWorld } from './scenarios/scenario.ts'
import { allWell, verdict } from './scripted.ts'

/** Of a side effect: not begun yet; done, but its answer never came; answered, before what follows. */
export const moments = ['before', 'during', 'after'] as const
export type Moment = (typeof moments)[number]

export interface CaseGiven {
  readonly runbook: string
  readonly scenario: Scenario
  /** The worker dies at this side effect, counted from 1. */
  readonly kill?: { readonly at: number; readonly moment: Moment }
  /** The run is cancelled while this is done: the last side effect of an undisturbed run, in words. */
  readonly cancelDuring?: string
}

/** How one run went. */
export interface Case extends CaseGiven {
  readonly handle: WorkflowHandle
  readonly world: ScenarioWorld
  /** What was done to its world, and how often. */
  readonly did: ReadonlyMap<string, number>
  /** Side effects that were asked for, in order. */
  readonly effects: readonly string[]
  /** Ids of leases that it holds. */
  readonly leases: ReadonlySet<string>
  /** It is where its worker is to die. */
  isThere(): boolean
}

interface Playing extends Case {
  readonly did: Map<string, number>
  readonly effects: string[]
  readonly leases: Set<string>
  answers: boolean
  /** Its worker dies at whatever it asks for next. */
  stopsNext: boolean
  isCancelled: boolean
  /** No worker of this run dies any more. */
  isSafe: boolean
}

const script = fileURLToPath(new URL('crash-worker.ts', import.meta.url))
const never = new Promise<never>(() => undefined)
/** Names that hold a time are the same in every world. */
const inWords = (name: string, input: unknown) => `${name} ${JSON.stringify(input)}`.replaceAll(/\d{8}T\d{6}Z/g, 'TIME')

/** Runs many runs on one worker, in a process of its own that can be killed; their worlds live here and go on. */
export function createStage(client: Client, options: Omit<CrashWorkerOptions, 'taskQueue' | 'atOnce'>) {
  const taskQueue = `crash-${randomUUID()}`
  const cases = new Map<string, Playing>()
  let worker: ChildProcess | undefined

  async function begin(given: CaseGiven): Promise<Case> {
    const workflowId = `crash/${given.runbook}/${randomUUID()}`
    const did = new Map<string, number>()
    const world = given.scenario.world((what) => {
      const words = inWords('did', what)
      did.set(words, (did.get(words) ?? 0) + 1)
    })
    const order = { runbook: given.runbook, input: given.scenario.input, dryRun: false, by: 'olga', why: 'matrix' }
    const one: Playing = {
      ...{ ...given, world, did, effects: [], leases: new Set() },
      handle: client.workflow.getHandle(workflowId),
      ...{ answers: true, stopsNext: false, isCancelled: false, isSafe: false },
      isThere: () => !one.answers,
    }
    cases.set(workflowId, one)
    const grounds = { requester: 'person', by: 'olga', why: 'matrix', waitSeconds: 60 } as const
    await client.workflow.start(run, { workflowId, taskQueue, args: [order, grounds] })
    return one
  }

  async function answer(one: Playing, { name, input, attempt }: Asked): Promise<unknown> {
    if (!one.answers || one.stopsNext) {
      one.answers = false
      return never
    }
    if (name === 'requestLease') {
      const { request } = input as Parameters<Activities['requestLease']>[0]
      one.leases.add(request.id)
      return verdict(request)
    }
    if (name === 'giveBackLease') return void one.leases.delete((input as { requestId: string }).requestId)
    if (name === 'announce') return undefined
    if (name === 'surveyHosts' && !(name in one.world.activities)) return allWell(new Date().toISOString())
    const act = one.world.activities[name] as ((given: unknown, attempt: number) => Promise<unknown>) | undefined
    if (!act) throw failure('INTERNAL', `the scenario of ${one.runbook} has no answer to ${name}`)
    if (typeof sideEffects[name] !== 'object') return act(input, attempt)

    one.effects.push(inWords(name, input))
    const moment = !one.isSafe && one.kill?.at === one.effects.length ? one.kill.moment : undefined
    if (moment === 'before') {
      one.answers = false
      return never
    }
    if (one.cancelDuring === one.effects.at(-1) && !one.isCancelled) {
      one.isCancelled = true
      await one.handle.cancel()
    }
    const said = await act(input, attempt)
    if (moment === 'during') {
      one.answers = false
      return never
    }
    one.stopsNext = moment === 'after'
    return said
  }

  function startWorker(atOnce = 500): void {
    const given = JSON.stringify({ ...options, taskQueue, atOnce } satisfies CrashWorkerOptions)
    const child = spawn(process.execPath, ['--import', 'tsx', script, given], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    worker = child
    child.on('message', async (asked: Asked) => {
      const one = cases.get(asked.workflowId)
      if (!one) return
      const told: Told = await answer(one, asked).then(
        (value) => ({ id: asked.id, value }),
        (error: unknown) => {
          const code = codeOf(error)
          return { id: asked.id, error: { message: messageOf(error), ...(code && { code }) } }
        },
      )
      // a dead one hears nothing
      if (child.connected) child.send(told)
    })
  }

  return {
    begin,
    startWorker,
    /** SIGKILL; from now on all that is asked is answered, and no worker is killed any more. */
    async killWorker(): Promise<void> {
      const dead = worker
      if (dead === undefined) return
      const exited = new Promise((resolve) => dead.once('exit', resolve))
      dead.kill('SIGKILL')
      await exited
      for (const [id, one] of cases)
        cases.set(id, Object.assign(one, { isSafe: true, answers: true, stopsNext: false }))
    },
  }
}
