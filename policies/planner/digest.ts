import type { PlanDigest } from '../../core/cloud-plan.ts'
import type { PlanDocument } from '../../core/plan-document.ts'
import { takesDown } from './cold.ts'

/** What is told of a document where the whole of it would be too much. */
export function digestOf(document: PlanDocument, pack: string): PlanDigest {
  const { id, validity, waves, forecast } = document
  const { released, ...efficacy } = document.efficacy
  const moves = waves.flatMap((wave) => wave.moves)
  const takenDown = moves.filter(takesDown).length
  return {
    ...(takenDown > 0 && { takenDown }),
    ...{ id, pack, takenAt: validity.takenAt, expiresAt: validity.expiresAt },
    moves: moves.length,
    hosts: new Set(moves.flatMap(({ from, to }) => [from, to])).size,
    ...{ efficacy, released: released.length, powerOff: document.energy.powerOff, forecast },
    waves: waves.map(({ wave, moves: own, durationMs }) => ({ wave, moves: own.length, durationMs })),
  }
}
