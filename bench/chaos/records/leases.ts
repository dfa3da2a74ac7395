import { z } from 'zod'
import type { Sample } from '../background.ts'

const Lease = z.object({
  id: z.string(),
  state: z.enum(['held', 'waiting']),
  requester: z.string(),
  by: z.string(),
  runbook: z.string(),
  targets: z.array(z.string()),
  since: z.string(),
  workflowId: z.string().optional(),
})
export type LeaseSeen = z.infer<typeof Lease>

const Shown = z.object({ leases: z.array(Lease) })

/** The leases that were held when the sample was taken; none when Steward did not answer. */
export function leasesIn({ leases }: Pick<Sample, 'leases'>): LeaseSeen[] {
  return leases === undefined ? [] : Shown.parse(leases).leases.filter(({ state }) => state === 'held')
}
