import { codeOf } from '../core/errors.ts'
import type { RunbookCard } from '../core/runbook.ts'
import { type RunbookCase, RunbookTests } from '../core/runbook-test.ts'
import type { TestEngine } from './engine.ts'
import { type Played, play } from './play.ts'
import { wrongInDryRun, wrongWith } from './verdict.ts'

/** How one case went, for people. */
export interface CaseReport {
  readonly name: string
  readonly passed: boolean
  /** Why it could not be played. */
  readonly skipped?: string
  readonly problems: readonly string[]
  readonly played?: Played
}

/**
 * What every runbook is tried on besides its own cases: its first case as a dry run, and the first one that works with a
 * worker that loses its memory after every step. One without a file of tests has the dry run only, with a made-up input.
 */
export async function playStandardCases(
  engine: TestEngine,
  card: RunbookCard,
  tests: RunbookTests | undefined,
): Promise<CaseReport[]> {
  const known = tests ?? madeUp(card)
  const [first] = known.cases
  if (!first) return []
  const reports = [await dryRun(engine, card, known, { ...first, dryRun: true, events: {}, faults: [], answers: [] })]
  const working = tests?.cases.find(({ dryRun, expect }) => !dryRun && expect.state === 'succeeded')
  if (!working) return reports
  const played = await play(engine, { tests: known, one: working, card, forgetful: true })
  const problems = wrongWith(working.expect, played)
  const name = `its worker is lost after every step of "${working.name}"`
  return [...reports, { name, passed: problems.length === 0, problems, played }]
}

async function dryRun(
  engine: TestEngine,
  card: RunbookCard,
  tests: RunbookTests,
  one: RunbookCase,
): Promise<CaseReport> {
  const name = 'a dry run changes nothing'
  try {
    const played = await play(engine, { tests, one, card, forgetful: false })
    const { code, summary } = played.view
    const isForeign = code === 'NOT_SIMULATED' || code === 'INPUT_INVALID'
    if (isForeign && played.did.length === 0)
      return { name, passed: true, problems: [], skipped: summary ?? code, played }
    const problems = wrongInDryRun(played)
    return { name, passed: problems.length === 0, problems, played }
  } catch (error) {
    if (codeOf(error) !== 'NOT_SIMULATED') throw error
    return { name, passed: true, problems: [], skipped: (error as Error).message }
  }
}

/** A world of two servers, and an input that fits the schema as far as one can be guessed. */
function madeUp({ input }: RunbookCard): RunbookTests {
  const value = sampleOf(input, '') as RunbookCase['input']
  return RunbookTests.parse({
    world: { servers: { first: {}, second: {} } },
    cases: [{ name: 'made up', input: value }],
  })
}

interface Schema {
  readonly type?: string
  readonly format?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly minimum?: number
}

function sampleOf(given: unknown, name: string): unknown {
  const schema = given as Schema
  if (schema.default !== undefined) return schema.default
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.anyOf) return sampleOf(schema.anyOf[0], name)
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([key]) => schema.required?.includes(key))
          .map(([key, one]) => [key, sampleOf(one, key)]),
      )
    case 'array':
      return schema.items ? [sampleOf(schema.items, name)] : []
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1)
    case 'boolean':
      return false
    default:
      if (schema.format === 'uuid') return '$' + '{servers.first.id}'
      return /host/i.test(name) ? 'compute1' : 'test'
  }
}
