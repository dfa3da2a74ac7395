import type { Evidence } from '../../core/activities.ts'
import type { LogLine } from '../../core/alert.ts'
import type { Hands } from '../sdk/context.ts'
import { quick } from '../steps.ts'
import { runbook } from './runbook.ts'

export interface CollectEvidence {
  host: string
  lines: readonly LogLine[]
}

/**
 * Keeps what a person needs to understand a burst of errors: the lines around it and the state of Nova's services.
 * Changes nothing.
 *
 * @throws DELEGATION_MISSING
 */
export async function collectEvidence({ host, lines }: CollectEvidence): Promise<{ summary: string } & Evidence> {
  const need = { runbook: 'collect-evidence', targets: [], within: [], risk: 'read', expectedMs: 60_000 } as const
  return runbook(
    'collect-evidence',
    () => ({ need }),
    undefined,
    (note) => keepEvidence({ note, quick }, { host, lines }),
  )
}

/** Reads the services and says how they are. */
export async function keepEvidence(
  { note, quick }: Pick<Hands, 'note' | 'quick'>,
  { host, lines }: CollectEvidence,
): Promise<{ summary: string } & Evidence> {
  const evidence = await quick(`Collect service states around ${host}`).collectEvidence({ host, lines })
  const down = evidence.services.filter((s) => s.state === 'down')
  note(`kept ${lines.length} line(s); ${down.length} of ${evidence.services.length} services down`)
  const states = down.length === 0 ? 'all up' : `down: ${down.map((s) => `${s.binary}@${s.host}`).join(', ')}`
  return { summary: `${lines.length} line(s) kept; services ${states}`, ...evidence }
}
