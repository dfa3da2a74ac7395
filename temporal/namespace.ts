import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, Connection } from '@temporalio/client'
import { isGrpcServiceError } from '@temporalio/client'
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js'
import { failure } from '../core/errors.ts'
import { attributes } from '../core/search-attributes.ts'

const registeredWithinMs = 30_000

/**
 * Registers the search attributes and sees to it that closed runs are kept long enough for an audit.
 * Repeatable; changes nothing that is right already. A longer retention than asked for is left alone.
 *
 * @throws CONFIG_INVALID when the search attributes cannot be registered
 */
export async function prepareNamespace(client: Client, retentionDays: number): Promise<{ retentionDays: number }> {
  await registerAttributes(client)
  const { workflowService } = client.connection as Connection
  const { namespace } = client.options
  const { config } = await workflowService.describeNamespace({ namespace })
  const keptSeconds = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0)
  const wantedSeconds = retentionDays * 86_400
  if (keptSeconds >= wantedSeconds) return { retentionDays: keptSeconds / 86_400 }
  await workflowService.updateNamespace({
    namespace,
    // nothing but what changes: the config as it was read would register its attributes a second time
    config: { workflowExecutionRetentionTtl: { seconds: wantedSeconds as never } },
  })
  return { retentionDays }
}

async function registerAttributes(client: Client): Promise<void> {
  const { operatorService } = client.connection as Connection
  const { namespace } = client.options
  let refusal = ''
  for (const deadline = Date.now() + registeredWithinMs; Date.now() < deadline; await sleep(250)) {
    const { customAttributes } = await operatorService.listSearchAttributes({ namespace })
    const missing = Object.values(attributes).filter(({ name }) => !(name in customAttributes))
    if (missing.length === 0) return
    const wanted = missing.map(({ name, type }) => [name, encodeSearchAttributeIndexedValueType(type) ?? 0])
    try {
      await operatorService.addSearchAttributes({ namespace, searchAttributes: Object.fromEntries(wanted) })
    } catch (error) {
      // another process may be registering them at the same moment; the list will show it
      if (!isGrpcServiceError(error)) throw error
      refusal = error.details
    }
  }
  throw failure('CONFIG_INVALID', `Temporal does not take the search attributes: ${refusal || 'no reason given'}`)
}
