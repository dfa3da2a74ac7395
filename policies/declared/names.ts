/** Names that a run gives a meaning itself. */
const given: ReadonlySet<string> = new Set(['input', 'now', 'run', 'error', 'answer'])
/** Words of CEL, those it keeps for later included. */
const words: ReadonlySet<string> = new Set([
  ...(['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if'] as const),
  ...(['import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while', 'prototype'] as const),
  ...(['optional', 'int', 'uint', 'double', 'bool', 'string', 'bytes', 'list', 'map', 'type', 'cel'] as const),
  ...(['google', 'dyn', 'size', 'has', 'timestamp', 'duration'] as const),
])

/** Why a value cannot be called so; undefined when it can. */
export const nameProblem = (name: string): string | undefined =>
  given.has(name) || words.has(name) ? `\`${name}\` has a meaning of its own; choose another name` : undefined
