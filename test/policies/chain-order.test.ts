import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Chain, StepRecord } from '../../core/chain.ts'
import { createChain, nextOf, undoOf } from '../../policies/chain.ts'
import { id } from './catalogue/examples.ts'
import { done, raw, share, snap, snapped, stop } from './chain-examples.ts'

describe('what follows', () => {
  const steps = (...onFailure: string[]) =>
    createChain({ steps: onFailure.map((given, at) => stop(`s${at}`, { onFailure: given })) })
  const active = { server: { status: 'ACTIVE' } }
  const stopped = (stepId: string) => done(stepId, { input: { serverId: id.server }, before: active })
  const ended = (stepId: string, state: StepRecord['state']): StepRecord => ({ ...stopped(stepId), state })

  it('is the first step that has not run, and then the end', () => {
    const chain = steps('stop', 'stop')
    expect(nextOf(chain, [])).toMatchObject({ kind: 'run', step: { id: 's0' } })
    expect(nextOf(chain, [stopped('s0')])).toMatchObject({ kind: 'run', step: { id: 's1' } })
    expect(nextOf(chain, [stopped('s0'), stopped('s1')])).toEqual({ kind: 'end', outcome: 'done' })
  })

  it.each(['failed', 'unknown'] as const)('a step that is %s is what it says itself', (state) => {
    const following = (onFailure: string) =>
      nextOf(steps('stop', onFailure, 'stop'), [stopped('s0'), ended('s1', state)])
    expect(following('stop')).toEqual({ kind: 'end', outcome: 'failed', because: 's1' })
    expect(following('continue')).toMatchObject({ kind: 'run', step: { id: 's2' } })
    expect(following('undo')).toMatchObject({
      kind: 'undo',
      because: 's1',
      plan: { undo: [{ id: 's0', reference: { action: 'server.start', input: { serverId: id.server } } }] },
    })
  })

  it('is an end in part when a step failed that did not matter', () => {
    const records = [ended('s0', 'failed'), stopped('s1')]
    expect(nextOf(steps('continue', 'stop'), records)).toEqual({ kind: 'end', outcome: 'done in part' })
  })

  it('takes back the last step first, and says what stays', () => {
    const chain = createChain({
      steps: [stop('a'), { ...stop('b'), action: 'server.reboot' }, snap, share, raw, stop('c')],
    })
    const records: StepRecord[] = [
      stopped('a'),
      stopped('b'),
      { ...snapped, input: snap.with },
      done('share', { input: { imageId: id.image, projectId: id.project } }),
      done('tag'),
      ended('c', 'unknown'),
    ]
    expect(undoOf(chain, records)).toEqual({
      undo: [
        { id: 'share', reference: { action: 'image.unshare', input: { imageId: id.image, projectId: id.project } } },
        { id: 'snap', reference: { action: 'image.delete', input: { imageId: id.image } } },
        { id: 'a', reference: { action: 'server.start', input: { serverId: id.server } } },
      ],
      stays: [
        { id: 'c', reason: 'nobody can tell whether it took effect' },
        { id: 'tag', reason: 'a call of your own has no known way back' },
        { id: 'b', reason: 'server.reboot cannot be taken back' },
      ],
    })
  })

  it('never runs a step twice, never goes past a failure it must not pass, and always comes to an end', () => {
    const onFailure = fc.constantFrom('stop', 'continue', 'undo')
    const state = fc.constantFrom('done', 'done', 'failed', 'unknown') as fc.Arbitrary<StepRecord['state']>
    fc.assert(
      fc.property(fc.array(fc.tuple(onFailure, state), { minLength: 1, maxLength: 8 }), (plan) => {
        const chain = steps(...plan.map(([given]) => given))
        const records: StepRecord[] = []
        for (let turn = 0; turn <= plan.length; turn++) {
          const next = nextOf(chain, records)
          if (next.kind !== 'run') return isRightEnd(next, chain, records)
          if (records.some(({ id: ran }) => ran === next.step.id)) return false
          records.push(ended(next.step.id, plan[records.length]?.[1] ?? 'done'))
        }
        return false
      }),
    )
  })

  function isRightEnd(next: ReturnType<typeof nextOf>, chain: Chain, records: readonly StepRecord[]): boolean {
    const failed = records.filter(({ state }) => state !== 'done').map(({ id: stepId }) => stepId)
    const last = chain.steps.find(({ id: stepId }) => stepId === records.at(-1)?.id)
    if (next.kind === 'undo') {
      const back = next.plan.undo.map(({ id: stepId }) => stepId)
      const ran = records.filter(({ state }) => state === 'done').map(({ id: stepId }) => stepId)
      return last?.onFailure === 'undo' && back.join() === ran.toReversed().join()
    }
    if (next.kind !== 'end') return false
    if (next.outcome === 'failed') return last?.onFailure === 'stop' && next.because === last.id
    return records.length === chain.steps.length && (next.outcome === 'done') === (failed.length === 0)
  }
})
