import { AuditEvent as Cadf } from '../../../core/audit.ts'

/** What Steward's audit says about something done to a host or a server. */
export interface AuditEvent {
  readonly id: string
  readonly at: number
  readonly phase: 'intent' | 'outcome'
  readonly action: string
  readonly outcome: Cadf['outcome']
  readonly runId: string
  readonly targets: readonly string[]
  readonly line: string
}

/** Reads CADF lines; what people told Steward itself, and trusts, are left out. */
export function readAudit(lines: readonly string[]): AuditEvent[] {
  return lines.flatMap((line) => {
    const { id, eventTime, action, outcome, target, attachments } = Cadf.parse(JSON.parse(line))
    const content = attachments[0]?.content
    const isOnCloud =
      target.typeURI === 'compute/machine' ||
      target.typeURI.startsWith('service/compute') ||
      target.typeURI === 'service/process'
    if (!content || !isOnCloud || action === 'read') return []
    const phase = outcome === 'pending' ? 'intent' : 'outcome'
    return [
      { id, at: Date.parse(eventTime), phase, action, outcome, runId: content.runId, targets: targetsOf(target), line },
    ]
  })
}

function targetsOf({ id, typeURI }: Cadf['target']): string[] {
  if (typeURI === 'compute/machine') return id ? [`server/${id}`] : []
  if (typeURI === 'service/process') return [`host/${id.split('/')[0]}`]
  const [, serverId] = /\/servers\/([0-9a-f-]{36})/.exec(id) ?? []
  return serverId ? [`server/${serverId}`] : id ? [id] : []
}
