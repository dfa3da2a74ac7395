import { Optional } from '@marcbachmann/cel-js'

/** A value as expressions have it: CEL tells whole numbers from others by their type. */
export function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(toCel)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, toCel(one)]))
}

/** What an expression gave, as JSON; undefined when JSON has no word for it. */
export function fromCel(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (value instanceof Optional) return value.hasValue() ? fromCel(value.value()) : null
  if (Array.isArray(value)) return value.map(fromCel)
  if (value instanceof Map) return fromEntries([...value])
  return isPlain(value) ? fromEntries(Object.entries(value)) : undefined
}

const fromEntries = (entries: [unknown, unknown][]) =>
  Object.fromEntries(entries.map(([key, one]) => [String(key), fromCel(one)]))

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)

/** A value inside a text. */
export const inText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
