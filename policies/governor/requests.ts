import type { LeaseRequest, PastRun, Requester, Target } from '../../core/governor.ts'

/** Nobody weighed this one request: the brakes for machines count. */
export const isAutomatic = ({ requester }: { readonly requester: Requester }) =>
  requester === 'alert' || requester === 'plan'

/** A read harms nobody: it is in nobody's way, and counts against nothing. */
export const changes = ({ risk }: LeaseRequest) => risk !== 'read'

/** A person's own lease: no workflow can be asked about it, so it just ends. */
export const isPlain = ({ holder }: LeaseRequest) => holder.workflowId === undefined

/** "I work on this host": nothing is run. */
export const isHold = (request: LeaseRequest) =>
  request.requester === 'person' && request.runbook === 'hold' && isPlain(request)

export const isKind = (target: Target, kind: 'host/' | 'server/' | 'project/' | 'zone/') => target.startsWith(kind)

/** What of one kind a run has to do with, each once. */
export function placesOf(
  { targets, within }: Pick<PastRun, 'targets' | 'within'>,
  kind: 'project/' | 'zone/',
): Target[] {
  const places: Target[] = []
  for (const place of targets) if (isKind(place, kind) && !places.includes(place)) places.push(place)
  for (const place of within) if (isKind(place, kind) && !places.includes(place)) places.push(place)
  return places
}
