import { randomUUID } from 'node:crypto'
import { Context } from '@temporalio/activity'
import { Client, type WorkflowHandle } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { Worker } from '@temporalio/worker'
import { inject, vi } from 'vitest'
import { holdToDeclared } from '../../../activities/declared.ts'
import type { Activities } from '../../../core/activities.ts'
import { sideEffects } from '../../../core/audit.ts'
import { failure } from '../../../core/errors.ts'
import { checkDeclared } from '../../../openstack/declared.ts'
import { connectWorker } from '../../../temporal/connection.ts'
import { failureConverterPath } from '../../../temporal/data-converter.ts'
import { comeToAnEnd } from '../../../workflows/lease.ts'
import { run } from '../../../workflows/run.ts'
import type { Runbook } from '../../../workflows/sdk/definition.ts'
import { answerRun } from '../../../workflows/sdk/questions.ts'
import type { RunView } from '../../../workflows/sdk/record.ts'
import { sharedEngine, viewOf } from '../engine.ts'
import type { Scenario, ScenarioWorld } from '../scenarios/scenario.ts'
import { allWell, verdict } from '../scripted.ts'
import type { FrozenHistory, Outcome } from './kept.ts'
import { undisturbed, type Variant } from './variants.ts'

interface Playing {
  readonly runbook: Runbook
  readonly variant: Variant
  readonly world: ScenarioWorld
  readonly handle: WorkflowHandle
  deeds: number
  effects: number
  hasAsked: boolean
}

export interface Played extends FrozenHistory {
  readonly deeds: number
  readonly hasAsked: boolean
}

const names = Object.keys(sideEffects) as (keyof Activities)[]
/** One that takes longer waits for something that the variant keeps from it. */
const patienceMs = 120_000
const grounds = { requester: 'person', by: 'olga', why: 'corpus', waitSeconds: 60 } as const

/** Plays scenarios on a worker that encrypts nothing, so that what is frozen can be read, and packed, for ever. */
export async function createStage(encrypting: Client) {
  const dataConverter = { failureConverterPath }
  const { connection, options } = encrypting
  const client = new Client({ connection, namespace: options.namespace, dataConverter })
  const taskQueue = `corpus-${randomUUID()}`
  const playing = new Map<string, Playing>()
  const workerConnection = await connectWorker(sharedEngine())
  const worker = await Worker.create({
    ...{ connection: workerConnection, taskQueue, dataConverter },
    workflowBundle: { codePath: inject('engine').bundle },
    activities: Object.fromEntries(names.map((name) => [name, (input: unknown) => answer(name, input)])),
    interceptors: { activity: [holdToDeclared] },
    workflowThreadPoolSize: 1,
  })
  const running = worker.run()

  async function answer(name: keyof Activities, input: unknown): Promise<unknown> {
    const { info } = Context.current()
    const one = playing.get(info.workflowExecution?.workflowId ?? '')
    if (!one) throw failure('INTERNAL', 'it was given up')
    if (name === 'readCloud') checkDeclared({ ...(input as { service: string; path: string }), method: 'GET' })
    if (name === 'requestLease') {
      const { request } = input as Parameters<Activities['requestLease']>[0]
      const { governor } = one.variant
      if (governor === undefined) return verdict(request)
      const code = governor === 'refuses' ? 'TARGET_PROTECTED' : 'STOPPED'
      return verdict(request, { says: 'refused', code, reason: `the governor ${governor}` })
    }
    if (name === 'giveBackLease') return undefined
    const isEffect = typeof sideEffects[name] === 'object'
    // of one that changes nothing, everything it asks for counts
    if (isEffect || one.runbook.risk === 'read') one.deeds++
    if (isEffect) one.effects++
    await disturb(one, isEffect || one.runbook.risk === 'read')
    if (name === 'announce') return undefined
    if (name === 'surveyHosts' && !(name in one.world.activities)) return allWell(new Date().toISOString())
    if (name === 'readCloud' && one.variant.findsNothing) return { status: 404 }
    const act = one.world.activities[name] as ((given: unknown, attempt: number) => Promise<unknown>) | undefined
    if (!act) throw failure('INTERNAL', `the scenario of ${one.runbook.name} has no answer to ${name}`)
    return act(input, info.attempt)
  }

  async function disturb({ variant: { at }, deeds, handle }: Playing, isDeed: boolean): Promise<void> {
    if (!isDeed || at?.deed !== deeds) return
    if (at.comes === 'failure') throw failure('EFFECT_FAILED', 'it did not come to its end')
    if (at.comes === 'cancellation') await handle.cancel()
    else await handle.signal(comeToAnEnd, { why: 'something more urgent' })
  }

  /** Answers what it asks, as long as it asks, unless the scenario has somebody for that. */
  async function meanwhile(one: Playing, scenario: Scenario): Promise<void> {
    const { asked } = one.variant
    if (asked === undefined && scenario.meanwhile) return scenario.meanwhile(one.handle)
    const question = await vi.waitFor(async () => {
      const view = await viewOf<RunView>(one.handle)
      return view.question ?? Promise.reject(new Error('it does not ask'))
    }, patienceMs)
    if (asked === 'cancels') return void (await one.handle.cancel())
    const answer = { questionId: question.id, by: 'pia', yes: false }
    await one.handle.executeUpdate(answerRun, { args: [answer] })
  }

  async function begin(runbook: Runbook, scenario: Scenario, variant: Variant, world: ScenarioWorld): Promise<Playing> {
    const workflowId = `corpus/${runbook.name}/${randomUUID()}`
    const handle = client.workflow.getHandle(workflowId)
    const one: Playing = { runbook, variant, world, handle, deeds: 0, effects: 0, hasAsked: false }
    playing.set(workflowId, one)
    const { dryRun = false, input = scenario.input } = variant
    const { name, document } = runbook
    const order = { runbook: name, ...(document && { document }), input, dryRun, by: 'olga', why: 'corpus' }
    await client.workflow.start(run, { workflowId, taskQueue, args: [order, grounds] })
    if (scenario.meanwhile || variant.asked) {
      one.hasAsked = true
      // one that never asks is nobody's fault
      void meanwhile(one, scenario).catch(() => undefined)
    }
    return one
  }

  const isOver = async ({ handle }: Playing): Promise<boolean> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, patienceMs, false)
    })
    const ended = handle.result().then(
      () => true,
      () => true,
    )
    const over = await Promise.race([ended, late])
    clearTimeout(timer)
    return over
  }

  /** The history of one run, or nothing when it waits for longer than anybody would. */
  async function play(runbook: Runbook, scenario: Scenario, variant: Variant): Promise<Played | undefined> {
    const world = scenario.world(() => undefined)
    if (variant.again) await isOver(await begin(runbook, scenario, undisturbed, world))
    const one = await begin(runbook, scenario, variant, world)
    const over = await isOver(one)
    if (!over) {
      await one.handle.terminate()
      return undefined
    }
    const { state } = await viewOf<RunView>(one.handle)
    const { events } = JSON.parse(historyToJSON(await one.handle.fetchHistory())) as { events: object[] }
    return {
      outcome: outcomeOf(one, state),
      how: variant.how,
      frozenAt: new Date().toISOString(),
      events,
      deeds: one.deeds,
      hasAsked: one.hasAsked,
    }
  }

  return {
    play,
    async close(): Promise<void> {
      worker.shutdown()
      await running
      await workerConnection.close()
    },
  }
}

function outcomeOf({ variant, effects }: Playing, state: RunView['state']): Outcome {
  if (variant.dryRun) return 'dry-run'
  if (state === 'failed') return effects === 0 && variant.at === undefined ? 'refused' : 'failed'
  return state as Outcome
}
