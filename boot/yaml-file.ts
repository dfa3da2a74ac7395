import { type Document, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { failure } from '../core/errors.ts'

/** What a YAML file says, as its schema has it. @throws CONFIG_INVALID naming file, line and field of all that is wrong */
export function parseYaml<T>(schema: z.ZodType<T>, text: string, path: string): T {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: true })
  const [problem] = document.errors
  if (problem) throw failure('CONFIG_INVALID', `${path}: ${problem.message.split('\n', 1)[0]}`)
  const parsed = schema.safeParse(contentOf(document, path) ?? {})
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map((issue) => {
    const { path: of, message } = issue
    const field = issue.code === 'unrecognized_keys' ? [...of, ...issue.keys.slice(0, 1)] : of
    const node = document.getIn(field, true) as { range?: [number] } | undefined
    const at = node?.range ? `:${lines.linePos(node.range[0]).line}` : ''
    return `${path}${at}: ${field.join('.') || 'the file'}: ${message}`
  })
  throw failure('CONFIG_INVALID', issues.join('; '))
}

/** Without aliases no few lines can become a giant. @throws CONFIG_INVALID */
function contentOf(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 })
  } catch {
    throw failure('CONFIG_INVALID', `${path}: aliases (*name) are not taken`)
  }
}
