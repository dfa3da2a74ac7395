import type { Call } from '../core/call.ts'
import type { Chain } from '../core/chain.ts'
import type { LookAhead, Work } from '../core/work.ts'
import { actionNamed, type Seen } from './catalogue/index.ts'
import { referencesIn } from './chain-values.ts'
import { changedServer } from './server-actions.ts'
import { chainOf } from './work.ts'

/** What can be looked at beforehand: the things that steps name. What an earlier step makes is not there yet. */
export const looksAhead = (work: Work): LookAhead[] => {
  // of many targets some may well be gone by then
  if (work.targets) return []
  const looks = chainOf(work).steps.flatMap(lookOf)
  return looks.filter(({ read }, at) => looks.findIndex((other) => other.read.path === read.path) === at)
}

const gone: Seen = { status: 404 }

function lookOf({ action, with: input }: Chain['steps'][number]): LookAhead[] {
  if (referencesIn(input).length > 0) return []
  if (typeof action !== 'string') {
    const server = changedServer(action)
    if (server === undefined) return []
    const { microversion } = action
    const read: Call = {
      service: 'compute',
      method: 'GET',
      path: `/servers/${server}`,
      ...(microversion && { microversion }),
    }
    return [{ read, mayBeGone: () => false }]
  }
  const { alreadyDone, waitFor } = actionNamed(action)
  const read = alreadyDone?.read(input) ?? waitFor?.read(input, {})
  return read
    ? [{ read, mayBeGone: () => alreadyDone?.when(gone, input) ?? waitFor?.done(gone, input, {}) ?? false }]
    : []
}
