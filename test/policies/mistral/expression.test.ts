import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { translate } from '../../../policies/mistral/expression.ts'
import { NotMapped } from '../../../policies/mistral/tokens.ts'
import { expressionFrom, valueFrom } from '../../../policies/mistral/values.ts'

const names = {
  variable: (name: string) => ({ cel: `input.${name}` }),
  result: (task = 'self') => ({ cel: task, isList: task === 'many' }),
}
const cel = (expression: string) => translate(expression, 'yaql', names).cel

describe('an expression of YAQL', () => {
  it.each([
    ['$.a', 'input.a'],
    ['$.a.b[0]', 'input.a.b[0]'],
    ['task(create).result.id', 'create.id'],
    ['task().result', 'self'],
    ['task(many).result.id', 'many.map(e, e.id)'],
    ["$.s.where($.status = 'ACTIVE').len()", 'input.s.filter(e, e.status == "ACTIVE").size()'],
    ['$.s[$.n > 2].first()', 'input.s.filter(e, e.n > 2)[0]'],
    ['$.s.select({id => $.id})', 'input.s.map(e, {"id": e.id})'],
    ['$.s.select($.all.where($ = 1))', 'input.s.map(e, e.all.filter(e2, e2 == 1))'],
    ['not $.a and $.b != null or len($.c) >= 1', '!(input.a) && input.b != null || size(input.c) >= 1'],
    ["$.a.get('k', 0)", 'input.a.?k.orValue(0)'],
    ["$.get(status, 'SUCCESS')", '(input.status == null ? dyn("SUCCESS") : dyn(input.status))'],
    ['($.a + 1) * 2', '(input.a + 1) * 2'],
    ['dict(a => 1, b => [1, two])', '{"a": 1, "b": [1, "two"]}'],
    ['concat($.a, "-", str($.n))', 'input.a + "-" + string(input.n)'],
    ['execution().id', 'run.id'],
    ['$.x in [1, 2]', 'input.x in [1, 2]'],
    ['"a\\"b\\n"', '"a\\"b\\n"'],
  ])('%s is %s', (expression, expected) => {
    expect(cel(expression)).toBe(expected)
  })

  it.each(['$', 'env().x', '$.a.format(1)', '$.a.', '$.a => 1', 'regex("a")', '$.a.(b)', 'a ~ b', '($.a', ''])(
    '%j has no counterpart, and says so',
    (expression) => {
      expect(() => cel(expression)).toThrow(NotMapped)
    },
  )
})

describe('an expression of Jinja', () => {
  it('has _ for $, and == for =', () => {
    expect(valueFrom('{{ _.a == 1 }}', names)).toBe('${input.a == 1}')
    expect(valueFrom("x-{{ task('b').result }}-${y}", names)).toBe('x-${b}-$${y}')
    expect(expressionFrom('{{ _.list }}', names)).toEqual({ cel: 'input.list' })
  })

  it.each(['{{ a }}', '{{ _.a | length }}', '{% if _.a %}b{% endif %}'])('%s has no counterpart', (text) => {
    expect(() => valueFrom(text, names)).toThrow(NotMapped)
  })
})

it('whatever stands in an expression, it is translated or refused with a reason', () => {
  const words = [
    '$',
    '.',
    'a',
    'task',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '=>',
    '=',
    'and',
    'not',
    '1',
    '"x"',
    ',',
    'where',
    '-',
    ' ',
  ]
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...words), { maxLength: 20 }),
      fc.constantFrom('yaql', 'jinja'),
      (some, language) => {
        try {
          expect(translate(some.join(''), language, names).cel).not.toBe('')
        } catch (error) {
          expect(error).toBeInstanceOf(NotMapped)
          expect((error as Error).message).not.toBe('')
        }
      },
    ),
    { numRuns: 2000 },
  )
})
