import type { Activities, WavePart } from '../core/activities.ts'
import { failure } from '../core/errors.ts'
import type { PlanDocument } from '../core/plan-document.ts'
import { compare } from '../policies/placement.ts'
import { emptiedBy } from '../policies/planner/emptied.ts'
import { asBefore, assertHolds } from '../policies/planner/holds.ts'
import { readModel } from '../policies/planner/model-file.ts'
import type { PlanDocuments } from '../temporal/plan-documents.ts'
import { whileBeating } from './beating.ts'
import { readCloudModel } from './cloud-model.ts'
import { inLanes } from './in-lanes.ts'
import type { ReadUse } from './measured-use.ts'
import { holdersOf, nova, show } from './migration.ts'
import { runRequestId, type Sessions } from './sessions.ts'

const serversAtOnce = 8

export interface PlanWavesOptions {
  sessions: Pick<Sessions, 'forRemediation'>
  documents: Pick<PlanDocuments, 'read'>
  /** Missing: targets are not looked at for having become busy. */
  readUse?: ReadUse | undefined
}

/** What the run of a wave looks at. Changes nothing. */
export const createPlanWaves = ({
  sessions,
  documents,
  readUse,
}: PlanWavesOptions): Pick<Activities, 'readWave' | 'checkWave' | 'verifyMoves'> => ({
  /** @throws PLAN_NOT_FOUND, ENGINE_UNREACHABLE (retried) */
  async readWave({ workflowId, pack, wave }) {
    return partOf(await documents.read(workflowId, pack), wave)
  },

  /**
   * Takes a new picture of the whole cloud. Safe to repeat; heartbeats. The clock does not end a wave of which a part has
   * been made.
   *
   * @throws PLAN_STALE naming what has changed; SNAPSHOT_INCOMPLETE, and what `readWave` throws
   */
  checkWave: ({ workflowId, pack, wave, moved, ownReason }) =>
    whileBeating(async () => {
      const document = await documents.read(workflowId, pack)
      const file = await readCloudModel(await sessions.forRemediation(), {
        ...{ requestId: runRequestId(), ownReason },
        // a server that has just arrived was not measured on its new host yet; the way back is gone however busy it is
        ...(document.goal !== 'undo' && { readUse, someUnmeasured: true }),
      })
      const begun = partOf(document, wave).moves.filter(({ serverId }) => moved.includes(serverId))
      const nowMs = begun.length > 0 ? Date.parse(document.validity.takenAt) : Date.now()
      assertHolds(document, asBefore(readModel(file), begun), nowMs, wave)
    }),

  /** Asks Nova and Placement for each server. Safe to repeat; heartbeats. */
  verifyMoves: ({ moves }) =>
    whileBeating(async () => {
      const session = await sessions.forRemediation()
      const client = await session.service('compute').negotiate(nova, { requestId: runRequestId() })
      const astray: string[] = []
      await inLanes(moves, serversAtOnce, async (move) => {
        const { host, node } = await show(client, move)
        const holders = await holdersOf(session, move.serverId)
        if (host !== move.to) astray.push(`server ${move.serverId} is on ${host} and not on ${move.to}`)
        else if (holders.length !== 1 || holders[0] !== node)
          astray.push(`server ${move.serverId} is on ${host}, but room is held on ${holders.join(', ') || 'no host'}`)
      })
      return { astray: astray.sort(compare) }
    }),
})

function partOf(document: PlanDocument, wave: number): WavePart {
  const found = document.waves.find((one) => one.wave === wave)
  if (!found) throw failure('INTERNAL', `the plan ${document.id} has no wave ${wave}`)
  const hosts = new Set(found.moves.flatMap(({ from, to }) => [from, to]))
  const emptied = emptiedBy(document)
  return {
    moves: found.moves.map(({ serverId, from, to, reason, copiedMiB, kind, isOff = false }) => ({
      // plans know servers by their ids, and memory by what has to be copied
      ...{ serverId, serverName: serverId, from, to, reason, memoryMiB: copiedMiB },
      ...(kind === 'cold' && { cold: { isOff, copiedMiB } }),
    })),
    zones: [...new Set(document.hosts.filter(({ name }) => hosts.has(name)).map(({ zone }) => zone))],
    opened: document.goal === 'undo' ? [...new Set(found.moves.map(({ to }) => to))] : [],
    emptied: [...new Set(found.moves.map(({ from }) => from))].filter((host) => emptied.has(host)),
  }
}
