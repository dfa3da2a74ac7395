const secretName = /pass(word|wd)?$|secret|private_key|token|credential/i
export const looksSecret = (name: string): boolean => secretName.test(name)

/** What a server is given at its birth often holds passwords. */
const userData = /^user_?data$/i

/** Whether what has this name is not shown to those who did not write it themselves just now. */
export const hidesInput = (name: string): boolean => looksSecret(name) || userData.test(name)

/** Without what is named like a secret, at any depth; `instead` stands in its place. */
export const withoutSecretFields = (value: unknown, instead: string): unknown => redact(value, instead, looksSecret)

/** For those who did not write it themselves just now: user data is left out as well. */
export const withoutSecretInputs = (value: unknown, instead: string): unknown => redact(value, instead, hidesInput)

function redact(value: unknown, instead: string, isSecret: (name: string) => boolean): unknown {
  if (Array.isArray(value)) return value.map((inner) => redact(inner, instead, isSecret))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, isSecret(key) ? instead : redact(inner, instead, isSecret)]),
  )
}
