import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client'
import type { TrustHolder } from '../core/delegation.ts'
import { attributes } from '../core/search-attributes.ts'
import { quoted } from './incident-list.ts'
import { throughEngine } from './reach.ts'

/** What acts with which trust. */
export interface TrustHolders {
  /** By delegation id; of those that nothing here knows there is none. @throws ENGINE_UNREACHABLE */
  find(ids: readonly string[]): Promise<Map<string, TrustHolder>>
}

/** Ids in one question. */
const together = 50
/** Questions asked at the same time. */
const atOnce = 8
const timeoutMs = 40_000

export function createTrustHolders(client: Client): TrustHolders {
  async function running(ids: readonly string[]): Promise<Map<string, TrustHolder>> {
    const query = `StewardDelegation IN (${ids.map(quoted).join(', ')}) AND ExecutionStatus = 'Running'`
    const found = new Map<string, TrustHolder>()
    for await (const info of client.workflow.list({ query, pageSize: 1000 })) {
      const id = info.typedSearchAttributes.get(attributes.delegation)
      if (id !== undefined) found.set(id, holderOf(info.workflowId))
    }
    return found
  }

  /**
   * Of a trust that nothing runs with by the list, which may be behind: the workflows themselves have the last word, that
   * of the recurring action of an occurrence, too.
   */
  async function ended(id: string): Promise<TrustHolder | undefined> {
    const [last] = await firstOf(client.workflow.list({ query: `StewardDelegation = ${quoted(id)}`, pageSize: 1 }))
    if (!last) return undefined
    const holder = holderOf(last.workflowId)
    const mains = holder.kind === 'recurring-action' ? [`recurring-action/${holder.for}`] : []
    let endedMs = last.closeTime?.getTime() ?? Number.POSITIVE_INFINITY
    for (const workflowId of new Set([last.workflowId, ...mains])) {
      const now = await describe(workflowId)
      // it may go on with another trust
      if (now?.typedSearchAttributes.get(attributes.delegation) !== id) continue
      endedMs = Math.max(endedMs, now.closeTime?.getTime() ?? Number.POSITIVE_INFINITY)
    }
    return Number.isFinite(endedMs) ? { ...holder, endedAt: new Date(endedMs).toISOString() } : holder
  }

  async function describe(workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
    try {
      return await client.workflow.getHandle(workflowId).describe()
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined
      throw error
    }
  }

  return {
    find: (ids) =>
      throughEngine(
        client,
        async () => {
          const found = new Map<string, TrustHolder>()
          for (const some of inParts(ids, together))
            for (const [id, holder] of await running(some)) found.set(id, holder)
          const rest = ids.filter((id) => !found.has(id))
          for (const some of inParts(rest, atOnce))
            await Promise.all(
              some.map(async (id) => {
                const holder = await ended(id)
                if (holder) found.set(id, holder)
              }),
            )
          return found
        },
        timeoutMs,
      ),
  }
}

/** An occurrence acts for its recurring action. */
function holderOf(workflowId: string): TrustHolder {
  const [kind, id = '', occurrence] = workflowId.split('/', 3)
  if (kind === 'recurring-action' || occurrence !== undefined) return { kind: 'recurring-action', for: id }
  if (kind === 'action') return { kind, for: id }
  return { kind: 'remediation', for: workflowId }
}

async function firstOf<T>(all: AsyncIterable<T>): Promise<T[]> {
  for await (const one of all) return [one]
  return []
}

function* inParts<T>(all: readonly T[], size: number): Generator<readonly T[], void> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size)
}
