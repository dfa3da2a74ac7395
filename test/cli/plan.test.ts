import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { addPlanCommands } from '../../cli/plan.ts'
import { codeOf } from '../../core/errors.ts'

const model = 'bench/planner/models/c10x80.json'
const dir = mkdtempSync(join(tmpdir(), 'steward-plan-'))
afterAll(() => rmSync(dir, { recursive: true }))
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

/** The command as the program has it, with what it wrote. */
async function steward(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0)
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0)
  const program = new Command('steward').option('--json').exitOverride()
  addPlanCommands(program)
  for (const plan of program.commands) for (const command of [plan, ...plan.commands]) command.exitOverride()
  const failed = await program.parseAsync(['node', 'steward', 'plan', 'simulate', ...args]).then(
    () => undefined,
    (error: unknown) => error,
  )
  const exitCode = process.exitCode
  vi.restoreAllMocks()
  return { out: out.join(''), err: err.join(''), failed, exitCode }
}

function written(name: string, content: string) {
  const path = join(dir, name)
  writeFileSync(path, content)
  return path
}

describe('steward plan simulate', () => {
  it('moves servers cold that the file says are off, if that is chosen', async () => {
    const row = { host: 'a', vcpus: 1, mem_mib: 1, disk_gib: 1, cpu_util_pct: 0 }
    const size = { az: 'z', vcpus: 8, mem_mib: 16, disk_gib: 100 }
    const ratios = { cpu_allocation_ratio: 1, mem_allocation_ratio: 1, disk_allocation_ratio: 1 }
    const content = {
      format: 'mist-peers-cluster/1',
      hosts: ['a', 'b'].map((name) => ({ name, ...size, ...ratios })),
      instances: [
        { ...row, id: 'on', state: 'active' },
        { ...row, id: 'off', state: 'shutoff' },
      ],
    }
    const file = written('off.json', JSON.stringify(content))
    const drain = [file, '--goal', 'drain', '--drain', 'a', '--json']
    expect((await steward(...drain)).exitCode).toBe(1)
    const { moves } = JSON.parse((await steward(...drain, '--cold', 'stopped')).out)
    expect(moves).toEqual([
      expect.objectContaining({ serverId: 'off', kind: 'cold', isOff: true }),
      expect.not.objectContaining({ kind: 'cold' }),
    ])
  })

  it('prints one JSON object with the fields promised', async () => {
    const { out, err } = await steward(model, '--goal', 'consolidate', '--json')
    const plan = JSON.parse(out)
    expect(err).toBe('')
    expect(plan).toMatchObject({ goal: 'consolidate', hostsBefore: 10, hostsAfter: 4, bound: { hosts: 4 } })
    expect(Object.keys(plan)).toEqual([
      'goal',
      'hostsBefore',
      'hostsAfter',
      'released',
      'moves',
      'skipped',
      'bound',
      'deviationBefore',
      'deviationAfter',
      'cpuSeconds',
      'peakMemoryMiB',
    ])
    expect(Object.keys(plan.moves[0])).toEqual(['wave', 'serverId', 'from', 'to', 'reason'])
    expect(plan.released).toHaveLength(6)
    expect(plan.cpuSeconds).toBeGreaterThan(0)
    expect(plan.peakMemoryMiB).toBeGreaterThan(10)
  })

  it('passes its limits on', async () => {
    const limited = JSON.parse((await steward(model, '--goal', 'consolidate', '--max-moves', '17', '--json')).out)
    expect(limited).toMatchObject({ hostsAfter: 6 })
    expect(limited.moves).toHaveLength(17)
    const asked = JSON.parse((await steward(model, '--goal', 'consolidate', '--max-hosts', '5', '--json')).out)
    expect(asked).toMatchObject({ hostsAfter: 5 })
    const cool = JSON.parse((await steward(model, '--goal', 'consolidate', '--max-cpu', '30.5', '--json')).out)
    expect(cool.hostsAfter).toBeGreaterThan(4)
    const wide = JSON.parse((await steward(model, '--goal', 'consolidate', '--outgoing', '9', '--json')).out)
    expect(wide.moves.at(-1).wave).toBeLessThan(4)
    const even = JSON.parse((await steward(model, '--goal', 'balance', '--target-deviation', '2', '--json')).out)
    expect(even.deviationAfter).toBeLessThanOrEqual(2)
  })

  it('levels what it is told to', async () => {
    const byCpu = JSON.parse((await steward(model, '--goal', 'balance', '--json')).out)
    const { out } = await steward(model, '--goal', 'balance', '--weights', 'cpu=1,memory=2', '--json')
    expect(JSON.parse(out).moves.length).toBeGreaterThan(byCpu.moves.length)
    const byDay = await steward(model, '--goal', 'balance', '--weights', 'cpu=1,cpu-day=1', '--json')
    expect(JSON.parse(byDay.out).moves).toEqual(byCpu.moves)
  })

  it('drains the hosts named', async () => {
    const { out } = await steward(model, '--goal', 'drain', '--drain', 'host-0001', 'host-0002', '--json')
    expect(JSON.parse(out).released).toEqual(['host-0001', 'host-0002'])
  })

  it('shows people figures, hosts before and after, moves, and why the rest stays', async () => {
    const { out } = await steward(model, '--goal', 'consolidate')
    expect(out).toContain('consolidate: 10 hosts in use before, 4 after, at best 4\n')
    expect(out).toContain('before ▂▄█▄█▃█▃▁▇\n')
    expect(out).toMatch(/after {2}.?·{4}/)
    expect(out).toMatch(/WAVE +SERVER +FROM +TO +WHY\n1 +/)
    expect(out).toMatch(/LEFT ALONE +WHY\nhost-0000, .* and 1 more +no plan can do with fewer than 4 hosts/)
  })

  it('says which servers are in the way of a drain, as JSON too, and fails', async () => {
    const hosts = Array.from({ length: 9 }, (_, i) => `host-000${i}`)
    const { out, err, exitCode } = await steward(model, '--goal', 'drain', '--drain', ...hosts, '--json')
    const plan = JSON.parse(out)
    expect(exitCode).toBe(1)
    expect(plan).toMatchObject({ hostsBefore: 10, hostsAfter: 10, moves: [], released: [] })
    expect(plan.skipped[0]).toMatchObject({
      serverId: expect.any(String),
      reason: expect.stringContaining('fits on no'),
    })
    expect(err).toContain('PLAN_IMPOSSIBLE')
    const few = await steward(model, '--goal', 'drain', '--drain', 'host-0001', '--max-moves', '1')
    expect(few.out).toBe('')
    expect(few.err).toContain('and 1 are allowed')
  })

  it.each<[string, () => string[], string]>([
    ['a file that is not there', () => [join(dir, 'none.json'), '--goal', 'balance'], 'none.json cannot be read: '],
    ['text that is not JSON', () => [written('a.json', '{"hosts":'), '--goal', 'balance'], 'a.json is not JSON: '],
    [
      'a number in quotes',
      () => [
        written('b.json', readFileSync(model, 'utf8').replace('"vcpus": 16', '"vcpus": "16"')),
        '--goal',
        'balance',
      ],
      'hosts.',
    ],
    ['an unknown host', () => [model, '--goal', 'drain', '--drain', 'nowhere'], 'host nowhere is not in the model'],
    ['drain without a host', () => [model, '--goal', 'drain'], 'drain: no host is named'],
  ])('refuses %s', async (_, args, message) => {
    const { out, failed } = await steward(...args(), '--json')
    expect(codeOf(failed)).toBe('INPUT_INVALID')
    expect((failed as Error).message).toContain(message)
    expect(out).toBe('')
  })

  it.each([
    [['--goal', 'tidy'], 'Allowed choices are consolidate, balance, drain, spread, evict-noisy'],
    [[], "required option '--goal <goal>' not specified"],
    [['--goal', 'balance', '--weights', 'cpu=1,taste=2'], 'It has to be a list like cpu=1,memory=0.5'],
    [['--goal', 'balance', '--max-moves', 'ten'], 'It has to be a whole number'],
    [['--goal', 'balance', '--max-cpu', '-1'], 'It has to be a number'],
  ])('refuses %o', async (args, message) => {
    const { out, err, failed } = await steward(model, ...args)
    expect(failed).toBeDefined()
    expect(err).toContain(message)
    expect(out).toBe('')
  })
})
