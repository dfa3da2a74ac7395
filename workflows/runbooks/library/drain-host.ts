import { z } from 'zod'
import { failure } from '../../../core/errors.ts'
import type { Target } from '../../../core/governor.ts'
import type { DrainPlan, Move } from '../../../core/plan.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import { read } from '../../../policies/nova-facts.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook, type RunResult } from '../../sdk/definition.ts'
import { failedOnes } from '../../sdk/outcomes.ts'
import { migrationLimitMs, titleOfMove } from '../relieve-host.ts'
import { closeHost, hostServiceNeeds } from './host-service.ts'
import { lookAtHost, lookCalls } from './looks.ts'

const Input = z.strictObject({
  host: HostName.describe('the host to empty'),
  reason: z.string().trim().min(1).max(200).describe('stands beside the disabled service, for the next person'),
  atOnce: z
    .int()
    .min(1)
    .max(10)
    .default(1)
    .describe('servers on the way at the same time; Nova lets one leave a host by default, others wait in its queue'),
})
type Drain = z.output<typeof Input>

/** Servers may arrive until the host is closed, and be on their way still: that many plans are made at most. */
const mostRounds = 3
const planWithinMs = 300_000

/** Empties a host for maintenance and leaves it closed. */
export const drainHost = defineRunbook({
  name: 'drain-host',
  title: 'Empty a host for maintenance',
  description:
    'Disables the compute service of a host and moves all its servers away live, wave by wave, as the planner says; the host stays disabled, and return-host opens it again. Refuses whole, and names the servers and why, when one of them cannot move or has no place to go. If a move fails or the run is cancelled, the host is enabled again, unless it had been disabled before; servers that have moved stay moved.',
  input: Input,
  risk: 'move',
  needs: {
    roles: ['admin'],
    calls: [...lookCalls.services, ...hostServiceNeeds.calls, 'compute GET /servers'],
    actions: [...hostServiceNeeds.actions],
    steps: ['planDrain', 'liveMigrate'],
  },
  async prepare(run, input) {
    await assertUp(run, input)
    return plan(run, input)
  },
  targets: ({ host }, { waves }) => [
    ...new Set([`host/${host}` as Target, ...waves.flat().map((move): Target => `server/${move.serverId}`)]),
  ],
  within: ({ host }, { waves }) =>
    [...new Set(waves.flat().flatMap(({ from, to }): Target[] => [`host/${from}`, `host/${to}`]))].filter(
      (target) => target !== `host/${host}`,
    ),
  expectedMinutes: (_input, { waves }) =>
    5 +
    waves.reduce((sum, wave) => sum + Math.max(...wave.map(({ memoryMiB }) => migrationLimitMs(memoryMiB))), 0) /
      60_000,
  async run(run, input, prepared) {
    const { host, reason } = input
    await assertUp(run, input)
    const isOurs = await closeHost(run, { runbook: 'drain-host', host, why: reason })
    run.evidence('plan', inShort(prepared))
    if (run.dryRun) return tell(run, input, prepared)
    const moved: Move[] = []
    for (let round = 1, next = prepared; ; round++) {
      for (const [at, wave] of next.waves.entries())
        moved.push(...(await carryOut(run, input, wave, round === 1 && at === 0)))
      const left = await serversOn(run, host)
      if (left.length === 0) break
      const names = left.map(({ name }) => name).join(', ')
      if (round === mostRounds)
        throw failure('RESULT_UNVERIFIED', `${host} is not empty: ${names.slice(0, 300)} are on it`, { host })
      run.note(`${left.length} server(s) on ${host} are not in the plan: ${names.slice(0, 200)}`)
      run.safePoint()
      next = await plan(run, input)
    }
    const closed = isOurs ? 'disabled' : 'disabled as it was before'
    return { summary: `${host} is empty and ${closed}; ${moved.length} move(s)`, moved, disabledByUs: isOurs }
  },
})

/** Most moves kept as evidence, whose size is limited; all of them are in the history. */
const mostKept = 300

const inShort = ({ takenAt, waves }: DrainPlan) => {
  const moves = waves.flatMap((wave, at) => wave.map(({ serverId, to }) => ({ wave: at + 1, serverId, to })))
  return { takenAt, moves: moves.slice(0, mostKept), inAll: moves.length }
}

/** Most moves told one by one: all of them are in one step of the engine. */
const mostTold = 50

async function tell(run: RunContext, { host }: Drain, { waves }: DrainPlan): Promise<RunResult> {
  const moves = waves.flat()
  for (const move of moves.slice(0, mostTold))
    await run.patient(titleOfMove(move), migrationLimitMs(move.memoryMiB)).liveMigrate(move)
  if (moves.length > mostTold) run.note(`and ${moves.length - mostTold} more moves`)
  return { summary: `${host} would be emptied by ${moves.length} move(s) in ${waves.length} wave(s)` }
}

/** A live migration needs both ends. @throws HOST_UNKNOWN, HOST_UNFIT */
async function assertUp(run: RunContext, { host }: Drain): Promise<void> {
  const { isUp } = await lookAtHost(run, host)
  if (!isUp)
    throw failure(
      'HOST_UNFIT',
      `${host} cannot be emptied: its nova-compute is down, so that nothing can leave it live`,
      { host },
    )
}

const plan = (run: RunContext, { host, atOnce }: Drain): Promise<DrainPlan> =>
  run.patient(`Plan how to empty ${host}`, planWithinMs).planDrain({ host, atOnce })

/** One wave; the very first move of all goes alone. What is under way when one fails is seen through. */
async function carryOut(run: RunContext, { atOnce }: Drain, wave: readonly Move[], isFirst: boolean): Promise<Move[]> {
  const outcomes = await run.forEach(wave, { atOnce, canary: isFirst ? 1 : 0 }, (move) =>
    run.patient(titleOfMove(move), migrationLimitMs(move.memoryMiB)).liveMigrate(move),
  )
  const failed = failedOnes(outcomes)
  const [first] = failed
  if (first)
    throw failure(
      'MIGRATION_FAILED',
      `${failed.length} of ${wave.length} move(s) of this wave were not made: ${first.reason}`,
      {
        servers: failed.map(({ item }) => item.serverId),
      },
    )
  return outcomes.map(({ item, result }) => ({ ...item, to: result?.host ?? item.to }))
}

const Servers = z.array(z.object({ id: z.string(), name: z.string().default('') }))

/** All that Nova has on a host, of whatever project and in whatever state. */
export async function serversOn(run: Pick<RunContext, 'read'>, host: string): Promise<{ id: string; name: string }[]> {
  const { body } = await run.read({
    service: 'compute',
    path: `/servers?all_tenants=true&host=${encodeURIComponent(host)}`,
    list: 'servers',
  })
  return read(z.object({ servers: Servers }), body, 'a list of servers').servers
}
