import type { ParseResult } from '@marcbachmann/cel-js'
import type { InputField } from '../../core/declared-runbook.ts'
import { failure, messageOf } from '../../core/errors.ts'
import { environmentFor, namesIn } from './cel.ts'
import { piecesOf, soleExpression } from './template.ts'
import { fromCel, inText } from './values.ts'

/** What only a real run can know. */
export const unknown = Symbol('unknown')

/** The values that expressions may use: those known, as CEL has them, and names of those that are not known yet. */
export interface Values {
  readonly known: Readonly<Record<string, unknown>>
  readonly unknown: ReadonlySet<string>
}

export interface Evaluator {
  /** The value of an expression, as JSON. @throws EXPRESSION_FAILED */
  value(expression: string, values: Values): unknown
  /** A value with all texts in it filled in; unknown as soon as one of them is. @throws EXPRESSION_FAILED */
  filled(template: unknown, values: Values): unknown
  /** A text; what is put in is first made fit by `suit`. @throws EXPRESSION_FAILED */
  text(template: string, values: Values, suit?: (text: string) => string): string | typeof unknown
}

export function createEvaluator(input: Readonly<Record<string, InputField>>): Evaluator {
  const env = environmentFor(input)
  const parsed = new Map<string, { run: ParseResult; names: ReadonlySet<string> }>()

  function value(expression: string, values: Values): unknown {
    try {
      const ready = parsed.get(expression) ?? { run: env.parse(expression), names: namesIn(expression, env) }
      parsed.set(expression, ready)
      if ([...ready.names].some((name) => values.unknown.has(name))) return unknown
      // what a step would have saved that was left out is null
      const missing = Object.fromEntries([...ready.names].map((name) => [name, null]))
      const given = fromCel(ready.run({ ...missing, ...values.known }))
      if (given !== undefined) return given
    } catch (error) {
      const { summary = messageOf(error) } = error as { summary?: string }
      throw failure('EXPRESSION_FAILED', `${shortened(expression)}: ${summary}`)
    }
    throw failure('EXPRESSION_FAILED', `${shortened(expression)}: this is nothing that JSON can hold`)
  }

  function text(template: string, values: Values, suit: (text: string) => string = (one) => one) {
    const pieces = piecesOf(template)
    if ('unclosedAt' in pieces) throw failure('EXPRESSION_FAILED', `${shortened(template)}: a brace is not closed`)
    const parts = pieces.map((piece) => ('text' in piece ? piece.text : value(piece.expression, values)))
    if (parts.includes(unknown)) return unknown
    return parts.map((part, index) => ('text' in (pieces[index] ?? {}) ? part : suit(inText(part)))).join('')
  }

  function filled(template: unknown, values: Values): unknown {
    if (typeof template === 'string') {
      const pieces = piecesOf(template)
      const sole = 'unclosedAt' in pieces ? undefined : soleExpression(pieces)
      return sole === undefined ? text(template, values) : value(sole, values)
    }
    if (typeof template !== 'object' || template === null) return template
    const entries = Object.entries(template).map(([key, one]) => [key, filled(one, values)] as const)
    if (entries.some(([, one]) => one === unknown)) return unknown
    return Array.isArray(template) ? entries.map(([, one]) => one) : Object.fromEntries(entries)
  }

  return { value, filled, text }
}

const shortened = (text: string) => (text.length > 120 ? `${text.slice(0, 120)}…` : text)
