import { readFile } from 'node:fs/promises'
import { failure } from '../core/errors.ts'

/** Reads a secret; `what` says whose and which it is: `source nagios: its tokenFile`. @throws CONFIG_INVALID */
export async function readSecretFile(what: string, file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw failure('CONFIG_INVALID', `${what} ${file} cannot be read: ${code}`)
  }
}
