import { z } from 'zod'
import type { InputField } from '../../core/declared-runbook.ts'

const mostText = 4000
const mostElements = 500

/** The schema of an input, as a runbook of code would write it. */
export function inputSchema(fields: Readonly<Record<string, InputField>>): z.ZodObject {
  return z.strictObject(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, schemaOf(field)])))
}

function schemaOf(field: InputField): z.ZodType {
  const { type, of = 'string', description, required, default: preset } = field
  const bare = type === 'list' ? listOf(wordOf({ ...field, type: of }), field) : wordOf(field, field)
  const named = description === undefined ? bare : bare.describe(description)
  if (preset !== undefined) return named.default(preset as never)
  return required === false ? named.nullable().default(null) : named
}

const listOf = (element: z.ZodType, { min = 0, max = mostElements }: Bounds) => z.array(element).min(min).max(max)

type Bounds = Pick<InputField, 'min' | 'max'>

/** One value; the bounds of a list are its own, not those of what it holds. */
function wordOf({ type, pattern, enum: choices }: InputField, { min, max }: Bounds = {}): z.ZodType {
  if (choices) return z.literal(choices)
  if (type === 'uuid') return z.uuid()
  if (type === 'boolean') return z.boolean()
  if (type === 'integer' || type === 'number') {
    const number = type === 'integer' ? z.int() : z.number()
    return number.min(min ?? Number.MIN_SAFE_INTEGER).max(max ?? Number.MAX_SAFE_INTEGER)
  }
  const text = z
    .string()
    .min(min ?? 0)
    .max(max ?? mostText)
  return pattern === undefined ? text : text.regex(new RegExp(`^(?:${pattern})$`, 'u'))
}

/** What contradicts itself in a field; undefined when nothing does. */
export function wrongWithField(
  field: InputField,
): { readonly key: keyof InputField; readonly message: string } | undefined {
  const { type, of, pattern, min, max } = field
  const held = type === 'list' ? (of ?? 'string') : type
  const sized = type === 'list' || !['boolean', 'uuid'].includes(type)
  if (of !== undefined && type !== 'list') return { key: 'of', message: 'only a list has `of`' }
  if (pattern !== undefined && held !== 'string') return { key: 'pattern', message: 'only a text has a pattern' }
  if (min !== undefined && !sized) return { key: 'min', message: `${type} has no smallest value` }
  if (max !== undefined && !sized) return { key: 'max', message: `${type} has no largest value` }
  if (min !== undefined && max !== undefined && min > max) return { key: 'min', message: '`min` is larger than `max`' }
  try {
    const { success, error } = schemaOf({ ...field, default: undefined, required: true }).safeParse(field.default)
    if (success || field.default === undefined) return undefined
    return { key: 'default', message: error.issues[0]?.message ?? 'it does not fit' }
  } catch (error) {
    return { key: 'pattern', message: (error as Error).message }
  }
}
