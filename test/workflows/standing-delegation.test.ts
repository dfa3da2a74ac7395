import { describe, expect, it } from 'vitest'
import type { DelegationView } from '../../core/delegation.ts'
import { failure } from '../../core/errors.ts'
import { replaceDelegation, revokeDelegation, standingDelegation } from '../../workflows/standing-delegation.ts'
import { listedState, until, untilState, useWorker, viewOf } from './engine.ts'
import { person } from './people.ts'
import { type Cloud, gate, type Script } from './scripted.ts'

const bench = useWorker()
const hour = 3_600_000

const delegation = (cloud: Cloud, trust: string, livesMs = hour): DelegationView => ({
  state: 'active',
  trustId: cloud.trust(trust),
  trustorUserId: 'user-1',
  trustorName: 'ana',
  projectId: 'project-1',
  roles: ['admin'],
  createdAt: new Date().toISOString(),
  expiresAt: new Date(Date.now() + livesMs).toISOString(),
})

async function delegated(script: Script = {}, livesMs = hour, checkEveryMs = hour, warnBeforeMs: number[] = []) {
  const cloud = bench.cloud({ deleteTrust: undefined, ...script })
  const handle = await bench.client.workflow.start(standingDelegation, {
    workflowId: `delegation-${cloud.host}`,
    taskQueue: bench.taskQueue,
    args: [delegation(cloud, 'first', livesMs), { checkEveryMs, warnBeforeMs }],
  })
  await until(async () => (await viewOf<DelegationView | undefined>(handle)) !== undefined, true)
  return { cloud, handle }
}

describe.concurrent('a standing delegation', () => {
  it('can be read and listed without asking a worker', async () => {
    const { cloud, handle } = await delegated()
    expect(await viewOf(handle)).toMatchObject({ state: 'active', trustId: cloud.trust('first') })
    expect(await listedState(handle)).toBe('active')
    await handle.terminate()
  })

  it('that is replaced has its former trust deleted, and only that one', async () => {
    const { cloud, handle } = await delegated()
    const second = delegation(cloud, 'second')
    expect(await handle.executeUpdate(replaceDelegation, { args: [second] })).toEqual(second)
    expect(await viewOf(handle)).toEqual(second)
    expect(cloud.calls).toEqual([{ name: 'deleteTrust', input: { trustId: cloud.trust('first') } }])
    expect((await handle.describe()).status.name).toBe('RUNNING')
    await handle.terminate()
  })

  it('that is replaced by itself, as by a repeated request, keeps its trust', async () => {
    const { cloud, handle } = await delegated()
    const again = { ...delegation(cloud, 'first'), trustorName: 'somebody else' }
    await handle.executeUpdate(replaceDelegation, { args: [again] })
    expect(cloud.names()).toEqual([])
    expect(await viewOf(handle)).toMatchObject({ state: 'active', trustId: cloud.trust('first') })
    await handle.terminate()
  })

  it('that is revoked has its trust deleted, and ends', async () => {
    const { cloud, handle } = await delegated()
    expect(await handle.executeUpdate(revokeDelegation, { args: [{ by: person('olga') }] })).toMatchObject({
      state: 'revoked',
    })
    expect(await handle.result()).toMatchObject({ state: 'revoked' })
    expect(cloud.calls).toEqual([{ name: 'deleteTrust', input: { trustId: cloud.trust('first') } }])
    expect(await viewOf(handle)).toMatchObject({ state: 'revoked' })
    expect(await listedState(handle)).toBe('revoked')
  })

  it('that is revoked before any worker has seen it has its trust deleted all the same', async ({ onTestFinished }) => {
    const cloud = bench.cloud({ deleteTrust: undefined })
    const taskQueue = `late-${cloud.host}`
    const handle = await bench.client.workflow.start(standingDelegation, {
      workflowId: `delegation-${cloud.host}`,
      taskQueue,
      args: [delegation(cloud, 'first')],
    })
    const revoked = handle.executeUpdate(revokeDelegation, { args: [{ by: person('olga') }] })
    onTestFinished(await bench.startWorker(taskQueue))
    expect(await revoked).toMatchObject({ state: 'revoked' })
    expect(await handle.result()).toMatchObject({ state: 'revoked' })
    expect(cloud.names()).toEqual(['deleteTrust'])
  })

  it('that a person cancels in Temporal is taken for revoked', async () => {
    const { cloud, handle } = await delegated()
    await handle.cancel()
    expect(await handle.result()).toMatchObject({ state: 'revoked', reason: 'cancelled by a person in Temporal' })
    expect(cloud.inputs('deleteTrust')).toEqual([{ trustId: cloud.trust('first') }])
    expect(await viewOf(handle)).toMatchObject({ state: 'revoked' })
  })

  it('cannot be used any more from the moment it is revoked, although Keystone is away', async () => {
    const deleted = gate()
    const { handle } = await delegated({ deleteTrust: [failure('KEYSTONE_UNREACHABLE', 'away'), () => deleted.opened] })
    const revoked = handle.executeUpdate(revokeDelegation, { args: [{ by: person('olga') }] })
    await untilState(handle, 'revoked')
    deleted.open()
    expect(await revoked).toMatchObject({ state: 'revoked' })
  })

  it('that is put while another one is still being revoked lives on, and can be revoked itself', async () => {
    const deleted = gate()
    const { cloud, handle } = await delegated({ deleteTrust: [() => deleted.opened, undefined] })
    const revoked = handle.executeUpdate(revokeDelegation, { args: [{ by: person('olga') }] })
    await untilState(handle, 'revoked')
    const second = delegation(cloud, 'second')
    const replaced = handle.executeUpdate(replaceDelegation, { args: [second] })
    await untilState(handle, 'active')
    deleted.open()
    expect(await revoked).toMatchObject({ state: 'revoked', trustId: cloud.trust('first') })
    await replaced
    expect(await handle.executeUpdate(revokeDelegation, { args: [{ by: person('olga') }] })).toMatchObject({
      state: 'revoked',
      trustId: second.trustId,
    })
    expect(cloud.inputs('deleteTrust').at(-1)).toEqual({ trustId: second.trustId })
    expect(await handle.result()).toMatchObject({ state: 'revoked' })
  })

  it('expires with its trust, without deleting what is gone', async () => {
    const { cloud, handle } = await delegated({}, 1500)
    expect(await handle.result()).toMatchObject({ state: 'expired', warning: expect.stringContaining('does nothing') })
    expect(cloud.names()).toEqual([])
    expect(await listedState(handle)).toBe('expired')
  })

  it('does not expire at the hour of the trust it was replaced for', async () => {
    const { cloud, handle } = await delegated({}, 2500)
    await handle.executeUpdate(replaceDelegation, { args: [delegation(cloud, 'second', 4000)] })
    const view = await handle.result()
    expect(view).toMatchObject({ state: 'expired', trustId: cloud.trust('second') })
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(view.expiresAt))
  })

  it('ends as lost, with the reason, when Keystone says that its trust is no more', async () => {
    const lost = failure('DELEGATION_LOST', 'a delegated role was taken from ana')
    const { cloud, handle } = await delegated({ checkTrust: [undefined, lost] }, hour, 300)
    expect(await handle.result()).toMatchObject({
      ...{ state: 'lost', reason: 'a delegated role was taken from ana' },
      warning: expect.stringContaining('an operator runs `steward delegate`'),
    })
    expect(cloud.names()).toEqual(['checkTrust', 'checkTrust'])
    expect(await viewOf(handle)).toMatchObject({ state: 'lost' })
    expect(await listedState(handle)).toBe('lost')
  })

  it('is not lost because Keystone is away, or Steward cannot log in', async () => {
    const { cloud, handle } = await delegated(
      { checkTrust: [failure('KEYSTONE_UNREACHABLE', 'away'), failure('INTERNAL', 'odd'), undefined] },
      hour,
      300,
    )
    await until(() => cloud.names().length >= 3, true)
    expect(await viewOf(handle)).toMatchObject({ state: 'active' })
    await handle.terminate()
  })

  it('is not lost because the trust that it was replaced for is', async () => {
    const lost = gate<never>()
    const { cloud, handle } = await delegated({ checkTrust: [() => lost.opened, undefined] }, hour, 300)
    await until(() => cloud.names(), ['checkTrust'])
    await handle.executeUpdate(replaceDelegation, { args: [delegation(cloud, 'second')] })
    lost.open(Promise.reject(failure('DELEGATION_LOST', 'the first trust is gone')) as never)
    await until(() => cloud.inputs('checkTrust').at(-1)?.trustId, cloud.trust('second'))
    expect(await viewOf(handle)).toMatchObject({ state: 'active', trustId: cloud.trust('second') })
    await handle.terminate()
  })

  it('warns again and again before it ends, in a state by which lists still find it', async () => {
    const { cloud, handle } = await delegated({ checkTrust: undefined }, 20_000, hour, [86_400_000, 12_000, 9_000])
    const warned = () => viewOf<DelegationView>(handle).then(({ warning }) => warning?.split(', ', 1)[0])
    await until(warned, 'it ends within 1 day')
    await until(warned, 'it ends within 12 seconds')
    expect(await listedState(handle)).toBe('active')
    await until(warned, 'it ends within 9 seconds')
    const { warning, expiresAt } = await viewOf<DelegationView>(handle)
    expect(warning).toBe(`it ends within 9 seconds, at ${expiresAt}: an operator runs \`steward delegate\``)
    expect(cloud.names()).toEqual(['checkTrust', 'checkTrust'])
    await handle.terminate()
  })

  it('warns no more once it is renewed or taken back', async () => {
    const { cloud, handle } = await delegated({}, hour, hour, [2 * hour])
    await until(async () => (await viewOf<DelegationView>(handle)).warning !== undefined, true)
    await handle.executeUpdate(replaceDelegation, { args: [delegation(cloud, 'second', 3 * hour)] })
    expect(await viewOf(handle)).not.toHaveProperty('warning')
    await handle.executeUpdate(replaceDelegation, { args: [delegation(cloud, 'third')] })
    await until(async () => (await viewOf<DelegationView>(handle)).warning !== undefined, true)
    const revoked = await handle.executeUpdate(revokeDelegation, { args: [{ by: person('olga') }] })
    expect(revoked).not.toHaveProperty('warning')
  })
})
