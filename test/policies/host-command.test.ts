import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CommandWords, Ssh } from '../../core/ssh.ts'
import { wordsOf } from '../../policies/host-command.ts'

const vacuum = {
  words: ['sudo', '-n', '/usr/bin/journalctl', '--vacuum-size={size}'],
  args: { size: '[0-9]{1,4}M' },
}
const remove = { words: ['rm', '{name}'], args: { name: '.*' } }

describe('the words of a command', () => {
  it('have their arguments in their places', () => {
    expect(wordsOf(vacuum, { size: '500M' })).toEqual({
      words: ['sudo', '-n', '/usr/bin/journalctl', '--vacuum-size=500M'],
    })
  })

  it.each([
    ['without an argument', vacuum, {}, 'the argument size is missing'],
    ['with one that it does not have', vacuum, { size: '5M', unit: 'x' }, 'it has no argument unit'],
    [
      'with one that matches in part only',
      vacuum,
      { size: '500M;reboot' },
      'the argument size is not what is allowed for it',
    ],
    ['with a line break after it', vacuum, { size: '500M\n' }, 'the argument size is not what is allowed for it'],
    ['with what a shell interprets', remove, { name: '$(reboot)' }, 'the argument name is not what is allowed for it'],
    ['with what would be another word', remove, { name: 'a b' }, 'the argument name is not what is allowed for it'],
    ['with what would be an option', remove, { name: '-rf' }, 'the argument name would be an option'],
    ['with nothing', remove, { name: '' }, 'the argument name is not what is allowed for it'],
    [
      'that are too long together',
      { words: ['{a}{a}'], args: { a: '.*' } },
      { a: 'x'.repeat(100) },
      'a word is too long with its arguments',
    ],
  ])('are refused %s', (_what, command, args, refused) => {
    expect(wordsOf(command, args as Record<string, string>)).toEqual({ refused })
  })

  it('are never more than words, whatever is given', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const worded = wordsOf(remove, { name })
        if ('refused' in worded) return
        expect(CommandWords.parse(worded.words)).toHaveLength(2)
        expect(worded.words[1]).not.toMatch(/^-/)
      }),
    )
  })
})

describe('a command in steward.yaml', () => {
  const why = (commands: object, hosts: object = {}) => {
    const ssh = { user: 'steward', keyFile: 'k', knownHostsFile: 'h', commands, hosts }
    return Ssh.safeParse(ssh).error?.message
  }
  const read = { words: ['show', '{name}'], args: { name: '.*' }, changes: false }

  it('may have a look and something that takes it back', () => {
    const change = { words: ['set', '{name}'], args: { name: '.*' }, changes: true, look: 'show', undo: 'unset' }
    const unset = { words: ['unset', '{name}'], args: { name: '.*' }, changes: true }
    expect(why({ show: read, set: change, unset })).toBeUndefined()
    expect(
      why({ show: read }, { cmp: { address: 'a', commands: { set: { ...change, undo: undefined } } } }),
    ).toBeUndefined()
  })

  it.each([
    ['a place without an argument', { a: { words: ['x', '{y}'], changes: false } }, /\{y\} is none of its args/],
    [
      'an argument without a place',
      { a: { words: ['x'], args: { y: 'z' }, changes: false } },
      /no word has a place for y/,
    ],
    ['a pattern that is none', { a: { words: ['{y}'], args: { y: '(' }, changes: false } }, /no regular expression/],
    ['a look that is not there', { a: { words: ['x'], changes: true, look: 'b' } }, /there is no command b/],
    ['a look that changes something', { a: { words: ['x'], changes: true, look: 'a' } }, /a changes something/],
    [
      'a look with other arguments',
      { a: { words: ['x'], changes: true, look: 'show' }, show: read },
      /other arguments/,
    ],
    ['a look for nothing', { show: { ...read, look: 'show' } }, /nothing to look for/],
    ['a word with a shell in it', { a: { words: ['x;y'], changes: true } }, /letters, digits/],
    ['nothing said of whether it changes anything', { a: { words: ['x'] } }, /changes/],
  ])('is refused with %s', (_what, commands, reason) => {
    expect(why(commands)).toMatch(reason)
    expect(why({}, { cmp: { address: 'a', commands: { ...commands } } })).toMatch(reason)
  })
})
