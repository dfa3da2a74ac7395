import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Peer, peers } from './peers.ts'
import type { Run, Task } from './run.ts'

interface Row {
  readonly model: string
  readonly what: string
  readonly run: Run
  /** Watcher's figures for the same. */
  readonly peer: string
  /** Proved least, where known. */
  readonly exact: string
  readonly goal: string
  readonly reached: boolean
}

const here = fileURLToPath(new URL('.', import.meta.url))
const dirs = [process.argv[2], join(here, 'models')].filter((dir) => dir !== undefined)
const growth: readonly NonNullable<Task['size']>[] = [
  { hosts: 50, servers: 1000 },
  { hosts: 100, servers: 2000 },
  { hosts: 250, servers: 5000 },
  { hosts: 500, servers: 10_000 },
  { hosts: 1000, servers: 20_000 },
  { hosts: 2000, servers: 40_000 },
  { hosts: 2000, servers: 40_000, groups: true },
]

const rows: Row[] = []
for (const [model, peer] of Object.entries(peers)) {
  const file = dirs.map((dir) => join(dir, `${model}.json`)).find(existsSync)
  if (file) rows.push(...rowsOf(model, file, peer))
  else process.stderr.write(`${model}: no such file; give the directory of the models as argument\n`)
}
for (const size of growth) {
  const model = `c${size.hosts}x${size.servers}${size.groups ? '-groups' : ''} (generated)`
  const consolidate = inOwnProcess({ size, goal: 'consolidate', options: {} })
  const reached = size.hosts < 2000 || (consolidate.cpuSeconds < 60 && consolidate.peakMemoryMiB < 1536)
  const goal = size.hosts < 2000 ? '' : '< 60 s, < 1,536 MiB'
  rows.push({ model, what: 'consolidate', run: consolidate, peer: '', exact: '', goal, reached })
  if (size.hosts < 2000 || size.groups) continue
  for (const task of [{ goal: 'balance' as const }, { goal: 'drain' as const, drainShare: 0.05 }])
    rows.push({
      model,
      what: task.goal,
      run: inOwnProcess({ size, options: {}, ...task }),
      peer: '',
      exact: '',
      goal: '',
      reached: true,
    })
}
print(rows)
const results = join(here, '..', 'results')
mkdirSync(results, { recursive: true })
writeFileSync(join(results, 'planner.json'), `${JSON.stringify({ node: process.version, rows }, null, 2)}\n`)
const failed = rows.filter(({ run, reached }) => !reached || run.violations.length > 0)
for (const { model, what, run } of failed)
  process.stderr.write(`${model}, ${what}: ${run.violations[0] ?? 'goal not reached'}\n`)
process.exitCode = failed.length > 0 ? 1 : 0

/** What is measured on one model, beside what Watcher does there. */
function rowsOf(model: string, file: string, peer: Peer): Row[] {
  const { hosts, moves, cpuSeconds } = peer.consolidation
  const watcher = `${hosts} hosts, ${moves} moves, ${cpuSeconds} s`
  const fewest = inOwnProcess({ file, goal: 'consolidate', options: {} })
  const same = inOwnProcess({ file, goal: 'consolidate', options: { maxHosts: hosts } })
  const spent = inOwnProcess({ file, goal: 'consolidate', options: { maxMoves: moves } })
  const drain = inOwnProcess({ file, goal: 'drain', options: {}, drainShare: 0.1 })
  const mostMoves = peer.goal.movesAtPeerHosts ?? moves - 1
  return [
    {
      model,
      what: 'consolidate',
      run: fewest,
      peer: watcher,
      exact: `${peer.exactHosts} hosts, ${peer.exactMoves} moves`,
      goal: `≤ ${peer.goal.hosts} hosts${peer.goal.cpuSeconds ? `, ≤ ${peer.goal.cpuSeconds} s` : ''}`,
      reached: fewest.hostsAfter <= peer.goal.hosts && fewest.cpuSeconds <= (peer.goal.cpuSeconds ?? 5),
    },
    {
      model,
      what: `consolidate, --max-hosts ${hosts}`,
      run: same,
      peer: watcher,
      exact: peer.exactMovesAtPeerHosts ? `${hosts} hosts, ${peer.exactMovesAtPeerHosts} moves` : '',
      goal: `≤ ${mostMoves} moves`,
      reached: same.hostsAfter <= hosts && same.moves <= mostMoves,
    },
    {
      model,
      what: `consolidate, --max-moves ${moves}`,
      run: spent,
      peer: watcher,
      exact: '',
      goal: `≤ ${hosts} hosts`,
      reached: spent.hostsAfter <= hosts,
    },
    ...peer.balancing.map((row, i): Row => {
      const maxMoves = Math.floor(row.moves / 2)
      const run = inOwnProcess({ file, goal: 'balance', options: i === 0 ? {} : { maxMoves } })
      return {
        model,
        what: i === 0 ? 'balance' : `balance, --max-moves ${maxMoves}`,
        run,
        peer: `deviation ${row.deviation}, ${row.moves} moves, ${row.overfull} hosts over capacity`,
        exact: '',
        goal: `≤ ${row.deviation}, ≤ ${maxMoves} moves`,
        reached: run.deviationAfter <= row.deviation && run.moves <= maxMoves,
      }
    }),
    { model, what: 'drain a tenth', run: drain, peer: '', exact: '', goal: '', reached: true },
  ]
}

function inOwnProcess(task: Task): Run {
  const args = [...process.execArgv, join(here, 'one.ts'), JSON.stringify(task)]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${JSON.stringify(task)}: ${stderr}`)
  return JSON.parse(stdout) as Run
}

function print(all: readonly Row[]): void {
  const head = ['MODEL', 'WHAT', 'HOSTS', 'BOUND', 'MOVES', 'WAVES', 'DEVIATION', 'CPU s', 'MiB', 'BROKEN', 'GOAL', '']
  const lines = all.map(({ model, what, run, goal, reached }) => [
    model,
    what,
    `${run.hostsBefore} → ${run.hostsAfter}`,
    String(run.bound),
    String(run.moves),
    String(run.waves),
    `${run.deviationBefore.toFixed(2)} → ${run.deviationAfter.toFixed(2)}`,
    run.cpuSeconds.toFixed(2),
    String(run.peakMemoryMiB),
    String(run.violations.length),
    goal,
    goal ? (reached ? 'reached' : 'MISSED') : '',
  ])
  const notes = all.map(({ peer, exact }) => [peer, exact])
  const table = [[...head, 'WATCHER 17', 'EXACT'], ...lines.map((line, i) => [...line, ...notes[i]!])]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)))
  for (const line of table)
    process.stdout.write(
      `${line
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd()}\n`,
    )
}
