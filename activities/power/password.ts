import { readFile } from 'node:fs/promises'
import { failure } from '../../core/errors.ts'

/** Reads it for one call, so that a new one counts at once. @throws POWER_NOT_CONFIGURED naming the file */
export async function readPassword(host: string, file: string): Promise<string> {
  let password: string
  try {
    password = (await readFile(file, 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw failure('POWER_NOT_CONFIGURED', `the passwordFile of ${host} cannot be read: ${file}: ${code}`, { host })
  }
  if (password !== '') return password
  throw failure('POWER_NOT_CONFIGURED', `the passwordFile of ${host} is empty: ${file}`, { host })
}
