import { readFile } from 'node:fs/promises'
import { type AccessPolicy, accessFileOf, accessPolicy } from '../core/access.ts'
import type { Config } from '../core/config.ts'
import { failure } from '../core/errors.ts'
import { parseYaml } from './yaml-file.ts'

/**
 * Who may do what: what is built in, and what `accessFile` changes of it.
 *
 * @throws CONFIG_INVALID naming file, line and field
 */
export async function readAccess({ accessFile, operatorRole }: Pick<Config, 'accessFile' | 'operatorRole'>) {
  if (accessFile === undefined) return accessPolicy(operatorRole)
  const text = await readFile(accessFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw failure('CONFIG_INVALID', `accessFile ${accessFile} cannot be read: ${error.code}`)
  })
  return parseAccess(text, accessFile, operatorRole)
}

/** @throws CONFIG_INVALID */
export const parseAccess = (text: string, path: string, operatorRole: string): AccessPolicy =>
  accessPolicy(operatorRole, parseYaml(accessFileOf(operatorRole), text, path))
