import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { untilCalm } from '../../demo/stage/calm.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { startMonitor } from '../../demo/stage/monitor.ts'
import { createServer, removeServers, showServer, untilActive } from '../../demo/stage/servers.ts'
import { listServices } from '../../demo/stage/services.ts'
import { followIncident, type Stage } from '../../demo/stage/stage.ts'

const run = promisify(execFile)
const silent = () => undefined

export function remediationFaults(onStage: () => Stage) {
  describe('remediation that meets trouble', () => {
    it('does not start a second run when the process is killed again during the run', async () => {
      const stage = onStage()
      const sinceMs = Date.now()
      await stage.cloud.killCompute(3)
      await eventually('the run to have restarted it', async () => {
        const incident = await stage.incident('nova-compute-down', 'compute3', sinceMs)
        if (incident?.runs.length !== 1) return false
        const services = await listServices(stage.olga)
        return services.some((s) => s.host === 'compute3' && s.binary === 'nova-compute' && s.state === 'up')
      })
      await stage.cloud.killCompute(3)
      const incident = await followIncident(stage, { policy: 'nova-compute-down', host: 'compute3', sinceMs }, silent)
      expect(incident).toMatchObject({ state: 'closed', runs: [{ outcome: 'succeeded', detail: /2 restart/ }] })
      expect(incident.runs).toHaveLength(1)
      await untilCalm(stage)
    })

    it('refuses to talk to a host whose SSH key has changed, and asks people', async () => {
      const stage = onStage()
      const { knownHostsFile } = stage.cloud.ssh
      const right = await readFile(knownHostsFile, 'utf8')
      const other = join(stage.steward.dataDir, 'other_key')
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other])
      const [kind, key] = (await readFile(`${other}.pub`, 'utf8')).split(' ')
      await writeFile(knownHostsFile, `${right.split(' ', 1)[0]} ${kind} ${key}\n`)
      const sinceMs = Date.now()
      try {
        await stage.cloud.killCompute(1)
        const incident = await followIncident(stage, { policy: 'nova-compute-down', host: 'compute1', sinceMs }, silent)
        expect(incident).toMatchObject({ state: 'escalated', reason: { code: 'SSH_HOST_KEY_MISMATCH' } })
        expect((await listServices(stage.olga)).find((s) => s.host === 'compute1')?.state).toBe('down')
      } finally {
        await writeFile(knownHostsFile, right)
        await stage.cloud.startCompute(1)
        await untilCalm(stage)
      }
    })

    it('leaves a server where it is when its migration fails, and says why', async () => {
      const stage = onStage()
      const ids = await Promise.all(
        ['3', '3', '3'].map((flavor, at) =>
          createServer(stage.olga, { name: `stubborn-${at}`, flavor, host: 'compute1' }),
        ),
      )
      const stay = async () => (await Promise.all(ids.map((id) => showServer(stage.olga, id)))).map(({ host }) => host)
      await untilActive(stage.olga, ids)
      await stage.cloud.setFault('compute1', { live_migration: 'guest memory is dirtied too fast' })
      const sinceMs = Date.now()
      const monitor = startMonitor(stage, 'compute1', 0.5)
      try {
        const incident = await followIncident(stage, { policy: 'host-overloaded', host: 'compute1', sinceMs }, silent)
        expect(incident).toMatchObject({
          state: 'escalated',
          reason: { code: 'MIGRATION_FAILED', detail: /stays on compute1/ },
        })
        expect(await stay()).toEqual(['compute1', 'compute1', 'compute1'])
        // people find a way: it closes by itself when its signal has cleared
        await removeServers(stage.olga, ids.splice(0))
        const closed = await eventually('the incident to close', async () => {
          const seen = await stage.incident('host-overloaded', 'compute1', sinceMs)
          return seen?.endedAt ? seen : undefined
        })
        expect(closed).toMatchObject({ id: incident.id, reason: { detail: /cleared after people were asked/ } })
      } finally {
        await monitor.stop()
        await stage.cloud.clearFaults('compute1')
        await removeServers(stage.olga, ids)
      }
    })

    it('uses no power of its own: its user may not even list services', async () => {
      const stage = onStage()
      const { personOf } = await import('../../demo/stage/people.ts')
      const steward = await personOf(stage.cloud, 'steward', stage.steward.url)
      await expect(listServices(steward)).rejects.toMatchObject({ type: 'CLOUD_REFUSED', details: [{ status: 403 }] })
    })
  })
}
