import type { MoveState, PlanShown, WaveView } from '../../core/cloud-plan.ts'
import type { PlanDocument } from '../../core/plan-document.ts'

/** Every move of a document with what has become of it. `running`: what the run at work says of its wave. */
export function movesOf(
  { waves: planned }: Pick<PlanDocument, 'waves'>,
  waves: readonly WaveView[],
  running?: { readonly wave: number; readonly states: readonly MoveState[] },
): PlanShown['moves'] {
  return planned.flatMap(({ wave, moves }) => {
    const view = waves.find((one) => one.wave === wave)
    const states = running?.wave === wave ? running.states : view?.states
    const all = view?.state === 'done' ? 'moved' : 'waiting'
    return moves.map(({ serverId, from, to, kind = 'live' }, at) => ({
      ...{ wave, serverId, from, to, kind, state: states?.[at] ?? all },
    }))
  })
}
