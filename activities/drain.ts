import { z } from 'zod'
import type { Activities } from '../core/activities.ts'
import { failure } from '../core/errors.ts'
import type { Move } from '../core/plan.ts'
import type { Session } from '../openstack/session.ts'
import { checkPlan } from '../policies/planner/check.ts'
import { readModel } from '../policies/planner/model-file.ts'
import { planGoal } from '../policies/planner/plan-goal.ts'
import { whileBeating } from './beating.ts'
import { readCloudModel } from './cloud-model.ts'
import type { ReadUse } from './measured-use.ts'
import { runRequestId, type Sessions } from './sessions.ts'

const Named = z.object({ id: z.string(), name: z.string().default('') })

export const createDrainActivities = (
  sessions: Pick<Sessions, 'forRemediation'>,
  /** Missing: only what is given away is known. */
  readUse?: ReadUse,
): Pick<Activities, 'planDrain'> => ({
  /**
   * Takes one picture of the whole cloud and plans how to empty one host. Changes nothing; safe to repeat; heartbeats.
   *
   * @throws HOST_UNKNOWN, SNAPSHOT_INCOMPLETE, PLAN_IMPOSSIBLE with a reason per server, DELEGATION_MISSING, DELEGATION_LOST,
   *   METRICS_REFUSED; METRICS_UNREACHABLE (retried)
   */
  planDrain: ({ host, atOnce }) =>
    whileBeating(async () => {
      const session = await sessions.forRemediation()
      const file = await readCloudModel(session, { requestId: runRequestId(), readUse })
      const model = readModel(file)
      if (!model.hosts.some(({ name }) => name === host))
        throw failure('HOST_UNKNOWN', `Nova lists no host ${host} that servers could leave`, { host })
      const options = { drain: [host], outgoingPerHost: atOnce }
      const plan = planGoal(model, 'drain', options)
      const [broken] = checkPlan(model, plan, options)
      if (broken) throw failure('INTERNAL', `the checker objects to the plan: ${broken}`, { host })
      const names = await namesOn(session, host)
      const memory = new Map(model.servers.map(({ id, uses }) => [id, uses.memoryMiB]))
      const waves = new Map<number, Move[]>()
      for (const { wave, serverId, from, to, reason } of plan.moves) {
        const move = { serverId, serverName: names.get(serverId) ?? serverId, from, to, reason }
        waves.set(wave, [...(waves.get(wave) ?? []), { ...move, memoryMiB: memory.get(serverId) ?? 0 }])
      }
      return { takenAt: file.taken_at ?? new Date().toISOString(), waves: [...waves.values()] }
    }),
})

/** The model has ids only; people know the names. */
async function namesOn(session: Session, host: string): Promise<Map<string, string>> {
  const query = { all_tenants: true, host }
  const names = new Map<string, string>()
  const servers = session.service('compute').pages('/servers', 'servers', Named, { query, requestId: runRequestId() })
  for await (const { id, name } of servers) names.set(id, name || id)
  return names
}
