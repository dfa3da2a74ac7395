import { randomUUID } from 'node:crypto'
import type { Client, Connection } from '@temporalio/client'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { attributes } from '../../core/search-attributes.ts'
import { connectClient } from '../../temporal/connection.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { prepareNamespace } from '../../temporal/namespace.ts'
import { sharedEngine, until } from './engine.ts'

const daySeconds = 86_400
const namespace = `audit-${randomUUID().slice(0, 8)}`
let client: Client

beforeAll(async () => {
  const keys = await loadKeys(inject('engine').keysFile)
  const connected = await connectClient({ ...sharedEngine(), namespace }, keys)
  client = connected.client
  const { workflowService } = client.connection as Connection
  await workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: (3 * daySeconds) as never },
  })
  await until(
    () =>
      listed().then(
        () => true,
        () => false,
      ),
    true,
  )
  return connected.close
})

const listed = async () => {
  const { operatorService } = client.connection as Connection
  return Object.keys((await operatorService.listSearchAttributes({ namespace })).customAttributes)
}
const keptDays = async () => {
  const { workflowService } = client.connection as Connection
  const { config } = await workflowService.describeNamespace({ namespace })
  return Number(config?.workflowExecutionRetentionTtl?.seconds) / daySeconds
}
const wanted = Object.values(attributes).map(({ name }) => name)

describe('a namespace that Steward prepares', () => {
  it('has all its search attributes, also when API and worker prepare it at once', async () => {
    expect(await listed()).not.toEqual(expect.arrayContaining(wanted))
    await Promise.all([prepareNamespace(client, 3), prepareNamespace(client, 3), prepareNamespace(client, 3)])
    expect(await listed()).toEqual(expect.arrayContaining(wanted))
  })

  it('keeps closed runs for as many days as wanted', async () => {
    expect(await prepareNamespace(client, 90)).toEqual({ retentionDays: 90 })
    expect(await keptDays()).toBe(90)
  })

  it('is never told to keep them for less, and can be prepared again and again', async () => {
    expect(await prepareNamespace(client, 30)).toEqual({ retentionDays: 90 })
    expect(await prepareNamespace(client, 90)).toEqual({ retentionDays: 90 })
    expect(await keptDays()).toBe(90)
    expect(await listed()).toEqual(expect.arrayContaining(wanted))
  })
})
