import { describe, expect, it } from 'vitest'
import { driveOf, energyOf, hostsToWake, wattsOf } from '../../../policies/planner/energy.ts'
import { planGoal } from '../../../policies/planner/plan-goal.ts'
import { cloud, host, server } from './clouds.ts'

const power = { idleWatts: 100, maxWatts: 300 }
const powered = (name: string, more: object = {}) => host(name, { power, ...more })

describe('the draw of a host', () => {
  it.each([
    [0, 100],
    [50, 200],
    [100, 300],
    [150, 300],
  ])('at %i %% is %i W', (percent, watts) => expect(wattsOf(powered('a'), percent)).toBe(watts))

  it('is not known where nobody said it', () => expect(wattsOf(host('a'), 50)).toBeUndefined())
})

describe('the energy of a plan', () => {
  const model = cloud(
    [powered('a'), powered('b'), powered('c'), host('d')],
    [server('1', 'a', 4, { cpuPercent: 400 }), server('2', 'b', 2, { cpuPercent: 80 })],
  )
  const plan = planGoal(model, 'consolidate')

  it('falls by the idle draw of what is switched off', () => {
    expect(plan.released).toEqual(['b'])
    expect(energyOf(model, plan, { reserveHosts: 0 })).toEqual({
      wattsBefore: 200 + 120 + 100,
      wattsAfter: 220,
      powerOff: ['b', 'c'],
      reserve: [],
      unknown: ['d'],
    })
  })

  it('leaves a reserve awake, and never switches off what it knows nothing of', () => {
    const { reserve, powerOff, wattsAfter } = energyOf(model, plan)
    expect(reserve).toEqual(['b'])
    expect(powerOff).toEqual(['c'])
    expect(wattsAfter).toBe(220 + 100)
    expect(energyOf(model, plan, { reserveHosts: 9 }).powerOff).toEqual([])
  })

  it('takes the reserve from every zone before any gives two, the largest first', () => {
    const big = { capacity: { vcpu: 16, memoryMiB: 64, diskGiB: 100 } }
    const zones = cloud(
      [powered('a'), powered('b', big), powered('c', big), powered('d', { zone: 'az2' }), powered('e')],
      [server('1', 'a', 1)],
    )
    expect(energyOf(zones, { moves: [] }, { reserveHosts: 2 }).reserve).toEqual(['b', 'd'])
  })

  it('does not switch off hosts that are closed: somebody is at work there', () => {
    const closed = cloud([powered('a'), powered('b', { usable: false })], [server('1', 'a', 1)])
    expect(energyOf(closed, { moves: [] }, { reserveHosts: 0 }).powerOff).toEqual([])
  })
})

describe('how hard to save', () => {
  it.each<[number, string | undefined, number | undefined]>([
    [1, 'consolidate', 90],
    [0.8, 'consolidate', 75],
    [0.6, 'consolidate', 60],
    [0.45, undefined, undefined],
    [0.3, 'spread', undefined],
    [0, 'spread', undefined],
    [Number.NaN, undefined, undefined],
    [1.2, undefined, undefined],
    [-0.1, undefined, undefined],
  ])('follows a signal of %d', (signal, goal, maxCpuPercent) => {
    const drive = driveOf(signal)
    expect(drive.goal).toBe(goal)
    if (maxCpuPercent === undefined) expect(drive.options.maxCpuPercent).toBeUndefined()
    else expect(drive.options.maxCpuPercent).toBeCloseTo(maxCpuPercent)
    expect(drive.reason).toContain(`signal ${signal}`)
  })
})

describe('hosts are woken before they are needed', () => {
  const large = { capacity: { vcpu: 32, memoryMiB: 64, diskGiB: 100 } }
  const model = (vcpu: number) =>
    cloud([host('a'), host('b', { usable: false }), host('c', { ...large, usable: false })], [server('1', 'a', vcpu)])
  const asleep = new Set(['b', 'c'])

  it('not while enough is free', () => expect(hostsToWake(model(14), asleep)).toEqual({ wake: [], suffices: true }))
  it('the largest first, when less than a tenth is free', () =>
    expect(hostsToWake(model(15), asleep)).toEqual({ wake: ['c'], suffices: true }))
  it('all of them, if even they are too few, which is said', () => {
    expect(hostsToWake(model(16), asleep, 0.9)).toEqual({ wake: ['c', 'b'], suffices: false })
  })
  it('only those that sleep: a host closed by somebody stays closed', () => {
    expect(hostsToWake(model(15), new Set(['b'])).wake).toEqual(['b'])
  })
})
