import { describe, expect, it } from 'vitest'
import { type FormerBuild, serveFormer } from '../../policies/former-builds.ts'

const nowMs = Date.parse('2026-11-21T12:00:00Z')
const minutesAgo = (minutes: number) => nowMs - minutes * 60_000
const build = (id: string, more: Partial<FormerBuild> = {}): FormerBuild => ({
  ...{ id, openRuns: 1, isDrained: false, isServed: false },
  ...more,
})
const kept = (...ids: string[]) => ids.map((buildId) => ({ buildId, keptAtMs: minutesAgo(60) }))
const serve = (builds: FormerBuild[], bundles = kept(...builds.map(({ id }) => id)), most = 5) => {
  const { missing, beyond, ...rest } = serveFormer({ builds, kept: bundles, most, nowMs })
  return { ...rest, missing: missing.map(({ id }) => id), beyond: beyond.map(({ id }) => id) }
}

describe('former code', () => {
  it('is served while a run needs it, also where another worker serves it', () => {
    const builds = [build('a'), build('b', { openRuns: 0 }), build('c', { isServed: true })]
    expect(serve(builds)).toEqual({ serve: ['a', 'c'], missing: [], beyond: [], forget: [] })
  })

  it('is missed where its bundle is gone, unless another worker has it', () => {
    const builds = [build('a'), build('b', { isServed: true }), build('c', { openRuns: 0 })]
    expect(serve(builds, [])).toEqual({ serve: [], missing: ['a'], beyond: [], forget: [] })
  })

  it('is served up to a number, the newest first; the others wait, unless another worker has them', () => {
    const builds = [build('a'), build('b'), build('c'), build('d', { isServed: true })]
    expect(serve(builds, kept('a', 'b', 'c', 'd'), 2)).toMatchObject({ serve: ['a', 'b'], beyond: ['c'] })
  })

  it('is forgotten when the engine has seen its last run end, or does not know it, and not before', () => {
    const builds = [
      build('drained', { openRuns: 0, isDrained: true }),
      build('quiet', { openRuns: 0 }),
      build('late', { openRuns: 1, isDrained: true }),
    ]
    const justBegun = { buildId: 'just-begun', keptAtMs: minutesAgo(1) }
    const bundles = [...kept('drained', 'quiet', 'late', 'of-another-engine'), justBegun]
    expect(serve(builds, bundles).forget).toEqual(['drained', 'of-another-engine'])
  })
})
