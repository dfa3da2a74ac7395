import type { Incident, IncidentCommand } from '../core/incident.ts'
import type { IncidentDesk } from '../temporal/incident-desk.ts'
import type { IncidentList } from '../temporal/incident-list.ts'
import { refuseSameHand } from './approval-links.ts'

type Given = Omit<Extract<IncidentCommand, { does: 'answer' }>, 'does'>

/**
 * Takes a person's answer to a plan to its incident, by login or by link; both count once.
 *
 * @throws APPROVAL_OWN, APPROVAL_STALE, INCIDENT_CLOSED, INCIDENT_NOT_FOUND, ENGINE_UNREACHABLE
 */
export async function answerPlan(
  { incidents, desk }: { incidents: IncidentList; desk: IncidentDesk },
  id: string,
  given: Given,
): Promise<Incident> {
  // a no needs no second person, and is never held up
  if (given.says === 'approved') {
    const { answers } = await incidents.show(id)
    refuseSameHand(given.by, given.planId, answers)
  }
  return desk.command(id, { does: 'answer', ...given })
}
