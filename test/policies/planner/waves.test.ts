import { describe, expect, it } from 'vitest'
import { tabulate } from '../../../policies/planner/tables.ts'
import { schedule } from '../../../policies/planner/waves.ts'
import { apart, cloud, host, server } from './clouds.ts'

const options = (...spares: number[]) => ({ outgoingPerHost: 1, spares })

describe('moves in waves', () => {
  it('wait until room has been made', () => {
    const tables = tabulate(cloud([host('a'), host('b'), host('c')], [server('1', 'a', 8), server('2', 'b', 16)]), 90)
    const { steps, blocked } = schedule(tables, Int32Array.of(1, 2), options(0, 1, 2))
    expect(steps.map(({ wave, server, to }) => [wave, server, to])).toEqual([
      [1, 1, 2],
      [2, 0, 1],
    ])
    expect(blocked).toEqual([])
  })

  it('go round a circle with a detour, if a host has room to spare', () => {
    const full = cloud([host('a'), host('b'), host('c')], [server('1', 'a', 16), server('2', 'b', 16)])
    const swap = Int32Array.of(1, 0)
    const { steps, blocked } = schedule(tabulate(full, 90), swap, options(0, 1, 2))
    expect(steps.map(({ wave, server, to, detour }) => [wave, server, to, detour])).toEqual([
      [1, 0, 2, true],
      [2, 1, 0, false],
      [3, 0, 1, false],
    ])
    expect(blocked).toEqual([])
    expect(schedule(tabulate(full, 90), swap, options(0, 1))).toEqual({ steps: [], blocked: [0, 1] })
  })

  it('never let rivals meet, not even while one of them is leaving', () => {
    const rivals = cloud(
      [host('a'), host('b'), host('c')],
      [server('1', 'a', 1), server('2', 'b', 1)],
      [apart('g', '1', '2')],
    )
    const { steps } = schedule(tabulate(rivals, 90), Int32Array.of(1, 2), options(0, 1, 2))
    expect(steps.map(({ wave, server }) => [wave, server])).toEqual([
      [1, 1],
      [2, 0],
    ])
    expect(schedule(tabulate(rivals, 90), Int32Array.of(1, 0), options(0, 1)).blocked).toEqual([0, 1])
  })

  it('count real CPU on both hosts', () => {
    const busy = { cpuPercent: 400 }
    const tables = tabulate(
      cloud([host('a'), host('b'), host('c')], [server('1', 'a', 1, busy), server('2', 'b', 1, busy)]),
      90,
    )
    const { steps } = schedule(tables, Int32Array.of(1, 2), options())
    expect(steps.map(({ wave }) => wave)).toEqual([1, 2])
  })
})
