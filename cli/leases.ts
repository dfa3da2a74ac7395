import type { Command } from 'commander'
import { z } from 'zod'
import { LeaseView } from '../api/routes/leases.ts'
import { codeOf } from '../core/errors.ts'
import { type Ask, connectApi } from './api-client.ts'
import { printFields, printTable } from './print.ts'
import { spanSeconds } from './span.ts'

const List = z.object({ leases: z.array(LeaseView) })

interface TakeOptions {
  for: number
  why: string
  wait: number
}

/** lease …: who may act on what, and holds for your own work. */
export function addLeaseCommands(program: Command): void {
  const lease = program.command('lease').description('who may act on what; a hold of yours keeps every runbook away')
  lease
    .command('list')
    .description('leases, then those who wait')
    .action(async (_options: object, command: Command) => {
      const ask = await connectApi(command)
      const { leases } = List.parse(await ask('GET', '/leases'))
      const rows = leases.map((l) => [l.targets.join(' '), l.state, l.by, l.runbook, l.since, l.until, l.why, l.id])
      printTable(command, leases, ['TARGETS', 'STATE', 'BY', 'RUNBOOK', 'SINCE', 'UNTIL', 'WHY', 'ID'], rows)
    })
  lease
    .command('take <target...>')
    .description('hold targets for your own work, such as: lease take host/cmp-7 --for 2h --why "new disk"')
    .requiredOption('--for <duration>', 'it ends by itself after this, such as 2h', spanSeconds)
    .requiredOption('--why <text>', 'for those who find it held (required)')
    .option('--wait <duration>', 'in line; a less urgent run there is asked to come to an end', spanSeconds, 0)
    .action(async (targets: string[], options: TakeOptions, command: Command) => {
      const ask = await connectApi(command)
      show(command, await take(ask, targets, options))
    })
  lease
    .command('extend <id>')
    .description('let it end so long from now')
    .requiredOption('--for <duration>', 'such as 2h', spanSeconds)
    .action(async (id: string, { for: forSeconds }: { for: number }, command: Command) => {
      const ask = await connectApi(command)
      show(command, await ask('PUT', `/leases/${encodeURIComponent(id)}`, { forSeconds }))
    })
  lease
    .command('release <id>')
    .description('end it')
    .action(async (id: string, _options: object, command: Command) => {
      const ask = await connectApi(command)
      show(command, await ask('DELETE', `/leases/${encodeURIComponent(id)}`))
    })
}

/** One question keeps the line for this long; who waits for longer asks again. */
const turnSeconds = 50

async function take(ask: Ask, targets: string[], { for: forSeconds, why, wait }: TakeOptions): Promise<unknown> {
  for (const deadline = Date.now() + wait * 1000; ; ) {
    const leftSeconds = Math.max(0, Math.floor((deadline - Date.now()) / 1000))
    try {
      return await ask('POST', '/leases', { targets, forSeconds, why, waitSeconds: Math.min(turnSeconds, leftSeconds) })
    } catch (error) {
      if (codeOf(error) !== 'TARGET_BUSY' || leftSeconds <= turnSeconds) throw error
    }
  }
}

function show(command: Command, answer: unknown): void {
  const view = LeaseView.parse(answer)
  printFields(command, view, [
    ['id', view.id],
    ['targets', view.targets.join(', ')],
    ['by', view.by],
    ['since', view.since],
    ['until', view.until],
    ['why', view.why],
  ])
}
