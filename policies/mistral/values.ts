import { type Names, type Translated, translate } from './expression.ts'
import { NotMapped } from './tokens.ts'

const placeholder = /<%(?<yaql>[\s\S]*?)%>|\{\{(?<jinja>[\s\S]*?)\}\}/g

/** A value of a Mistral workflow with its expressions as ours: `<% $.x %>` becomes `${input.x}`. @throws NotMapped */
export function valueFrom(value: unknown, names: Names): unknown {
  if (typeof value === 'string') return textFrom(value, names)
  if (Array.isArray(value)) return value.map((one) => valueFrom(one, names))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, valueFrom(one, names)]))
}

function textFrom(text: string, names: Names): string {
  if (text.includes('{%')) throw new NotMapped('statements of Jinja ({% … %}) have no counterpart')
  const escaped = (plain: string) => plain.replaceAll('${', () => '$${')
  let filled = ''
  let from = 0
  for (const found of text.matchAll(placeholder)) {
    filled += `${escaped(text.slice(from, found.index))}\${${translatedIn(found, names).cel}}`
    from = found.index + found[0].length
  }
  return filled + escaped(text.slice(from))
}

/** The one expression that a text is. @throws NotMapped when it is not one */
export function expressionFrom(value: unknown, names: Names): Translated {
  const text = typeof value === 'string' ? value.trim() : ''
  const [found, second] = text.matchAll(placeholder)
  if (!found || second || found[0].length !== text.length)
    throw new NotMapped(`${JSON.stringify(value)} is no expression`)
  return translatedIn(found, names)
}

const translatedIn = ({ groups: { yaql, jinja } = {} }: RegExpMatchArray, names: Names): Translated =>
  yaql === undefined ? translate(jinja ?? '', 'jinja', names) : translate(yaql, 'yaql', names)

/** A value as CEL writes it. */
export function celOf(value: unknown): string {
  const [, sole] = (typeof value === 'string' && /^\$\{([^{}]*)\}$/.exec(value)) || []
  if (sole !== undefined) return sole
  if (typeof value === 'string' && value.includes('${'))
    throw new NotMapped(`the text ${value} cannot be compared with`)
  return JSON.stringify(value)
}
