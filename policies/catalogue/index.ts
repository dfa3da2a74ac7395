import { failure } from '../../core/errors.ts'
import { baremetal } from './baremetal.ts'
import { compute } from './compute.ts'
import type { ActionSpec } from './entry.ts'
import { identity } from './identity.ts'
import { image } from './image.ts'
import { loadBalancer } from './load-balancer.ts'
import { network } from './network.ts'
import { orchestration } from './orchestration.ts'
import { volume } from './volume.ts'

export type { ActionSpec, Known, Seen } from './entry.ts'

/** The common actions of OpenStack by their names. A name is public API: add freely, rename never. */
export const actionCatalogue: ReadonlyMap<string, ActionSpec> = new Map(
  [...compute, ...volume, ...image, ...network, ...orchestration, ...loadBalancer, ...baremetal, ...identity].map(
    (spec) => [spec.name, spec],
  ),
)

/**
 * Finds an action by its name.
 *
 * @throws INPUT_INVALID naming the nearest ones, when there is none
 */
export function actionNamed(name: string): ActionSpec {
  const spec = actionCatalogue.get(name)
  if (spec) return spec
  const [thing = ''] = name.split('.', 1)
  const near = [...actionCatalogue.keys()].filter((known) => known.startsWith(`${thing}.`))
  const hint = near.length > 0 ? `; ${thing} has ${near.map((known) => known.slice(thing.length + 1)).join(', ')}` : ''
  throw failure('INPUT_INVALID', `there is no action ${name.slice(0, 100)}${hint}`, { action: name.slice(0, 100) })
}
