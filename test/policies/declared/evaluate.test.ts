import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../../core/errors.ts'
import { createEvaluator, unknown } from '../../../policies/declared/evaluate.ts'
import { inputSchema, wrongWithField } from '../../../policies/declared/input.ts'
import { didYouMean } from '../../../policies/declared/nearest.ts'
import { piecesOf } from '../../../policies/declared/template.ts'
import { fromCel, toCel } from '../../../policies/declared/values.ts'

const evaluator = createEvaluator({ count: { type: 'integer' }, names: { type: 'list', of: 'string' } })
const known = {
  input: { count: 3, names: ['web-1', 'db-1'] },
  now: 1_800_000_000,
  server: { status: 'ACTIVE', created: '2026-11-21T00:00:00Z', ram: 2048, load: 0.5, tags: [] },
}
const values = { known: toCel(known) as Record<string, unknown>, unknown: new Set(['image']) }
const given = (expression: string) => evaluator.value(expression, values)
const codeIn = (act: () => unknown) => {
  try {
    return act()
  } catch (error) {
    return codeOf(error)
  }
}

describe('an expression', () => {
  it.each<[string, unknown]>([
    ['input.count + 1', 4],
    ['server.ram / 1024 == 2', true],
    ['server.load * 2.0', 1],
    ['input.names.filter(n, n.like("web-*"))', ['web-1']],
    ['input.names.exists(n, n == "db-1") && "db-1" in input.names', true],
    ['has(server.locked) ? "locked" : "free"', 'free'],
    ['server.?locked.orValue(false)', false],
    ['{"id": input.count, "names": input.names}', { id: 3, names: ['web-1', 'db-1'] }],
    ['seconds(server.created)', 1_795_219_200],
    ['now - seconds(server.created) > 86400', true],
    ['neverSaved', null],
    ['image.id', unknown],
  ])('%s has a value', (expression, expected) => {
    expect(given(expression)).toEqual(expected)
  })

  it.each<[string, RegExp]>([
    ['server.locked', /^server\.locked: No such key: locked$/],
    ['server.tags[0]', /^server\.tags\[0\]: No such key: index out of bounds/],
    ['1 / 0', /division by zero/i],
    ['seconds("soon")', /"soon" is no time such as/],
    ['b"abc"', /this is nothing that JSON can hold/],
  ])('%s has none, and says why: EXPRESSION_FAILED', (expression, said) => {
    expect(codeIn(() => given(expression))).toBe('EXPRESSION_FAILED')
    expect(() => given(expression)).toThrow(said)
  })

  it('in a text is put into it, alone it keeps its type', () => {
    expect(evaluator.filled({ a: '${input.count}', b: ['n=${input.count}', '$${x}', 'a}b'] }, values)).toEqual({
      a: 3,
      b: ['n=3', '${x}', 'a}b'],
    })
    expect(evaluator.filled({ a: { b: 'of ${image.id}' } }, values)).toBe(unknown)
    expect(evaluator.text('/servers/${"a/../b?c"}', values, encodeURIComponent)).toBe('/servers/a%2F..%2Fb%3Fc')
    expect(evaluator.text('${{"a": "}"}["a"]}!', values)).toBe('}!')
  })

  it('gives back every value of JSON as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const plain = JSON.parse(JSON.stringify(value))
        expect(fromCel(toCel(plain))).toEqual(plain)
      }),
    )
  })

  it('is found in any text without end or failure', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', '"', 'a', '\\') }), (text) => {
        const pieces = piecesOf(text)
        if ('unclosedAt' in pieces) expect(text.slice(pieces.unclosedAt, pieces.unclosedAt + 2)).toBe('${')
        else if (!text.includes('${'))
          expect(pieces.map((piece) => ('text' in piece ? piece.text : '?')).join('')).toBe(text)
      }),
    )
  })

  it('fits a pattern as a person reads it, however long both are', () => {
    expect(['web-1', 'web-', 'aweb-1'].map((text) => given(`"${text}".like("web-*")`))).toEqual([true, true, false])
    expect(given('"ab".like("?b") && !"b".like("?b") && "".like("*") && !"a".like("")')).toBe(true)
    const long = { ...values, known: { long: 'a'.repeat(20_000) } }
    expect(evaluator.value('long.like("*a*a*a*a*b")', long)).toBe(false)
  })
})

describe('the input of a document', () => {
  const schema = inputSchema({
    id: { type: 'uuid' },
    name: { type: 'string', pattern: 'web-\\d+', max: 10 },
    size: { type: 'string', enum: ['s', 'm'], default: 's' },
    many: { type: 'list', of: 'integer', min: 1, max: 2 },
    note: { type: 'string', required: false },
  })
  const good = { id: '11111111-1111-4111-8111-111111111111', name: 'web-1', many: [1] }

  it('has its defaults, and null for what may be left out', () => {
    expect(schema.parse(good)).toEqual({ ...good, size: 's', note: null })
  })

  it.each([
    { id: 'web-1' },
    { name: 'a web-1' },
    { name: 'web-1\n' },
    { size: 'l' },
    { many: [] },
    { many: [1, 2, 3] },
    { many: [1.5] },
    { surprise: 1 },
  ])('does not take %j', (wrong) => {
    expect(schema.safeParse({ ...good, ...wrong }).success).toBe(false)
  })

  it('cannot contradict itself', () => {
    expect(wrongWithField({ type: 'integer', min: 2, max: 1 })?.key).toBe('min')
    expect(wrongWithField({ type: 'boolean', max: 1 })?.key).toBe('max')
    expect(wrongWithField({ type: 'string', pattern: '(' })?.key).toBe('pattern')
    expect(wrongWithField({ type: 'integer', pattern: 'a' })?.key).toBe('pattern')
    expect(wrongWithField({ type: 'string', of: 'uuid' })?.key).toBe('of')
    expect(wrongWithField({ type: 'integer', default: 'x' })?.key).toBe('default')
    expect(wrongWithField({ type: 'list', of: 'uuid', min: 1, default: [] })?.key).toBe('default')
    expect(wrongWithField({ type: 'list', of: 'string', pattern: 'a+', min: 1 })).toBeUndefined()
  })
})

it('a near word is meant, a far one is not', () => {
  const words = ['action', 'call', 'read']
  expect(didYouMean('acton', words)).toBe('; did you mean `action`?')
  expect(didYouMean('raed', words)).toBe('; did you mean `read`?')
  expect(didYouMean('server', words)).toBe('')
})
