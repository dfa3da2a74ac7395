import { type Client, isGrpcServiceError, type WorkflowExecutionInfo } from '@temporalio/client'
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js'
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
  const isLast = !nextPageToken || nextPageToken.length === 0
  return { items, ...(!isLast && { nextPage: Buffer.from(nextPageToken).toString('base64url') }) }

  async function ask() {
    const token = page === undefined ? undefined : Buffer.from(page, 'base64url')
    try {
      return await client.workflowService.listWorkflowExecutions({
        ...{ namespace, query, pageSize: limit },
        ...(token && { nextPageToken: token }),
      })
    } catch (error) {
      if (token && isGrpcServiceError(error) && noSuchPage.has(error.code))
        throw failure('INPUT_INVALID', 'page: this is no page of the list; leave it out to begin')
      throw error
    }
  }
}
