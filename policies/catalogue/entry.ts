import type { z } from 'zod'
import type { Call } from '../../core/call.ts'
import type { ActionReference } from '../../core/chain.ts'
import { failure } from '../../core/errors.ts'
import type { Role } from '../least-role.ts'

/** What a read answered. A 404 is an answer too: deletions end with it. */
export interface Seen {
  readonly status: number
  readonly body?: unknown
}

/** What is known beside the input: the body read before the call, and the body that answered the call. */
export interface Known {
  readonly before?: unknown
  readonly result?: unknown
}

/** How to tell, by reading, that the work behind an accepted call is over. */
interface Waiting<I> {
  /** Undefined when the answer to the call did not name what to look at: then the outcome cannot be told. */
  read(input: I, known: Known): Call | undefined
  done(seen: Seen, input: I, known: Known): boolean
  /** It has ended without effect, so waiting longer is of no use. */
  failed(seen: Seen, input: I, known: Known): boolean
  readonly typicalSeconds: number
  readonly limitSeconds: number
}

interface Definition<I> {
  /** `server.stop`: what, then which verb. Part of the API, never renamed. */
  readonly name: string
  readonly title: string
  /** Type of the service in Keystone's catalogue. */
  readonly service: string
  /** Where OpenStack documents the call. */
  readonly see: string
  /** The lowest role that may, by the policies OpenStack ships. */
  readonly needsRole: Role
  /** Made twice, the call has the effect of one, or is refused the second time. */
  readonly repeatable: boolean
  /** Data may be lost for good. */
  readonly destructive: boolean
  /** What surprises people, one sentence each. */
  readonly notes: readonly string[]
  /** Why Keystone refuses this call to a delegated token, if it does. */
  readonly notDelegable?: string
  /** What the body of the answer is known to hold, by JSON pointer: chains are checked against it. */
  readonly leaves?: Readonly<Record<string, z.ZodType>>
  calls(input: I): Call
  /** A look before the call. `when` says that there is nothing left to do; what was seen is also kept for `undo`. */
  readonly alreadyDone?: { read(input: I): Call; when(seen: Seen, input: I): boolean }
  readonly waitFor?: Waiting<I>
  /** What takes the effect back; undefined when this one cannot be taken back. */
  undo?(input: I, known: Known): ActionReference | undefined
  /** What it changes, such as `server/<id>`: two runs with a target in common must not overlap. */
  targets(input: I): readonly string[]
}

/** An entry of the catalogue. Its functions take any input and refuse what does not fit `input`. */
export interface ActionSpec extends Definition<unknown> {
  readonly input: z.ZodObject
}

type Given<S extends z.ZodObject> = { readonly input: S; readonly repeatable?: boolean } & Omit<
  Definition<z.output<S>>,
  'repeatable' | 'destructive' | 'notes'
> & { readonly destructive?: boolean; readonly notes?: readonly string[] }

/**
 * Makes an entry that checks its input before every use, so that no unchecked value ever becomes part of a path, and
 * that learns nothing from the body of an error.
 * Repeatable unless said otherwise; not destructive unless said so. Its functions throw INPUT_INVALID.
 */
export function define<S extends z.ZodObject>(given: Given<S>): ActionSpec {
  const { alreadyDone, waitFor, undo, ...rest } = given
  const check = (input: unknown) => parse(given.input, input, given.name)
  return {
    repeatable: true,
    destructive: false,
    notes: [],
    ...rest,
    calls: (input) => given.calls(check(input)),
    targets: (input) => given.targets(check(input)),
    ...(alreadyDone && {
      alreadyDone: {
        read: (input: unknown) => alreadyDone.read(check(input)),
        when: (seen: Seen, input: unknown) => isTelling(seen) && alreadyDone.when(stripped(seen), check(input)),
      },
    }),
    ...(waitFor && {
      waitFor: {
        ...waitFor,
        read: (input: unknown, known: Known) => waitFor.read(check(input), known),
        done: (seen: Seen, input: unknown, known: Known) =>
          isTelling(seen) && waitFor.done(stripped(seen), check(input), known),
        failed: (seen: Seen, input: unknown, known: Known) =>
          isTelling(seen) && waitFor.failed(stripped(seen), check(input), known),
      },
    }),
    ...(undo && { undo: (input: unknown, known: Known) => undo(check(input), known) }),
  }
}

function parse<S extends z.ZodObject>(schema: S, input: unknown, name: string): z.output<S> {
  const { success, data, error } = schema.safeParse(input)
  if (success) return data
  const said = error.issues.map(({ path, message }) => `${['input', ...path].join('.')}: ${message}`).join('; ')
  throw failure('INPUT_INVALID', `${name}: ${said}`.slice(0, 1000), { action: name })
}

/** Only a success and a 404 say anything about the thing itself; what an error page holds does not. */
const isTelling = ({ status }: Seen) => status === 404 || (status >= 200 && status < 300)
const stripped = (seen: Seen): Seen => (isGone(seen) ? { status: seen.status } : seen)

/** The value at a path of keys, of whatever came over the network; undefined when there is none. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<string, unknown>)[key]
        : undefined,
    value,
  )
}

/** The list at a path of keys; empty when there is none. */
export function listAt(value: unknown, ...keys: readonly string[]): readonly unknown[] {
  const found = at(value, ...keys)
  return Array.isArray(found) ? found : []
}

export const isGone = ({ status }: Seen) => status === 404

/** One of these words. */
export const isOneOf = (words: readonly string[], value: unknown) => typeof value === 'string' && words.includes(value)
