import { codeOf, failure } from '../../../core/errors.ts'
import type { ServerFacts } from '../../../policies/nova-facts.ts'
import { whyNotSettled } from '../../../policies/server-migration.ts'
import type { RunContext } from '../../sdk/context.ts'
import { changed, findServer, lookAtPlace } from './looks.ts'

/**
 * Waits until a server, of which Placement and Neutron are told a moment after Nova, has arrived by all that know of it: another host, its status, room there and nowhere else, its
 * ports bound there.
 *
 * @throws SERVER_CHANGED it was deleted; RESULT_UNVERIFIED with what is not as it should be
 */
export async function awaitArrival(
  run: RunContext,
  before: ServerFacts,
  {
    withinSeconds,
    ...expected
  }: { readonly to?: string; readonly statuses: readonly string[]; readonly withinSeconds: number },
): Promise<ServerFacts> {
  const { id, name, host: from } = before
  let why = ''
  try {
    const arrived = await run.waitFor(
      `${name} has settled on its new host`,
      async () => {
        const server = await findServer(run, id)
        if (!server) throw changed(before, 'was deleted')
        const place = await lookAtPlace(run, server)
        why = whyNotSettled(place, { from, ...expected }) ?? ''
        return why === '' && place
      },
      { withinSeconds },
    )
    if (!arrived) throw failure('RUN_TIMED_OUT', why)
    const { server, holders, ports = [] } = arrived
    run.evidence('place', { host: server.host, status: server.status, holders, ports })
    return server
  } catch (error) {
    if (codeOf(error) !== 'RUN_TIMED_OUT') throw error
    throw failure('RESULT_UNVERIFIED', `${name} was moved, but ${why}`, { serverId: id })
  }
}
