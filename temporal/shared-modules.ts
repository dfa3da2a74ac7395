/** Runs inside the sandbox of workflows, after the last of the modules that all of them share. */

/**
 * The SDK takes down the stack of every promise, and looks up each frame in the source map: with ten frames that was a
 * third of what a workflow costs. Three say where an error was thrown.
 */
Error.stackTraceLimit = 3

declare const __webpack_modules__: Readonly<Record<string, unknown>>
declare const __webpack_module_cache__: Readonly<Record<string, { readonly exports: object } | undefined>>

const isPure = (id: string) =>
  id.includes('node_modules/') ? /node_modules\/(zod|croner)\//.test(id) : /\/(core|policies)\//.test(id)

for (const id of Object.keys(__webpack_modules__).filter(isPure)) {
  const loaded = __webpack_module_cache__[id]
  if (!loaded) continue
  for (const name of Object.keys(loaded.exports)) freezeDeep((loaded.exports as Record<string, unknown>)[name])
  // the SDK leaves alone what is frozen already: it would freeze schemas as well
  Object.freeze(loaded)
}

/** So that no workflow can leave anything behind for another one. Schemas make their own methods when they are first used. */
function freezeDeep(value: unknown): void {
  const isOpen = typeof value === 'object' && value !== null && !Object.isFrozen(value)
  if (!isOpen || '_zod' in value || value instanceof RegExp) return
  Object.freeze(value)
  for (const name of Object.getOwnPropertyNames(value)) freezeDeep((value as Record<string, unknown>)[name])
}
