/**
 * Adds secrets to an object as hidden properties: readable by name, absent from `JSON.stringify`, `util.inspect`,
 * pino and object spread, so an object that gets logged or stored by mistake loses them instead of leaking them.
 */
export function withSecrets<V extends object, S extends Record<string, string>>(
  visible: V,
  secrets: S,
): Readonly<V & S> {
  const whole = { ...visible }
  for (const [name, value] of Object.entries(secrets)) {
    // a getter, because `inspect(…, { showHidden: true })` prints hidden values but not what a getter returns
    Object.defineProperty(whole, name, { enumerable: false, configurable: false, get: () => value })
  }
  return whole as Readonly<V & S>
}
