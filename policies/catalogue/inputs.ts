import { z } from 'zod'

/** Ids become segments of paths, so their patterns leave no room for `/`, `?`, `#`, `%` or dots alone. */
export const Uuid = z
  .string()
  .regex(/^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/, 'must be a UUID')

/** Users, projects and roles: hexadecimal mostly, but a mapped directory may give others. */
export const KeystoneId = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/, 'must be an id of Keystone')

/** Heat's own rule for names, without `..`. @see https://docs.openstack.org/api-ref/orchestration/v1/#stacks */
export const StackName = z
  .string()
  .regex(
    /^(?!.*\.\.)[a-zA-Z][a-zA-Z0-9_.-]{0,254}$/,
    'must be the name of a stack: a letter, then letters, digits, _.-',
  )

/** A name for people. */
export const Name = z
  .string()
  .regex(/^(?!\s)[^\p{Cc}]{1,255}(?<!\s)$/u, 'must be 1 to 255 characters without spaces around them')

/** What is written on a copy, to know it again by. Glance makes names lower case. */
export const Marks = z
  .record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.string().max(255))
  .describe('metadata of the copy; never a secret')

/** Name of a compute host, as in Nova's service list. */
export const HostName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/, 'must be the name of a host')

/** An id out of an answer, if it is one: what a service says is checked like what a person says. */
export function uuidIn(value: unknown): string | undefined {
  return Uuid.safeParse(value).data
}
