import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import { useRunbooks } from './run-bench.ts'
import type { Script } from './scripted.ts'

const { begin } = useRunbooks('scale-stack')
const startedAt = '2026-11-21T00:00:00.000Z'
const stackId = randomUUID()
const input = { stackName: 'shop', stackId, parameter: 'web_count', min: 1, max: 10 }

/** A stack that does what it is told, unless `becomes` says otherwise. */
function heat(stack: { status: string; value: unknown }, becomes: (value: number) => unknown = () => undefined) {
  const set: unknown[] = []
  const script: Script = {
    readCloud: () => ({
      status: 200,
      body: { stack: { stack_status: stack.status, parameters: { web_count: String(stack.value) } } },
    }),
    performCall: (deed) => {
      const { parameters } = (deed as unknown as { input: { parameters: { web_count: number } } }).input
      set.push(parameters.web_count)
      stack.value = parameters.web_count
      stack.status = 'UPDATE_COMPLETE'
      const error = becomes(parameters.web_count)
      if (error instanceof Error) throw error
      return { status: 202, startedAt, goesOn: true }
    },
    awaitEffect: { outcome: 'done', detail: 'seen' },
    reconcileCall: { verdict: 'unknown' },
  }
  return { script, set, stack }
}

describe.concurrent('scale-stack', () => {
  it.each([
    [{ to: 5 }, 5],
    [{ by: 2 }, 5],
    [{ by: -1 }, 2],
  ])('given %j sets the number, and looks whether it is so', async (given, to) => {
    const { script, set } = heat({ status: 'CREATE_COMPLETE', value: 3 })
    const { cloud, handle } = await begin({ ...input, ...given }, script)
    const summary = `web_count of stack shop is ${to}, it was 3`
    expect(await handle.result()).toEqual({ summary, from: 3, to })
    expect(set).toEqual([to])
    expect(cloud.inputs('requestLease')[0]?.request).toMatchObject({
      targets: [`stack/${stackId}`],
      risk: 'destructive',
    })
    expect(cloud.names()).toEqual(['readCloud', 'performCall', 'awaitEffect', 'readCloud'])
  })

  it.each(['UPDATE_IN_PROGRESS', 'UPDATE_FAILED', 'ROLLBACK_FAILED', 'SUSPEND_COMPLETE', 'DELETE_COMPLETE'])(
    'does not touch a stack that is %s',
    async (status) => {
      const { cloud, failed } = await begin({ ...input, to: 5 }, heat({ status, value: 3 }).script)
      expect(await failed()).toBe('TARGET_UNFIT')
      expect(cloud.names()).toEqual(['readCloud'])
    },
  )

  it.each([
    ['a value above the highest', { by: 8 }, 3],
    ['a value below the lowest', { to: 0 }, 3],
    ['a parameter that is no number', { to: 5 }, 'm1.small'],
  ])('refuses %s, before anything is touched', async (_what, given, value) => {
    const { cloud, failed } = await begin({ ...input, ...given }, heat({ status: 'CREATE_COMPLETE', value }).script)
    expect(await failed()).toBe('TARGET_UNFIT')
    expect(cloud.names()).toEqual(['readCloud'])
  })

  it('has nothing to do when it is so already', async () => {
    const { script, set } = heat({ status: 'CREATE_COMPLETE', value: 3 })
    const { handle } = await begin({ ...input, to: 3 }, script)
    expect(await handle.result()).toMatchObject({ summary: 'web_count of stack shop is 3 already' })
    expect(set).toEqual([])
  })

  it('finds by looking that an update whose answer was lost took effect', async () => {
    const { script, set } = heat({ status: 'CREATE_COMPLETE', value: 3 }, () => failure('OUTCOME_UNKNOWN', 'lost'))
    const { handle } = await begin({ ...input, to: 5 }, script)
    expect(await handle.result()).toMatchObject({ to: 5 })
    expect(set).toEqual([5])
  })

  it('sets the number again when an update was lost before it took effect, and gives up in the end', async () => {
    const { script, stack } = heat({ status: 'CREATE_COMPLETE', value: 3 })
    const lost = failure('OUTCOME_UNKNOWN', 'lost')
    const made = script.performCall as never
    const once = await begin({ ...input, to: 5 }, { ...script, performCall: [lost, made] })
    expect(await once.handle.result()).toMatchObject({ to: 5 })
    stack.value = 3
    const never = await begin({ ...input, to: 5 }, { ...script, performCall: lost })
    expect(await never.failed()).toBe('OUTCOME_UNKNOWN')
    expect(never.cloud.inputs('performCall')).toHaveLength(3)
  })

  it('sets nothing again when the update fails and Heat has rolled it back', async () => {
    const { script, set, stack } = heat({ status: 'CREATE_COMPLETE', value: 3 }, () => {
      stack.value = 3
      stack.status = 'ROLLBACK_COMPLETE'
    })
    const { failed } = await begin(
      { ...input, to: 5 },
      { ...script, awaitEffect: { outcome: 'failed', detail: 'quota' } },
    )
    expect(await failed()).toBe('EFFECT_FAILED')
    expect(set).toEqual([5])
  })

  it('sets the former value again when the stack ends with another number than asked for', async () => {
    const { script, set, stack } = heat({ status: 'CREATE_COMPLETE', value: 3 }, (value) => {
      if (value === 5) stack.value = 4
    })
    const { failed, view } = await begin({ ...input, to: 5 }, script)
    expect(await failed()).toBe('EFFECT_FAILED')
    expect(set).toEqual([5, 3])
    expect(await view()).toMatchObject({ summary: 'web_count of stack shop is 4 after the update, not 5' })
  })

  it('says what it could not take back', async () => {
    const { script, stack } = heat({ status: 'CREATE_COMPLETE', value: 3 }, (value) => {
      if (value === 3) return failure('CLOUD_REFUSED', 'quota')
      stack.value = 4
      return undefined
    })
    const { failed, view } = await begin({ ...input, to: 5 }, script)
    expect(await failed()).toBe('EFFECT_FAILED')
    expect((await view()).summary).toContain(
      'not taken back: web_count of stack shop is 3 again (CLOUD_REFUSED: quota)',
    )
  })

  it('says in a dry run what it would set', async () => {
    const { script, set } = heat({ status: 'CREATE_COMPLETE', value: 3 })
    const { handle } = await begin({ ...input, to: 5 }, script, { dryRun: true })
    expect(await handle.result()).toMatchObject({ summary: 'web_count of stack shop would be 5, it is 3' })
    expect(set).toEqual([])
  })

  it('takes to or by, and bounds that make sense', async () => {
    for (const given of [{ to: 1, by: 1 }, {}, { to: 1, min: 5, max: 4 }])
      expect(await (await begin({ ...input, ...given }, {})).failed()).toBe('INPUT_INVALID')
  })
})
