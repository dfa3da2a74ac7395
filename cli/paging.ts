import type { Command } from 'commander'
import { printNotes } from './print.ts'

export interface PageOptions {
  limit: string
  page?: string
}

export const pageQuery = ({ limit, page }: PageOptions): string =>
  `limit=${encodeURIComponent(limit)}${page === undefined ? '' : `&page=${encodeURIComponent(page)}`}`

/** Says how to see what comes after the rows that were printed; nothing when they are all. */
export function printMore(command: Command, nextPage: string | undefined): void {
  if (nextPage !== undefined) printNotes(command, [`there are more: --page ${nextPage}`])
}
