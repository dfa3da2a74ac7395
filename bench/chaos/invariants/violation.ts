/** A broken promise, with what shows it. */
export interface Violation {
  readonly rule: string
  readonly says: string
  readonly evidence: readonly string[]
}

export const at = (ms: number) => new Date(ms).toISOString().slice(11, 23)
