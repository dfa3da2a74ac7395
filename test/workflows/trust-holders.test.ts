import { randomUUID } from 'node:crypto'
import type { Client } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import { attributes } from '../../core/search-attributes.ts'
import { delegationIdOf } from '../../temporal/delegation-id.ts'
import { createTrustHolders } from '../../temporal/trust-holders.ts'
import { until, useWorker } from './engine.ts'

const bench = useWorker()

/** A workflow that waits with a trust: nobody serves its queue. */
async function waiting(workflowId: string, trustId: string) {
  const handle = await bench.client.workflow.start('anything', {
    workflowId,
    taskQueue: `nobody-${randomUUID()}`,
    typedSearchAttributes: [{ key: attributes.delegation, value: delegationIdOf(trustId) }],
  })
  return bench.client.workflow.getHandle(handle.workflowId)
}

const find = async (trustId: string, client: Client = bench.client) => {
  const id = delegationIdOf(trustId)
  return (await createTrustHolders(client).find([id])).get(id)
}
const hasEnded = async (trustId: string) => (await find(trustId))?.endedAt !== undefined

/** A list that has not heard of anything that runs. */
function behind(client: Client): Client {
  const list: Client['workflow']['list'] = (options = {}) =>
    client.workflow.list({ ...options, query: `(${options.query}) AND ExecutionStatus != 'Running'` })
  const workflow = Object.create(client.workflow, { list: { value: list } })
  return Object.create(client, { workflow: { value: workflow } })
}

describe.concurrent('what acts with a trust', () => {
  it.each([
    ['an action', 'action', ''],
    ['a recurring action', 'recurring-action', ''],
    ['an occurrence of a recurring action', 'action', '/2026-11-21T00:00:00.000Z'],
  ])('is %s that waits', async (_what, kind, occurrence) => {
    const [trust, id] = [randomUUID(), randomUUID()]
    const handle = await waiting(`${kind}/${id}${occurrence}`, trust)
    await until(() => find(trust), { kind: occurrence ? 'recurring-action' : kind, for: id } as never)
    await handle.terminate()
  })

  it('is remediation', async () => {
    const trust = randomUUID()
    const handle = await waiting(`delegation/${trust}`, trust)
    await until(() => find(trust), { kind: 'remediation', for: `delegation/${trust}` })
    await handle.terminate()
  })

  it('is nothing that is known here', async () => {
    expect(await find(randomUUID())).toBeUndefined()
  })

  it('has ended when a person terminated it, at that moment', async () => {
    const trust = randomUUID()
    const handle = await waiting(`action/${trust}`, trust)
    await handle.terminate()
    await until(() => hasEnded(trust), true)
    const { closeTime } = await handle.describe()
    expect(await find(trust)).toEqual({ kind: 'action', for: trust, endedAt: closeTime?.toISOString() })
  })

  it('has not ended while an occurrence of it runs', async () => {
    const [trust, id] = [randomUUID(), randomUUID()]
    const main = await waiting(`recurring-action/${id}`, trust)
    const occurrence = await waiting(`action/${id}/2026-11-21T00:00:00.000Z`, trust)
    await main.terminate()
    await until(() => find(trust), { kind: 'recurring-action', for: id })
    await occurrence.terminate()
    await until(() => hasEnded(trust), true)
  })

  it('has not ended because a list that is behind does not know that it runs', async () => {
    const [trust, id] = [randomUUID(), randomUUID()]
    const main = await waiting(`recurring-action/${id}`, trust)
    const occurrence = await waiting(`action/${id}/2026-11-21T00:00:00.000Z`, trust)
    await occurrence.terminate()
    const blind = behind(bench.client)
    await until(() => find(trust, blind), { kind: 'recurring-action', for: id })
    await main.terminate()
    await until(() => hasEnded(trust), true)
  })

  it('has ended although the same goes on with another trust', async () => {
    const [trust, next, id] = [randomUUID(), randomUUID(), randomUUID()]
    const first = await waiting(`delegation/${id}`, trust)
    await first.terminate()
    const second = await waiting(`delegation/${id}`, next)
    await until(() => hasEnded(trust), true)
    await until(() => hasEnded(next), false)
    await second.terminate()
  })

  it('is found for more trusts than fit into one question', async () => {
    const trusts = Array.from({ length: 60 }, () => randomUUID())
    const [first = '', last = ''] = [trusts[0], trusts.at(-1)]
    const handles = await Promise.all([first, last].map((trust) => waiting(`action/${trust}`, trust)))
    const found = async () => (await createTrustHolders(bench.client).find(trusts.map(delegationIdOf))).size
    await until(found, 2)
    await Promise.all(handles.map((handle) => handle.terminate()))
  })
})
