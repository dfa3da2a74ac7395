import { type Client, isGrpcServiceError, type WorkflowExecutionInfo } from '@temporalio/client'
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { failure } from '../core/errors.ts'

export interface PageWish {
  /** Most items of one page. */
  readonly limit: number
  /** `nextPage` of the page before. */
  readonly page?: string | undefined
}

/** Missing `nextPage`: this is the last one. */
export interface Page<T> {
  readonly items: T[]
  readonly nextPage?: string
}

/** A workflow as a list has it. */
export type Listed = Omit<WorkflowExecutionInfo, 'memo'> & {
  readonly memo: Readonly<Record<string, unknown>>
}

/** The engine's words for a page it cannot make sense of: INVALID_ARGUMENT, and UNKNOWN for one it cannot even read. */
const noSuchPage: ReadonlySet<number> = new Set([2, 3])

/**
 * One page of the workflows that a query finds, read from their memos: those that run come first, newest first, then those
 * that have ended, the latest end first. What `read` has no use for is left out, so that a page may have fewer items.
 *
 * @throws INPUT_INVALID when `page` is no page of such a list
 */
export async function pageOf<T>(
  client: Client,
  query: string,
  { limit, page }: PageWish,
  read: (execution: Listed) => T | undefined,
): Promise<Page<T>> {
  const { loadedDataConverter, namespace } = client.options
  const { executions, nextPageToken } = await ask()
  const items: T[] = []
  for (const raw of executions ?? []) {
    const info = await executionInfoFromRaw(raw, loadedDataConverter, raw, namespace)
    const item = read({ ...info, memo: info.memo ?? {} })
    if (item !== undefined) items.push(item)
  }
  return { items, ...nextOf(nextPageToken) }

  function ask() {
    return ofPage(page, (token) =>
      client.workflowService.listWorkflowExecutions({ ...{ namespace, query, pageSize: limit }, ...token }),
    )
  }
}

/**
 * One page of the history of a workflow, as the engine keeps it: what is encrypted stays so. In the JSON that all tools of
 * Temporal write and read.
 *
 * @throws INPUT_INVALID when `page` is no page of this history
 */
export async function historyPage(
  client: Client,
  execution: { readonly workflowId: string; readonly runId: string },
  { limit, page }: PageWish,
): Promise<Page<object>> {
  const { namespace } = client.options
  const { history, nextPageToken } = await ofPage(page, (token) =>
    client.workflowService.getWorkflowExecutionHistory({
      ...{ namespace, execution, maximumPageSize: limit },
      ...token,
    }),
  )
  const { events = [] } = JSON.parse(historyToJSON({ events: history?.events ?? [] })) as { events?: object[] }
  return { items: events, ...nextOf(nextPageToken) }
}

const nextOf = (token: Uint8Array | null | undefined) =>
  token && token.length > 0 ? { nextPage: Buffer.from(token).toString('base64url') } : {}

/** @throws INPUT_INVALID when `page` is no page of what is asked for */
async function ofPage<T>(page: string | undefined, ask: (token: { nextPageToken?: Buffer }) => Promise<T>): Promise<T> {
  try {
    return await ask(page === undefined ? {} : { nextPageToken: Buffer.from(page, 'base64url') })
  } catch (error) {
    if (page !== undefined && isGrpcServiceError(error) && noSuchPage.has(error.code))
      throw failure('INPUT_INVALID', 'page: this is no page of the list; leave it out to begin')
    throw error
  }
}
