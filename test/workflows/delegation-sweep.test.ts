import { describe, expect, it } from 'vitest'
import type { SweepView } from '../../core/delegation.ts'
import { codeOf, failure } from '../../core/errors.ts'
import { delegationSweep, revokeTrust, sweepNow } from '../../workflows/delegation-sweep.ts'
import { until, untilState, useWorker, viewOf } from './engine.ts'
import { person } from './people.ts'
import type { Cloud, Script } from './scripted.ts'

const bench = useWorker()
const hour = 3_600_000

const orphan = (cloud: Cloud, name: string) => ({ id: `id-of-${name}`, trustId: cloud.trust(name) })
const none = { orphans: [], used: 0, unknown: 0 }

async function sweeping(script: (cloud: () => Cloud) => Script, options = { everyMs: hour }) {
  const cloud: Cloud = bench.cloud({ deleteTrust: undefined, ...script(() => cloud) })
  const handle = await bench.client.workflow.start(delegationSweep, {
    workflowId: `sweep-${cloud.host}`,
    taskQueue: bench.taskQueue,
    args: [options],
  })
  const newest = bench.client.workflow.getHandle<typeof delegationSweep>(handle.workflowId)
  const seen = () => viewOf<SweepView | undefined>(newest)
  return { cloud, handle: newest, seen, first: handle.firstExecutionRunId }
}

describe.concurrent('the look for orphaned trusts', () => {
  it('deletes each through itself, and says what it found', async () => {
    const { cloud, handle, seen } = await sweeping((cloud) => ({
      findOrphans: () => ({ orphans: [orphan(cloud(), 'a'), orphan(cloud(), 'b')], used: 5, unknown: 2 }),
    }))
    await untilState(handle, 'swept')
    const deleted = cloud.inputs('deleteTrust').map(({ trustId }) => trustId)
    expect(deleted).toHaveLength(2)
    expect(new Set(deleted)).toEqual(new Set([cloud.trust('a'), cloud.trust('b')]))
    expect(await seen()).toMatchObject({ deleted: 2, left: 0, used: 5, unknown: 2 })
    const { currentDetails } = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')
    expect(currentDetails).toBe('2 orphaned trusts deleted, 5 in use, 2 unknown here')
    await handle.terminate()
  })

  it('goes on when one of them cannot be deleted, and says why', async () => {
    const { handle, seen } = await sweeping((cloud) => ({
      findOrphans: () => ({ ...none, orphans: [orphan(cloud(), 'a'), orphan(cloud(), 'b')] }),
      deleteTrust: [failure('DELEGATION_LOST', 'it only sleeps'), undefined],
    }))
    await untilState(handle, 'swept')
    expect(await seen()).toMatchObject({ deleted: 1, left: 1, reason: 'DELEGATION_LOST: it only sleeps' })
    await handle.terminate()
  })

  it('that could not be taken deletes nothing, and is taken again', async () => {
    const { cloud, handle, seen } = await sweeping(
      () => ({ findOrphans: [failure('CLOUD_REFUSED', 'the policy forbids it'), none] }),
      { everyMs: 1_500 },
    )
    await untilState(handle, 'failed')
    expect(await seen()).toMatchObject({ reason: 'CLOUD_REFUSED: the policy forbids it' })
    await untilState(handle, 'swept')
    expect(cloud.inputs('deleteTrust')).toEqual([])
    await handle.terminate()
  })

  it('is taken at once when a worker starts', async () => {
    const { cloud, handle } = await sweeping(() => ({ findOrphans: none }))
    await untilState(handle, 'swept')
    await handle.signal(sweepNow)
    await until(() => cloud.inputs('findOrphans').length, 2)
    await handle.terminate()
  })

  it('begins a new history now and then, and what it found last can still be read', async () => {
    const options = { everyMs: 300, looks: 2 }
    const { cloud, handle, first, seen } = await sweeping(() => ({ findOrphans: { ...none, unknown: 7 } }), options)
    await until(() => cloud.inputs('findOrphans').length > 2, true)
    const begun = await bench.client.workflow.getHandle(handle.workflowId, first).describe()
    expect(begun.status.name).toBe('CONTINUED_AS_NEW')
    expect(await seen()).toMatchObject({ unknown: 7 })
    await handle.terminate()
  })

  it('deletes one that nothing acts with for a person, or says why not', async () => {
    const lost = failure('DELEGATION_LOST', 'it only sleeps')
    const { cloud, handle } = await sweeping(() => ({ findOrphans: none, deleteTrust: [undefined, lost] }))
    const revoke = (name: string) =>
      handle.executeUpdate(revokeTrust, { args: [{ ...orphan(cloud, name), by: person('olga') }] })
    await revoke('a')
    expect(cloud.inputs('deleteTrust')).toEqual([{ trustId: cloud.trust('a') }])
    expect(codeOf(await revoke('b').catch((error: unknown) => error))).toBe('DELEGATION_LOST')
    expect((await handle.describe()).status.name).toBe('RUNNING')
    await handle.terminate()
  })
})
