import { type Document, isMap, isScalar, LineCounter, type Node, type Pair, parseDocument, type Scalar } from 'yaml'
import { declaredLimits } from '../../core/declared-runbook.ts'

/** Something wrong in a file, where an editor can jump to. */
export interface Problem {
  readonly line: number
  readonly column: number
  readonly message: string
}

export type Path = readonly (string | number)[]

/** A YAML file that remembers where everything stands, and what is wrong with it. */
export interface Source {
  readonly content: unknown
  readonly problems: Problem[]
  lineOf(path: Path): number
  /** A problem of the value at a path; of the letter `within` it, when it is a text. */
  say(path: Path, message: string, within?: number): void
  /** A problem of a key. */
  sayOfKey(path: Path, message: string): void
}

/** Reads a file; undefined content when it is no YAML. Without aliases no few lines can become a giant. */
export function readSource(text: string): Source {
  const lines = new LineCounter()
  const problems: Problem[] = []
  const at = (offset: number, message: string) => {
    const { line, col } = lines.linePos(offset)
    problems.push({ line, column: col, message })
  }
  if (text.length > declaredLimits.textLength) {
    problems.push({ line: 1, column: 1, message: `a runbook has at most ${declaredLimits.textLength} characters` })
    return { content: undefined, problems, lineOf: () => 1, say: () => undefined, sayOfKey: () => undefined }
  }
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  for (const { pos, message } of document.errors) at(pos[0], message)
  const content = document.errors.length > 0 ? undefined : contentOf(document, (message) => at(0, message))

  /** The node at a path, or the nearest one around it. */
  function nodeAt(path: Path): Node | undefined {
    for (let length = path.length; length >= 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as Node | undefined
      if (node?.range) return node
    }
    return undefined
  }
  const offsetOf = (path: Path) => nodeAt(path)?.range?.[0] ?? 0

  return {
    content,
    problems,
    lineOf: (path) => lines.linePos(offsetOf(path)).line,
    say(path, message, within) {
      const node = nodeAt(path)
      const exact = within !== undefined && isScalar(node) ? offsetIn(node, text, within) : undefined
      at(exact ?? offsetOf(path), message)
    },
    sayOfKey(path, message) {
      const map = document.getIn(path.slice(0, -1), true) as Node | undefined
      const pair = isMap(map) && map.items.find(({ key }) => (key as Scalar).value === path.at(-1))
      at((pair && ((pair as Pair<Scalar>).key.range?.[0] ?? 0)) || offsetOf(path), message)
    },
  }
}

function contentOf(document: Document, say: (message: string) => void): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch {
    say('aliases (*name) are not taken')
    return undefined
  }
}

/** Where in a file a letter of a text stands; undefined when the file writes the text too differently to tell. */
function offsetIn({ range, value }: Scalar, text: string, within: number): number | undefined {
  if (!range || typeof value !== 'string') return undefined
  const written = text.slice(range[0], range[1])
  const whole = written.indexOf(value)
  if (whole >= 0) return range[0] + whole + within
  // a block has every line of the text on a line of its own, indented
  const before = value.slice(0, within).split('\n')
  const blockLines = written.split('\n')
  const line = blockLines[before.length]
  const wanted = value.split('\n')[before.length - 1] ?? ''
  const indent = line?.indexOf(wanted) ?? -1
  if (!written.startsWith('|') || indent < 0) return undefined
  const start = blockLines.slice(0, before.length).reduce((sum, one) => sum + one.length + 1, range[0])
  return start + indent + (before.at(-1)?.length ?? 0)
}
