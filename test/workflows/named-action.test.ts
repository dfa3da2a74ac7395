import { describe, expect, it } from 'vitest'
import type { ActionView } from '../../core/action.ts'
import type { CallOutcome } from '../../core/activities.ts'
import { ChainStep } from '../../core/chain.ts'
import { failure } from '../../core/errors.ts'
import { type ActionOptions, actionOf, startAction } from './action-bench.ts'
import { listedState, useWorker, viewOf } from './engine.ts'
import type { Script } from './scripted.ts'

const bench = useWorker()
const accepted = (more: Partial<CallOutcome> = {}): CallOutcome => ({
  ...{ status: 202, startedAt: new Date().toISOString() },
  ...more,
})
const [serverId, imageId] = ['5c7d0f3e-8a1b-4c2d-9e3f-000000000001', '5c7d0f3e-8a1b-4c2d-9e3f-000000000003']
const projectId = '9f0c2b6e1d8a4f7b0000000000000021'
const stop = { call: undefined, action: 'server.stop', with: { serverId } }
const input = { serverId }

/** What becomes of the work, with all that was asked of the cloud. */
async function done(script: Script, work: Partial<ActionView>, options: ActionOptions = {}) {
  const cloud = bench.cloud({ deleteTrust: undefined, ...script })
  const { call: _none, ...action } = actionOf(cloud.trust('a'), options).view
  const handle = await startAction(bench, {
    ...{ trustId: cloud.trust('a'), maxLatenessMs: options.maxLatenessMs ?? 60_000 },
    view: { ...action, ...work },
  })
  const view = await handle.result()
  expect(await viewOf(handle)).toEqual(view)
  expect(await listedState(handle)).toBe(view.state)
  const performed = cloud.inputs('performCall').map((deed) => ('call' in deed ? deed.call.path : deed.action))
  return { view, cloud, performed }
}

const ended = (outcome: 'done' | 'failed' | 'unseen', detail = 'as told') => ({ outcome, detail })

describe.concurrent('an action of the catalogue', () => {
  it('is done when what it began is over', async () => {
    const before = { server: { status: 'ACTIVE' } }
    const outcome = accepted({ goesOn: true, before, body: { id: 1 } })
    const { view, cloud } = await done({ performCall: outcome, awaitEffect: ended('done') }, stop)
    expect(view).toMatchObject({ state: 'done', action: 'server.stop', result: { status: 202 }, trustDeleted: true })
    const trustId = cloud.trust('a')
    expect(cloud.inputs('performCall')).toEqual([{ action: 'server.stop', input, trustId }])
    expect(cloud.inputs('awaitEffect')).toEqual([
      { action: 'server.stop', input, trustId, since: outcome.startedAt, before, result: { id: 1 } },
    ])
    expect(cloud.names()).toEqual(['performCall', 'awaitEffect', 'deleteTrust'])
  })

  it('that had nothing to do has no end to wait for', async () => {
    const { view, cloud } = await done({ performCall: accepted({ note: 'nothing to do: it was so already' }) }, stop)
    expect(view).toMatchObject({ state: 'done', result: { note: 'nothing to do: it was so already' } })
    expect(cloud.inputs('awaitEffect')).toEqual([])
  })

  it.each([
    ['that ended without effect has failed', 'failed', 'failed', 'EFFECT_FAILED'],
    ['whose end nobody saw is for people to look at', 'unseen', 'outcome-unknown', 'OUTCOME_UNKNOWN'],
  ] as const)('%s', async (_what, outcome, state, code) => {
    const { view, performed } = await done(
      { performCall: accepted({ goesOn: true }), awaitEffect: ended(outcome, 'it went to ERROR') },
      stop,
    )
    expect(view).toMatchObject({ state, reason: { code, detail: expect.stringContaining('it went to ERROR') } })
    expect(performed).toEqual(['server.stop'])
  })

  it('whose answer was lost is looked at before anything is repeated, and then waited for', async () => {
    const { view, performed, cloud } = await done(
      {
        performCall: failure('OUTCOME_UNKNOWN', 'no answer'),
        reconcileCall: { verdict: 'done', requestId: 'req-1' },
        awaitEffect: ended('done'),
      },
      stop,
    )
    expect(view).toMatchObject({ state: 'done', result: { requestId: 'req-1', note: /answer was lost/ } })
    expect(performed).toEqual(['server.stop'])
    expect(cloud.inputs('awaitEffect')).toHaveLength(1)
  })
})

const steps = (...given: object[]): Partial<ActionView> => ({ steps: given.map((step) => ChainStep.parse(step)) })
const snap = { id: 'snap', action: 'server.snapshot', with: { serverId, name: 'nightly' } }
const share = {
  id: 'share',
  action: 'image.share',
  with: { imageId: { $from: 'snap', pointer: '/image_id' }, projectId },
}
const halt = { id: 'halt', action: 'server.stop', with: { serverId } }
const refused = failure('CLOUD_REFUSED', 'no quota', { status: 403 })

describe.concurrent('a chain', () => {
  it('puts what one step leaves into the next, and tells of each', async () => {
    const { view, cloud } = await done(
      { performCall: [accepted({ body: { image_id: imageId } }), accepted({ status: 200, requestId: 'req-2' })] },
      steps(snap, share),
    )
    expect(cloud.inputs('performCall').map((deed) => ('input' in deed ? deed.input : undefined))).toEqual([
      { serverId, name: 'nightly' },
      { imageId, projectId },
    ])
    expect(view).toMatchObject({
      ...{ state: 'done', result: { status: 200, requestId: 'req-2' } },
      progress: [
        { id: 'snap', title: 'server.snapshot', state: 'done', status: 202 },
        { id: 'share', title: 'image.share', state: 'done', requestId: 'req-2' },
      ],
    })
    expect(view).not.toHaveProperty('reason')
  })

  it('ends at the first step that fails', async () => {
    const { view, performed } = await done({ performCall: refused }, steps(halt, snap))
    expect(performed).toEqual(['server.stop'])
    expect(view).toMatchObject({ state: 'failed', reason: { code: 'CLOUD_REFUSED' }, progress: [{ state: 'failed' }] })
  })

  it('goes on after a step that may fail, and says so', async () => {
    const { view, performed } = await done(
      { performCall: [refused, accepted()] },
      steps({ ...halt, onFailure: 'continue' }, snap),
    )
    expect(performed).toEqual(['server.stop', 'server.snapshot'])
    expect(view).toMatchObject({
      ...{ state: 'done', result: { note: 'done in part, as it may be: halt: CLOUD_REFUSED: no quota' } },
      progress: [{ state: 'failed' }, { state: 'done' }],
    })
  })

  it('takes back what it did, the last of it first, when a step asks for that', async () => {
    const before = { server: { status: 'ACTIVE' } }
    const { view, performed } = await done(
      { performCall: [accepted({ before }), accepted({ body: { image_id: imageId } }), refused, accepted()] },
      steps(halt, snap, { ...share, onFailure: 'undo' }),
    )
    expect(performed).toEqual(['server.stop', 'server.snapshot', 'image.share', 'image.delete', 'server.start'])
    expect(view).toMatchObject({
      state: 'failed',
      reason: { code: 'CLOUD_REFUSED', detail: 'step share: no quota; taken back: snap, halt' },
    })
    expect(view.progress?.map(({ id, state }) => `${id} ${state}`)).toEqual([
      ...['halt done', 'snap done', 'share failed', 'undo snap done', 'undo halt done'],
    ])
  })

  it('says what it could not take back', async () => {
    const before = { server: { status: 'ACTIVE' } }
    const { view } = await done(
      { performCall: [accepted({ before }), refused, failure('CLOUD_REFUSED', 'it is locked')] },
      steps(halt, { ...snap, onFailure: 'undo' }),
    )
    expect(view.reason?.detail).toBe('step snap: no quota; not taken back: halt (CLOUD_REFUSED: it is locked)')
  })

  it('tries a step again that was refused, as often as the step says', async () => {
    const { view, performed } = await done(
      { performCall: [refused, refused, accepted()] },
      steps({ ...halt, retries: 2 }, snap),
    )
    expect(view.state).toBe('done')
    expect(performed).toEqual(['server.stop', 'server.stop', 'server.stop', 'server.snapshot'])
  })

  it('never tries a step again whose outcome nobody knows', async () => {
    const { view, performed } = await done(
      { performCall: failure('OUTCOME_UNKNOWN', 'no answer'), reconcileCall: { verdict: 'unknown' } },
      steps({ ...halt, retries: 5 }, snap),
    )
    expect(performed).toEqual(['server.stop'])
    expect(view).toMatchObject({ state: 'outcome-unknown', progress: [{ id: 'halt', state: 'unknown' }] })
  })

  it('ends when an earlier step did not leave what a later one needs', async () => {
    const { view } = await done({ performCall: accepted({ body: {} }) }, steps(snap, share))
    expect(view).toMatchObject({ state: 'failed', reason: { code: 'RESULT_MISSING' } })
  })
})
