import { failure } from '../../../core/errors.ts'
import type { Stranded } from '../../../policies/evacuation.ts'
import { serverMicroversion } from '../../../policies/nova-facts.ts'
import { hasEnded } from '../../../policies/server-migration.ts'
import type { RunContext } from '../../sdk/context.ts'
import { findMigrations, findServer, reasonOf } from './looks.ts'

export interface EvacuationOrder {
  readonly host: string
  /** Whether servers are left off on their new host. */
  readonly leaveOff: boolean
  readonly withinSeconds: number
  /** Called right before Nova is asked: the host must be as dead as it was. */
  assertStillDead(): Promise<void>
}

/** From this one on Nova leaves servers off; it needs computes of release 27 or later everywhere. */
const offMicroversion = '2.95'

/** Starts one server elsewhere, and waits by the record of its own evacuation until it is there. Gives its new host. */
export async function evacuate(
  run: RunContext,
  order: EvacuationOrder,
  { id, name, locked }: Stranded,
): Promise<string> {
  const { host, leaveOff, withinSeconds } = order
  const before = await findServer(run, id)
  if (!before) return 'deleted meanwhile'
  if (before.host !== host) return before.host
  const records = () => findMigrations(run, { migration_type: 'evacuation', instance_uuid: id })
  const known = await records()
  // one that an earlier run began is seen to its end; a second one beside it would be begun on the wrong footing
  const begun = known.find((one) => !hasEnded(one))
  const older = new Set(known.filter((one) => one !== begun).map(({ uuid }) => uuid))

  let isLocked = false
  const unlock = async () => {
    if (!isLocked) return
    isLocked = false
    await run.action('server.unlock', { serverId: id })
  }
  // Nova evacuates locked servers, and their owners cannot get in between
  if (!locked && !run.dryRun) {
    isLocked = true
    run.undo(`locking ${name}`, unlock)
    await run.action('server.lock', { serverId: id, reason: `steward evacuates ${host}` })
  }
  if (!begun) {
    await order.assertStillDead()
    await run.call({
      service: 'compute',
      method: 'POST',
      path: `/servers/${id}/action`,
      body: { evacuate: {} },
      microversion: leaveOff ? offMicroversion : serverMicroversion,
    })
  }
  if (run.dryRun) return 'a host that Nova chooses'

  const record = await run.waitFor(
    `the evacuation of ${name} has ended`,
    async () => (await records()).find((one) => !older.has(one.uuid) && hasEnded(one)),
    { withinSeconds },
  )
  const after = await findServer(run, id)
  if (after === undefined) return 'deleted meanwhile'
  await unlock()
  if (record?.status !== 'done' && record?.status !== 'completed')
    throw failure(
      'EVACUATION_FAILED',
      `the evacuation of ${name} ended as ${record?.status}; it is ${after.status} on ${after.host}${await reasonOf(run, id, 'evacuate')}`,
      { serverId: id },
    )
  if (after.host === host || after.status === 'ERROR')
    throw failure(
      'RESULT_UNVERIFIED',
      `${name} is ${after.status} on ${after.host} although Nova calls its evacuation ${record.status}`,
      {
        serverId: id,
      },
    )
  return after.host
}
