import type { Command } from 'commander'
import { readJsonOption } from './json-option.ts'

/** The words in which the command line says what is to be called. */
export interface CallOptions {
  body?: string
  microversion?: string
}

export const withCall = (command: Command): Command =>
  command.option('--body <json>', 'JSON body, or @FILE').option('--microversion <version>', 'such as 2.96')

export async function callOf(service: string, method: string, path: string, { body, microversion }: CallOptions) {
  return {
    service,
    method: method.toUpperCase(),
    path,
    ...(body && { body: await readJsonOption(body, '--body') }),
    ...(microversion && { microversion }),
  }
}
