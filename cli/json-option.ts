import { readFile } from 'node:fs/promises'

/** The value of an option that takes JSON, or @FILE with it. */
export async function readJsonOption(text: string, option: string): Promise<unknown> {
  const json = text.startsWith('@') ? await readFile(text.slice(1), 'utf8') : text
  try {
    return JSON.parse(json)
  } catch {
    throw new Error(`${option} is not JSON`)
  }
}
