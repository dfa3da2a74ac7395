import type { Person } from '../../core/person.ts'

/** A person of the operations team. */
export const person = (name: string): Person => ({ userId: `id-of-${name}`, name })
