import { Command } from 'commander'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { explain } from '../../cli/explain.ts'
import { printFields, printTable } from '../../cli/print.ts'
import { failure } from '../../core/errors.ts'

/** What is printed, by a command with these options. */
function printed(print: (command: Command) => void, options: { json?: boolean } = {}): string {
  let out = ''
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text)
    return true
  })
  onTestFinished(() => spy.mockRestore())
  const command = new Command().option('--json')
  command.parse(options.json ? ['--json'] : [], { from: 'user' })
  print(command)
  spy.mockRestore()
  return out
}

describe('a table', () => {
  it('has columns as wide as their widest cell, and a dash for nothing', () => {
    const rows = [
      ['a', 'long value', undefined],
      ['bbbb', 'x', 'end'],
    ]
    expect(printed((command) => printTable(command, rows, ['N', 'VALUE', 'WHAT'], rows))).toBe(
      ['N     VALUE       WHAT', 'a     long value  -', 'bbbb  x           end', ''].join('\n'),
    )
  })

  it('has one line for each row, whatever is in the cells', () => {
    const rows = [
      ['a\nb', 'c\r\u001b[2J'],
      ['\u2028', '\u0085\u009b'],
    ]
    const out = printed((command) => printTable(command, rows, ['A', 'B'], rows))
    expect(out.split(/\r|\n|\u2028|\u2029|\u0085/)).toHaveLength(4)
    expect(out).not.toMatch(/[^\P{Cc}\n]/u)
  })

  it('is JSON when asked for', () => {
    const data = [{ id: 1 }]
    expect(JSON.parse(printed((command) => printTable(command, data, ['ID'], [['1']]), { json: true }))).toEqual(data)
  })
})

describe('fields', () => {
  it('stand under each other, without those that have no value', () => {
    const fields: [string, string | undefined][] = [
      ['state', 'done'],
      ['name', undefined],
      ['request id', 'req-1'],
    ]
    expect(printed((command) => printFields(command, {}, fields))).toBe('state       done\nrequest id  req-1\n')
    expect(JSON.parse(printed((command) => printFields(command, { a: 1 }, fields), { json: true }))).toEqual({ a: 1 })
  })
})

/** Any text, often with control characters. fast-check's own alphabet of all characters takes seconds to build. */
const anyText = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xa0 }),
      fc.integer({ min: 0x2000, max: 0x2070 }),
      fc.integer({ min: 0, max: 0x10ffff }),
    ),
  )
  .map((points) => String.fromCodePoint(...points))

describe('an explanation', () => {
  it('has the reason, the code and what to do next', () => {
    expect(explain(failure('TIME_PAST', '10:00 is past'))).toBe(
      [
        'steward: 10:00 is past',
        '  TIME_PAST: The due time lies in the past.',
        '  Give a `runAt` in the future, with its UTC offset.',
      ].join('\n'),
    )
  })

  it('of a foreign error has what it says, and no stack', () => {
    expect(explain(new Error('disk full'))).toBe('steward: disk full')
    expect(explain('odd')).toBe('steward: odd')
  })

  it('never moves the cursor, nor adds lines of its own', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, ours) => {
        const said = explain(ours ? failure('INTERNAL', text) : new Error(text))
        return said.split('\n').length === (ours ? 3 : 1) && !/[\p{Cc}\p{Cf}]/u.test(said.replaceAll('\n', ''))
      }),
    )
  })
})
