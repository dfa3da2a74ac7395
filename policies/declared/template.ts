/** A piece of a template: text as it is, or an expression with where it begins in the template. */
export type Piece = { readonly text: string } | { readonly expression: string; readonly at: number }

/** An expression that is not closed. */
export interface Unclosed {
  readonly unclosedAt: number
}

/**
 * Takes `text ${expression} text` apart; `$${` stands for `${`. Braces and texts inside an expression are its own.
 */
export function piecesOf(template: string): readonly Piece[] | Unclosed {
  const pieces: Piece[] = []
  let text = ''
  for (let at = 0; at < template.length; ) {
    if (template.startsWith('$${', at)) {
      text += '${'
      at += 3
    } else if (template.startsWith('${', at)) {
      const end = endOf(template, at + 2)
      if (end === undefined) return { unclosedAt: at }
      if (text !== '') pieces.push({ text })
      text = ''
      pieces.push({ expression: template.slice(at + 2, end), at: at + 2 })
      at = end + 1
    } else text += template[at++]
  }
  if (text !== '') pieces.push({ text })
  return pieces
}

/** Where the brace is that closes an expression. */
function endOf(template: string, from: number): number | undefined {
  let open = 0
  let quote: string | undefined
  for (let at = from; at < template.length; at++) {
    const letter = template[at] as string
    if (quote !== undefined) {
      if (letter === '\\') at++
      else if (letter === quote) quote = undefined
    } else if (letter === '"' || letter === "'") quote = letter
    else if (letter === '{') open++
    else if (letter === '}' && open-- === 0) return at
  }
  return undefined
}

/** The one expression that a template consists of, which then gives its value as it is, not as text. */
export function soleExpression(pieces: readonly Piece[]): string | undefined {
  const [piece] = pieces
  return pieces.length === 1 && piece && 'expression' in piece ? piece.expression : undefined
}

export const hasExpression = (template: string): boolean => template.includes('${')
