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
  wish: PageWish,
  read: (memo: Readonly<Record<string, unknown>>) => T | undefined,
): Promise<Page<T>> {
  return pageOfExecutions(client, query, wish, ({ memo }) => read(memo ?? {}))
}

/** The same, read from all that is known of them. */
export async function pageOfExecutions<T>(
  client: Client,
  query: string,
  { limit, page }: PageWish,
  read: (execution: WorkflowExecutionInfo) => T | undefined,
): Promise<Page<T>> {
  const { executions, nextPageToken } = await ask()
  const items: T[] = []
  for (const execution of executions ?? []) {
    const item = read(
      await executionInfoFromRaw(execution, client.options.loadedDataConverter, execution, client.options.namespace),
    )
    if (item !== undefined) items.push(item)
  }
  const isLast = !nextPageToken || nextPageToken.length === 0
  return { items, ...(!isLast && { nextPage: Buffer.from(nextPageToken).toString('base64url') }) }

  async function ask() {
    const { namespace } = client.options
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
