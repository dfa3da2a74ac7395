import { afterAll, beforeAll, inject, it } from 'vitest'
import { connectClient } from '../../../temporal/connection.ts'
import { loadKeys } from '../../../temporal/keys.ts'
import type { Runbook } from '../../../workflows/sdk/definition.ts'
import { sharedEngine } from '../engine.ts'
import { quietRuntime } from '../quiet-runtime.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { frozenRunbooks } from './frozen-runbooks.ts'
import { addKept, type FrozenHistory, keptOf, missingOf } from './kept.ts'
import { createStage, type Played } from './stage.ts'
import { undisturbed, type Variant, variantsOf } from './variants.ts'

/**
 * `npm run freeze-corpus`: histories of what has none yet. `RUNBOOKS=drain-host,return-host npm run freeze-corpus`: a new
 * generation of these, beside the older ones, because a new way through them is worth to be kept. Nothing is ever replaced.
 */
const anew = new Set((process.env.RUNBOOKS ?? '').split(',').filter(Boolean))
const atOnce = 12

let stage: Awaited<ReturnType<typeof createStage>>
let leave: () => Promise<void>
beforeAll(async () => {
  quietRuntime()
  const { client, close } = await connectClient(sharedEngine(), await loadKeys(inject('engine').keysFile))
  stage = await createStage(client)
  leave = close
})
afterAll(async () => {
  await stage.close()
  await leave()
})

const scenarioOf = async (runbook: string) =>
  ((await import(`../scenarios/${runbook}.ts`)) as { scenario: Scenario }).scenario

/** Kinds of events, and of what was asked: two histories of the same shape are told apart by no replay. */
const shapeOf = ({ outcome, events }: Pick<FrozenHistory, 'outcome' | 'events'>): string => {
  const kinds = (
    events as { eventType: string; activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[]
  ).map(({ eventType, activityTaskScheduledEventAttributes: asked }) => asked?.activityType.name ?? eventType)
  return [outcome, ...kinds].join(' ')
}

it.each(frozenRunbooks.map((one) => [one.name, one] as const))('%s', { timeout: 900_000 }, async (name, runbook) => {
  const kept = await keptOf(name)
  const missing = missingOf(runbook, kept)
  if (missing.length === 0 && !anew.has(name)) return
  const scenario = await scenarioOf(name)
  const first = await stage.play(runbook, scenario, undisturbed)
  if (!first) throw new Error(`${name}: an undisturbed run does not end`)
  const all = [first, ...(await playAll(runbook, scenario, variantsOf(runbook, first.deeds, first.hasAsked)))]
  const seen = new Set<string>()
  const fresh = all.filter((one) => {
    const isWanted = anew.has(name) || missing.includes(one.outcome)
    const shape = shapeOf(one)
    if (!isWanted || seen.has(shape)) return false
    seen.add(shape)
    return true
  })
  await addKept(
    name,
    fresh.map(({ outcome, how, frozenAt, events }) => ({ outcome, how, frozenAt, events })),
  )
})

async function playAll(runbook: Runbook, scenario: Scenario, variants: readonly Variant[]): Promise<Played[]> {
  const queue = variants.filter((variant) => variant !== undisturbed)
  const played: Played[] = []
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const one = await stage.play(runbook, scenario, next)
      if (one) played.push(one)
      else process.stdout.write(`${runbook.name}, ${next.how}: does not end, and is left out\n`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return played.sort(
    (a, b) => variants.findIndex(({ how }) => how === a.how) - variants.findIndex(({ how }) => how === b.how),
  )
}
