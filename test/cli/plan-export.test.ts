import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { addPlanCommands } from '../../cli/plan.ts'
import { codeOf } from '../../core/errors.ts'
import { readModel } from '../../policies/planner/model-file.ts'
import { type FakeCloud, fakeCloud } from '../../simulator/cloud.ts'

const dir = mkdtempSync(join(tmpdir(), 'steward-export-'))
afterAll(() => rmSync(dir, { recursive: true }))

async function aCloud() {
  const cloud = await fakeCloud()
  onTestFinished(() => cloud.close())
  return { cloud, id: cloud.addServer({ host: 'compute1' }).id }
}

/** `steward plan export` as this user of the cloud. */
async function exported(cloud: FakeCloud, user: string, project: string, ...args: string[]) {
  const env = {
    OS_AUTH_URL: cloud.authUrl,
    OS_USERNAME: user,
    OS_PASSWORD: cloud.password,
    OS_USER_DOMAIN_ID: 'default',
    OS_PROJECT_NAME: project,
    OS_PROJECT_DOMAIN_ID: 'default',
    OS_REGION_NAME: 'RegionOne',
    OS_CLOUD: undefined,
    OS_CLIENT_CONFIG_FILE: undefined,
  }
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const out: string[] = []
  const err: string[] = []
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0),
  ]
  const program = new Command('steward').option('--json').option('--os-cloud <name>').exitOverride()
  addPlanCommands(program)
  const failed = await program.parseAsync(['plan', 'export', ...args], { from: 'user' }).then(
    () => undefined,
    (error: unknown) => error,
  )
  for (const spy of spies) spy.mockRestore()
  vi.unstubAllEnvs()
  return { out: out.join(''), err: err.join(''), failed }
}

describe('steward plan export', () => {
  it('writes a file the simulator reads, for its owner only, and says what it could not honour', async () => {
    const { cloud, id } = await aCloud()
    const file = join(dir, 'model.json')
    const { out, err, failed } = await exported(cloud, 'olga', 'admin', file)
    expect([failed, out]).toEqual([undefined, ''])
    expect(readModel(JSON.parse(readFileSync(file, 'utf8'))).servers.map((one) => one.id)).toEqual([id])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(err).toBe('usage: was not measured: plans see what is given away and not real use\n')
  })

  it('writes to standard output without a file, with measured use', async () => {
    const { cloud, id } = await aCloud()
    const usage = join(dir, 'usage.json')
    writeFileSync(usage, JSON.stringify({ [id]: { cpu_util_pct: 40, cpu_util_day_pct: 85, mem_used_mib: 300 } }))
    const { out, err } = await exported(cloud, 'olga', 'admin', '--usage', usage)
    expect(JSON.parse(out).instances[0]).toMatchObject({
      ...{ id, cpu_util_pct: 40, cpu_util_day_pct: 85, mem_used_mib: 300 },
    })
    expect(err).toBe('')
    const [{ vcpus } = { vcpus: 0 }] = JSON.parse(out).instances
    expect(readModel(JSON.parse(out)).servers[0]?.cpuPercentOfDay).toBe(85 * vcpus)
    writeFileSync(usage, JSON.stringify({ [id]: { cpu_util_pct: 40 } }))
    const now = await exported(cloud, 'olga', 'admin', '--usage', usage)
    expect([now.err, JSON.parse(now.out).instances[0].cpu_util_day_pct]).toEqual(['', undefined])
  })

  it('gives a tenant what the cloud gives a tenant: nothing', async () => {
    const { cloud } = await aCloud()
    const { out, failed } = await exported(cloud, 'alice', 'demo')
    expect([codeOf(failed), out]).toEqual(['CLOUD_REFUSED', ''])
  })

  it('refuses use that is no number, and writes nothing over a file then', async () => {
    const { cloud, id } = await aCloud()
    const usage = join(dir, 'wrong.json')
    writeFileSync(usage, JSON.stringify({ [id]: { cpu_util_pct: '40' } }))
    const { failed } = await exported(cloud, 'olga', 'admin', usage, '--usage', usage)
    expect(codeOf(failed)).toBe('INPUT_INVALID')
    expect((failed as Error).message).toContain(`usage: ${id}.cpu_util_pct: `)
    expect(readFileSync(usage, 'utf8')).toContain('"40"')
  })
})
