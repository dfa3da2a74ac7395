import { beforeAll, describe, expect, it } from 'vitest'
import { workflowBundle } from '../../../temporal/bundle.ts'
import { historiesIn } from '../../../temporal/history-files.ts'
import { type Replayed, replayHistories } from '../../../temporal/replay.ts'
import { quietRuntime } from '../quiet-runtime.ts'
import { frozenRunbooks } from './frozen-runbooks.ts'
import { fileOf, histories, keptOf, missingOf } from './kept.ts'

const names = frozenRunbooks.map(({ name }) => name)

describe('runs that former versions have begun', () => {
  const replayed: Replayed[] = []
  beforeAll(async () => {
    quietRuntime()
    const bundle = await workflowBundle([], { isWitnessed: true })
    for await (const one of replayHistories(bundle, historiesIn([histories]))) replayed.push(one)
  })

  it.each(frozenRunbooks.map((runbook) => [runbook.name, runbook] as const))(
    '%s: each of its outcomes is kept; `npm run freeze-corpus` adds what is not',
    async (name, runbook) => {
      expect(missingOf(runbook, await keptOf(name))).toEqual([])
    },
  )

  it.each(names)('%s: go on with its present code; where they cannot, it needs `patched` or another name', (name) => {
    const its = replayed.filter(({ from }) => from.startsWith(fileOf(name)))
    expect(its.length).toBeGreaterThan(0)
    expect(its.filter(({ how }) => how !== 'same')).toEqual([])
    expect(its.filter(({ runbook }) => runbook !== name)).toEqual([])
  })

  it('nothing is kept of a runbook that is no more', () => {
    expect(replayed.filter(({ from }) => !names.some((name) => from.startsWith(fileOf(name))))).toEqual([])
  })
})
