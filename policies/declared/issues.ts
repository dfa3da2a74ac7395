import type { z } from 'zod'
import { didYouMean } from './nearest.ts'
import type { Path, Source } from './source.ts'

type Issue = z.core.$ZodIssue

/** Says in the words of the file what its schema has against a part of it. */
export function sayIssues(
  source: Source,
  base: Path,
  schema: z.ZodType,
  value: unknown,
  issues: readonly Issue[],
): void {
  for (const issue of issues) {
    const path = issue.path as Path
    const at = [...base, ...path]
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys)
        source.sayOfKey([...at, key], `there is no \`${key}\` here${didYouMean(key, keysAt(schema, path))}`)
    } else if (issue.code === 'invalid_key') {
      source.sayOfKey(at, issue.issues[0]?.message ?? issue.message)
    } else if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const nearestOne = issue.errors.reduce((a, b) => (weightOf(b) < weightOf(a) ? b : a))
      const inner = nearestOne.map((one) => ({ ...one, path: [...path, ...one.path] }) as Issue)
      sayIssues(source, base, schema, value, inner)
    } else if (valueAt(value, path) === undefined && path.length > 0) {
      source.say(at.slice(0, -1), `\`${String(path.at(-1))}\` is missing`)
    } else source.say(at, issue.message)
  }
}

/** An alternative is the less meant the more it has against the value: its keys, and its type most of all. */
const weightOf = (issues: readonly Issue[]) =>
  issues.reduce((sum, { path, ...issue }) => {
    if (issue.code === 'unrecognized_keys') return sum + 2 * issue.keys.length
    return sum + (path.length === 0 && issue.code === 'invalid_type' ? 100 : 1)
  }, 0)

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((at, key) => (at as Record<string | number, unknown> | undefined)?.[key], value)

/** The keys that a schema knows at a path. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  const { def } = schema as unknown as { def: SchemaDef }
  if (def.innerType) return keysAt(def.innerType, path)
  if (def.options) return def.options.flatMap((option) => keysAt(option, path))
  const [first, ...rest] = path
  if (first === undefined) return def.shape ? Object.keys(def.shape) : []
  const inner = def.shape?.[first] ?? def.valueType ?? def.element
  return inner ? keysAt(inner, rest) : []
}

/** What is of use here of how Zod describes its schemas. */
interface SchemaDef {
  readonly innerType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly valueType?: z.ZodType
  readonly element?: z.ZodType
}
