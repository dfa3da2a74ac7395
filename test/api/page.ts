import type { Page, PageWish } from '../../temporal/page.ts'

/** One page of a list that is all there; the number of its first item is its name. */
export function pageIn<T>(all: readonly T[], { limit, page = '0' }: PageWish): Page<T> {
  const end = Number(page) + limit
  return { items: all.slice(Number(page), end), ...(end < all.length && { nextPage: `${end}` }) }
}
