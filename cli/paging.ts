import type { Command } from 'commander'
import type { GlobalOptions } from './api-client.ts'
import { printNotes } from './print.ts'

export interface PageOptions {
  limit: string
  page?: string
}

export const pageQuery = ({ limit, page }: PageOptions): string =>
  `limit=${encodeURIComponent(limit)}${page === undefined ? '' : `&page=${encodeURIComponent(page)}`}`

/** Says how to see what comes after the rows that were printed, beside JSON on standard error; nothing when they are all. */
export function printMore(command: Command, nextPage: string | undefined): void {
  if (nextPage === undefined) return
  const note = `there are more: --page ${nextPage}`
  if (command.optsWithGlobals<GlobalOptions>().json === true) command.configureOutput().writeErr?.(`note: ${note}\n`)
  else printNotes(command, [note])
}
