import type { Command } from 'commander'
import type { GlobalOptions } from './api-client.ts'

/** Control characters in names must not move the reader's cursor, nor turn the direction of writing. */
export const plain = (text: string) => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ')

/** A table with aligned columns, or JSON when asked for. */
export function printTable(command: Command, data: unknown, head: string[], rows: (string | undefined)[][]): void {
  if (wantsJson(command)) {
    printJson(data)
    return
  }
  const lines = [head, ...rows.map((row) => row.map((cell) => plain(cell ?? '-')))]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  for (const line of lines)
    process.stdout.write(
      `${line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    )
  if (rows.length === 0) process.stdout.write('(none)\n')
}

/** What else there is to know, for people: below a table, and nothing when JSON was asked for. */
export function printNotes(command: Command, notes: readonly string[]): void {
  if (!wantsJson(command)) for (const note of notes) process.stdout.write(`note: ${plain(note)}\n`)
}

/** Names and values under each other, or JSON when asked for. */
export function printFields(command: Command, data: unknown, fields: [string, string | undefined][]): void {
  if (wantsJson(command)) {
    printJson(data)
    return
  }
  const width = Math.max(...fields.map(([name]) => name.length))
  for (const [name, value] of fields)
    if (value !== undefined) process.stdout.write(`${name.padEnd(width)}  ${plain(value)}\n`)
}

/** Groups of names and values with a blank line between them, or JSON when asked for. A name may be empty. */
export function printGroups(command: Command, data: unknown, groups: readonly [string, string][][]): void {
  if (wantsJson(command)) {
    printJson(data)
    return
  }
  const filled = groups.filter((group) => group.length > 0)
  const width = Math.max(...filled.flat().map(([name]) => name.length))
  const text = filled.map((group) => group.map(([name, value]) => `${name.padEnd(width)}  ${plain(value)}\n`).join(''))
  process.stdout.write(text.join('\n'))
}

/** Lines as they are, or JSON when asked for. */
export function printLines(command: Command, data: unknown, lines: readonly string[]): void {
  if (wantsJson(command)) printJson(data)
  else for (const line of lines) process.stdout.write(`${plain(line)}\n`)
}

const wantsJson = (command: Command) => command.optsWithGlobals<GlobalOptions>().json === true

const printJson = (data: unknown) => {
  process.stdout.write(`${JSON.stringify(data, null, 2)}\n`)
}
