import { readFile } from 'node:fs/promises'
import { failure, messageOf } from '../core/errors.ts'

/** Reads a file somebody named. @throws INPUT_INVALID: it cannot be read, or is not JSON */
export async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw failure('INPUT_INVALID', `${file} cannot be read: ${messageOf(error)}`)
  })
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw failure('INPUT_INVALID', `${file} is not JSON: ${error.message}`)
  }
}
