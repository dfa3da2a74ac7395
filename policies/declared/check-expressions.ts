import type { InputField } from '../../core/declared-runbook.ts'
import { environmentFor, wrongIn } from './cel.ts'
import type { Path, Source } from './source.ts'
import { hasExpression, piecesOf } from './template.ts'

export type Names = ReadonlySet<string>

/** Finds what is wrong with the expressions of a file. */
export interface ExpressionCheck {
  expression(path: Path, expression: string | undefined, names: Names, mustGive?: string): void
  /** Every text in a value, however deep. */
  template(path: Path, value: unknown, names: Names): void
}

/** @param input the fields of the input; undefined when they are not known */
export function createExpressionCheck(source: Source, input?: Readonly<Record<string, InputField>>): ExpressionCheck {
  const env = environmentFor(input)
  const fields = Object.keys(input ?? {})

  function check(path: Path, expression: string, names: Names, offset: number): boolean {
    const wrong = wrongIn(expression, env, names, fields)
    for (const { message, at } of wrong) source.say(path, message, offset + at)
    return wrong.length === 0
  }

  function text(path: Path, template: string, names: Names): void {
    const pieces = piecesOf(template)
    if ('unclosedAt' in pieces) source.say(path, 'this `${` is not closed', pieces.unclosedAt)
    else for (const piece of pieces) if ('expression' in piece) check(path, piece.expression, names, piece.at)
  }

  return {
    expression(path, expression, names, mustGive) {
      if (expression === undefined) return
      if (hasExpression(expression)) return source.say(path, 'this is an expression as it is, without `${…}`')
      if (!check(path, expression, names, 0) || mustGive === undefined) return
      const { type = 'dyn' } = env.check(expression)
      if (type !== 'dyn' && type !== mustGive && !type.startsWith(`${mustGive}<`))
        source.say(path, `this must give ${mustGive}, and gives ${type}`)
    },

    template(path, value, names) {
      if (typeof value === 'string') text(path, value, names)
      else if (Array.isArray(value))
        for (const [index, one] of value.entries()) this.template([...path, index], one, names)
      else if (typeof value === 'object' && value !== null)
        for (const [key, one] of Object.entries(value)) this.template([...path, key], one, names)
    },
  }
}
