import fc from 'fast-check'
import { expect, it } from 'vitest'
import { declaredLimits, type Step } from '../../../core/declared-runbook.ts'
import { codeOf, failure } from '../../../core/errors.ts'
import { createEvaluator } from '../../../policies/declared/evaluate.ts'
import type { RunContext } from '../../../workflows/sdk/context.ts'
import { createInterpreter } from '../../../workflows/sdk/declared/interpreter.ts'
import { createScope } from '../../../workflows/sdk/declared/scope.ts'
import { fanOut } from '../../../workflows/sdk/fan-out.ts'

/** Hands that only count what they are asked for; every third deed fails. */
function countingHands() {
  const undone: (() => Promise<unknown>)[] = []
  let done = 0
  async function deed() {
    done++
    if (done % 3 === 0) throw failure('CLOUD_REFUSED', 'not now')
    return { status: 202, startedAt: '' }
  }
  const run: RunContext = {
    id: 'run',
    dryRun: false,
    note: () => void done++,
    evidence: () => void done++,
    safePoint: () => undefined,
    read: async () => {
      await deed()
      return { status: 200, body: {} }
    },
    action: deed,
    call: deed,
    quick: () => ({}) as never,
    patient: () => ({}) as never,
    once: () => ({}) as never,
    async waitFor(_, look, { withinSeconds }) {
      for (let waitedSeconds = 0; waitedSeconds < withinSeconds; waitedSeconds += 2) {
        const found = await look()
        if (found) return found
      }
      throw failure('RUN_TIMED_OUT', 'in vain')
    },
    sleep: async () => undefined,
    undo: (_, act) => void undone.push(act),
    ask: async () => ({ by: 'olga', at: '', yes: true }),
    tell: async () => undefined,
    forEach: (items, options, act) => fanOut(items, options, act, () => undefined),
  }
  return { run, undone, done: () => done }
}

const serverId = '11111111-1111-4111-8111-111111111111'
const leaves = [
  { note: 'hi' },
  { set: { all: '${all + all}' } },
  { fail: 'no' },
  { action: 'server.stop', with: { serverId }, undo: { note: 'back' } },
  { wait: { until: 'false', withinSeconds: 86_400, read: { service: 'compute', path: '/a' } } },
]
const { step } = fc.letrec<{ step: Step; steps: Step[] }>((tie) => ({
  steps: fc.array(tie('step'), { minLength: 1, maxLength: 4 }),
  step: fc
    .record({
      what: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom<object>(...leaves),
        tie('steps').map((run) => ({ run })),
        tie('steps').map((parallel) => ({ parallel })),
        fc
          .record({ steps: tie('steps'), mayFail: fc.nat(500), atOnce: fc.integer({ min: 1, max: 20 }) })
          .map((options) => ({ forEach: { items: 'all', as: 'one', canary: 1, ...options } })),
      ),
      onError: fc.constantFrom('fail', 'continue'),
      times: fc.nat(declaredLimits.retries),
    })
    .map(({ what, onError, times }) => ({ ...what, line: 1, onError, retry: { times, everySeconds: 1 } }) as Step),
}))

it('a run ends, and what takes it back ends, whatever its document says', async () => {
  let atMost = 0
  let limited = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
      const { run, undone, done } = countingHands()
      const scope = createScope({ all: Array.from({ length: 20 }, (_, n) => n) })
      const parts = {
        run,
        evaluator: createEvaluator({}),
        left: { steps: declaredLimits.done },
        endIfCancelled: () => undefined,
      }
      const code = await createInterpreter({ ...parts, targets: ['zone/nova'] })
        .sequence(steps, scope)
        .then(() => undefined, codeOf)
      expect([undefined, 'RUNBOOK_LIMIT', 'RUN_FAILED', 'RUN_TIMED_OUT', 'CLOUD_REFUSED']).toContain(code)
      if (code === 'RUNBOOK_LIMIT') limited++
      atMost = Math.max(atMost, done())
      // a step that fails is told in one more note
      expect(done()).toBeLessThanOrEqual(2 * declaredLimits.done)
      expect(undone.length).toBeLessThanOrEqual(declaredLimits.done)
      await Promise.allSettled(undone.map((act) => act()))
    }),
    { numRuns: 150 },
  )
  // the property is not about small documents only
  expect(atMost).toBeGreaterThan(declaredLimits.done / 2)
  expect(limited).toBeGreaterThan(0)
})
