/** An object that claims to stand for a value of another step; whether it does so rightly is checked elsewhere. */
export function isReference(value: unknown): value is { readonly $from: unknown } {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '$from')
}

/** Every reference in a value, with the path to it. */
export function referencesIn(
  value: unknown,
  path: readonly string[] = [],
): { path: readonly string[]; value: unknown }[] {
  if (isReference(value)) return [{ path, value }]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => referencesIn(inner, [...path, key]))
}

/** The value a JSON pointer (RFC 6901) leads to; undefined when there is none. */
export function readPointer(document: unknown, pointer: string): unknown {
  return tokensOf(pointer).reduce<unknown>((at, token) => {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return undefined
    if (Array.isArray(at) && !/^(?:0|[1-9]\d*)$/.test(token)) return undefined
    return (at as Record<string, unknown>)[token]
  }, document)
}

export const tokensOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))

/**
 * Bytes and levels of a value written as JSON, without recursion: what is measured may be hostile. Stops counting
 * beyond the limits.
 */
export function sizeOf(value: unknown, limits: { readonly bytes: number; readonly depth: number }) {
  const left: { value: unknown; depth: number }[] = [{ value, depth: 1 }]
  let [bytes, depth] = [0, 0]
  for (let next = left.pop(); next && bytes <= limits.bytes && depth <= limits.depth; next = left.pop()) {
    depth = Math.max(depth, next.depth)
    if (typeof next.value !== 'object' || next.value === null) {
      bytes += bytesOf(JSON.stringify(next.value))
      continue
    }
    const inner = Object.entries(next.value)
    const keys = Array.isArray(next.value) ? 0 : inner.reduce((sum, [key]) => sum + bytesOf(JSON.stringify(key)) + 1, 0)
    bytes += 2 + Math.max(0, inner.length - 1) + keys
    for (const [, one] of inner) left.push({ value: one, depth: next.depth + 1 })
  }
  return { bytes, depth }
}

/** Length in UTF-8, which workflows have no encoder for. */
function bytesOf(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4
  }
  return bytes
}
