import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseNdjson } from '../../../api/ingest/log-lines.ts'

const good = { host: 'cmp-1', component: 'nova-compute', line: 'x' }
const text = (...objects: unknown[]) => objects.map((object) => JSON.stringify(object)).join('\n')
const reasonOf = (body: string) => parseNdjson(body).rejected[0]?.reason

describe('a batch of log lines', () => {
  it('holds one object per line, with or without a time, and signs of life', () => {
    const lines = [
      good,
      { ...good, at: '2026-11-21T00:01:12.291000000+02:00' },
      { host: 'cmp-1', component: 'nova-compute', heartbeat: true },
    ]
    expect(parseNdjson(text(...lines))).toEqual({ lines, rejected: [] })
  })

  it('is read whatever its line ends, blank lines and byte order mark', () => {
    expect(parseNdjson(`\uFEFF${text(good)}\r\n\n  \r\n${text(good)}\n`)).toEqual({ lines: [good, good], rejected: [] })
    expect(parseNdjson('')).toEqual({ lines: [], rejected: [] })
  })

  it('loses only its bad lines, each named with its number and a reason', () => {
    const body = [text(good), '{"host":', '', text({ ...good, host: '$(reboot)' }), text(good)].join('\n')
    expect(parseNdjson(body)).toEqual({
      lines: [good, good],
      rejected: [
        { line: 2, reason: 'not JSON' },
        { line: 4, reason: 'host: not a host name' },
      ],
    })
  })

  it.each([
    ['a list', '[]', 'not a JSON object'],
    ['null', 'null', 'not a JSON object'],
    ['a host of 256 characters', text({ ...good, host: 'a'.repeat(256) }), 'host: not a host name'],
    ['a host with a line feed', text({ ...good, host: 'cmp-1\n' }), 'host: not a host name'],
    ['a host with a look-alike letter', text({ ...good, host: 'cmр-1' }), 'host: not a host name'],
    ['no host', text({ component: 'nova', line: 'x' }), 'host: Invalid input: expected string, received undefined'],
    ['a component with a slash', text({ ...good, component: '../nova' }), 'component: not a component name'],
    ['a time without zone', text({ ...good, at: '2026-11-21T00:01:12' }), 'at: Invalid ISO datetime'],
    ['a field nobody knows', text({ ...good, level: 'x' }), 'the object: Unrecognized key: "level"'],
    [
      'a heartbeat that says false',
      text({ ...good, line: undefined, heartbeat: false }),
      'heartbeat: Invalid input: expected true',
    ],
    ['a line of 128 KiB', text({ ...good, line: 'x'.repeat(131_073) }), expect.stringMatching(/^line: Too big/)],
    ['more than 256 KiB', text({ ...good, line: 'x'.repeat(300_000) }), 'longer than 256 KiB'],
  ])('does not take %s', (_what, body, reason) => {
    expect(parseNdjson(body).lines).toEqual([])
    expect(reasonOf(body)).toEqual(reason)
  })

  it('is not fooled by keys that name prototypes', () => {
    const keys = ['__proto__', 'constructor', 'prototype']
    for (const key of keys) {
      const { lines, rejected } = parseNdjson(`{"host":"h","component":"c","line":"x","${key}":{"heartbeat":true}}`)
      expect(lines.length + rejected.length).toBe(1)
      for (const line of lines) expect(line).toEqual({ host: 'h', component: 'c', line: 'x' })
    }
    expect(parseNdjson('{"__proto__":{"host":"h","component":"c","line":"x"}}').lines).toEqual([])
    expect(({} as Record<string, unknown>).heartbeat).toBeUndefined()
  })

  it('is read up to 10,000 lines; the rest is rejected as one', () => {
    const body = `${text(good)}\n`.repeat(10_050)
    const { lines, rejected } = parseNdjson(body)
    expect(lines).toHaveLength(10_000)
    expect(rejected).toEqual([
      { line: 10_001, reason: 'a batch holds at most 10000 lines; this one and the rest were not read' },
    ])
  })

  it('of nothing but line feeds, or nested a hundred thousand times, is dealt with at once', () => {
    expect(parseNdjson('\n'.repeat(5_000_000))).toEqual({ lines: [], rejected: [] })
    expect(reasonOf('['.repeat(100_000) + ']'.repeat(100_000))).toBe('not a JSON object')
    expect(reasonOf(`{"host":${'['.repeat(200_000)}`)).toBe('not JSON')
  })

  it('never throws, and accounts for every line that is not blank', () => {
    const line = fc.oneof(fc.json(), fc.string(), fc.constant(text(good)), fc.constant(''))
    fc.assert(
      fc.property(fc.array(line), (given) => {
        const body = given.map((one) => one.replace(/[\n]/g, ' ')).join('\n')
        const { lines, rejected } = parseNdjson(body)
        expect(lines.length + rejected.length).toBe(body.split('\n').filter((one) => /[^ \t\r\uFEFF]/.test(one)).length)
      }),
    )
  })
})
