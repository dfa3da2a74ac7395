import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { isSupervised, Ssh } from '../../core/ssh.ts'
import { supervisorOf } from '../../policies/supervisors/supervisor.ts'

const manual = readFileSync(new URL('../../docs/ssh.md', import.meta.url), 'utf8')
const examples = (language: string) =>
  [...manual.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text)
const base = { user: 'steward', keyFile: 'k', knownHostsFile: 'h', hosts: {} }

describe('the manual of SSH', () => {
  const [hosts = '', cluster = '', commands = ''] = examples('yaml')
  const { ssh } = parse(hosts)

  it('has examples that steward.yaml accepts', () => {
    expect(Ssh.safeParse(ssh).error).toBeUndefined()
    const { ctl1 } = parse(cluster)
    expect(Ssh.safeParse({ ...base, hosts: { ctl1, ctl2: ctl1, ctl3: ctl1 } }).error).toBeUndefined()
    expect(Ssh.safeParse({ ...base, ...parse(commands).ssh }).error).toBeUndefined()
  })

  it('has a forced command that lets through what Steward sends for its example, and nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'steward-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const [script = ''] = examples('sh')
    writeFileSync(join(folder, 'allowed'), script)
    writeFileSync(join(folder, 'sudo'), '#!/bin/sh\necho "sudo $*"\n')
    for (const file of ['allowed', 'sudo']) chmodSync(join(folder, file), 0o755)
    const run = (asked: string) =>
      spawnSync(join(folder, 'allowed'), {
        env: { PATH: `${folder}:/usr/bin:/bin`, SSH_ORIGINAL_COMMAND: asked },
        encoding: 'utf8',
      })
    const service = Ssh.parse(ssh).hosts.compute1?.services['nova-compute']
    if (!service || !isSupervised(service)) throw new Error('the example has no supervisor')
    const { restart, reset = [] } = supervisorOf(service, 'compute1')
    expect(run(restart.join(' ')).stdout).toBe('sudo -n /usr/bin/systemctl restart nova-compute\n')
    expect(run(reset.join(' ')).stdout).toBe('sudo -n /usr/bin/systemctl reset-failed nova-compute\n')
    for (const other of ['sudo -n systemctl restart nova-api', `${restart.join(' ')}; reboot`, 'sh', ''])
      expect([run(other).status, run(other).stdout]).toEqual([126, ''])
    expect(execFileSync('sh', ['-n', join(folder, 'allowed')], { encoding: 'utf8' })).toBe('')
  })
})
