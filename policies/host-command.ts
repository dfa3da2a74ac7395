import { CommandWord, type HostCommand } from '../core/ssh.ts'

export type Worded = { readonly words: readonly string[] } | { readonly refused: string }

/**
 * The words of a command with its arguments in their places, or why not. An argument must match its regular expression as
 * a whole, be of letters that no shell interprets, and cannot become an option.
 */
export function wordsOf(command: Pick<HostCommand, 'words' | 'args'>, args: Readonly<Record<string, string>>): Worded {
  const given = new Map(Object.entries(args))
  for (const name of given.keys())
    if (!Object.hasOwn(command.args, name)) return { refused: `it has no argument ${name}` }
  for (const [name, pattern] of Object.entries(command.args)) {
    const value = given.get(name)
    if (value === undefined) return { refused: `the argument ${name} is missing` }
    if (!new RegExp(`^(?:${pattern})$`, 'u').test(value) || !CommandWord.safeParse(value).success)
      return { refused: `the argument ${name} is not what is allowed for it` }
    if (value.startsWith('-') && command.words.some((word) => word.startsWith(`{${name}}`)))
      return { refused: `the argument ${name} would be an option` }
  }
  const words = command.words.map((word) => word.replace(/\{(\w+)\}/g, (_place, name) => given.get(name) ?? ''))
  const isSafe = words.every((word) => CommandWord.safeParse(word).success)
  return isSafe ? { words } : { refused: 'a word is too long with its arguments' }
}
