import { z } from 'zod'
import { RelieveHost } from '../../../core/policy.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { carryOutRelief, inWords, migrationLimitMs, planRelief, reliefLease, titleOfMove } from '../relieve-host.ts'

const Input = z.strictObject({ host: HostName.describe('the host that is too full'), ...RelieveHost.shape })

/** What incidents do to a host that is too full, for people to start by hand. */
export const relieveHost = defineRunbook({
  name: 'relieve-host',
  title: 'Bring a host under its limit',
  description:
    'Plans the fewest live migrations that bring a host under its limit of vCPUs or memory given away, and makes them one after another. Refuses when no allowed moves reach that. The first migration that fails ends the run; servers moved before stay moved.',
  input: Input,
  risk: 'move',
  needs: { roles: ['admin'], steps: ['planRelief', 'liveMigrate'] },
  prepare: (run, order) => planRelief(order, run),
  targets: ({ host }, plan) => reliefLease({ host, plan }).targets,
  within: ({ host }, plan) => reliefLease({ host, plan }).within,
  expectedMinutes: ({ host }, plan) => reliefLease({ host, plan }).expectedMs / 60_000,
  async run(run, order, plan) {
    run.evidence('plan', plan)
    if (!run.dryRun) return { ...(await carryOutRelief(run, order, plan)) }
    for (const move of plan.moves)
      await run.patient(titleOfMove(move), migrationLimitMs(move.memoryMiB)).liveMigrate(move)
    return { summary: `${order.host}: ${inWords(plan)}` }
  },
})
