import type { PlanDocument } from '../../core/plan-document.ts'
import type { ForecastMove } from './cost.ts'
import { type ColdChoice, coldChoices, type Model, type ModelServer, type PlannedMove } from './model.ts'

/**
 * The model as a plan sees it that may move servers cold. Those that are off move cold, and not at all when nobody chose
 * so; with `all` those that run do as well, and those that are paused stay: Nova migrates them live only.
 */
export function letMoveCold(model: Model, choice: ColdChoice = 'none'): Model {
  if (choice === 'none') return model
  return { ...model, servers: model.servers.map((server) => movedBy(server, choice)) }
}

function movedBy(server: ModelServer, choice: ColdChoice): ModelServer {
  if (server.isFreeWhenCold) {
    const { pinned: _off, ...free } = server
    return { ...free, kind: 'cold' }
  }
  if (choice !== 'all' || server.pinned !== undefined) return server
  if (server.power === 'paused') return { ...server, pinned: 'it is paused, and cannot be moved cold' }
  return { ...server, kind: 'cold' }
}

/** What a document was made with; one that says nothing moves nothing cold. */
export const coldChoiceOf = ({ options }: Pick<PlanDocument, 'options'>): ColdChoice =>
  coldChoices.find((choice) => choice === options.cold) ?? 'none'

/** How a server moves, and why, in one. */
export function howMoved({ kind, power }: ModelServer, reason: string): Pick<PlannedMove, 'kind' | 'isOff' | 'reason'> {
  if (kind !== 'cold') return { reason }
  if (power === 'off') return { reason: `${reason}; cold: it is off, and stays off`, kind, isOff: true }
  return { reason: `${reason}; cold: it is down meanwhile`, kind }
}

/** Where notes of plans say what people will feel. */
export const downtimeNote = 'downtime'

/** What whoever approves a plan has to know of servers that run and are moved cold. */
export function notesOnDowntime(moves: readonly ForecastMove[]): PlanDocument['notes'] {
  const down = moves.filter(takesDown).map(({ downtimeMs }) => Math.ceil(downtimeMs / 1000))
  if (down.length === 0) return []
  const [least, most] = [Math.min(...down), Math.max(...down)]
  const each = least === most ? `${most} s` : `${least} to ${most} s`
  return [
    {
      where: downtimeNote,
      says: `${down.length} server(s) that run are moved cold: each is down for about ${each}`,
    },
  ]
}

/** Whether a server that runs is down while it is moved. */
export const takesDown = ({
  kind,
  isOff,
}: {
  readonly kind?: string | undefined
  readonly isOff?: boolean | undefined
}) => kind === 'cold' && isOff !== true
