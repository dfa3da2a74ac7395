import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { outcome, root } from './parsers.ts'

const absent = (tool: string) => spawnSync(tool, ['--version']).error !== undefined
const alertmanager = join(root, 'deploy/alertmanager/alertmanager.yml')

// The names say what to install where these are skipped; CI has both.
describe.skipIf(absent('amtool'))('alertmanager.yml, read by amtool (Debian: prometheus-alertmanager)', () => {
  it('is valid', async () => {
    expect(await outcome('amtool', ['check-config', alertmanager])).toMatchObject({ code: 0 })
  })

  it.each([
    ['host=cmp-1', 'steward'],
    ['service=steward', 'people'],
  ])('sends alerts with %s to %s', async (label, receiver) => {
    const args = ['config', 'routes', 'test', `--config.file=${alertmanager}`, label]
    expect((await outcome('amtool', args)).stdout.trim()).toBe(receiver)
  })
})

describe.skipIf(absent('promtool'))('prometheus.yml, read by promtool (Debian: prometheus)', () => {
  it('is valid, rules included', async () => {
    const config = join(root, 'deploy/prometheus/prometheus.yml')
    expect(await outcome('promtool', ['check', 'config', config])).toMatchObject({ code: 0 })
  })

  it('has rules that fire when they should', async () => {
    const { code, stdout, stderr } = await outcome('promtool', [
      'test',
      'rules',
      join(import.meta.dirname, 'rules.yml'),
    ])
    expect(code, stdout + stderr).toBe(0)
  })
})
