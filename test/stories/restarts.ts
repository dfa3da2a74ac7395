import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import got from 'got'
import { describe, expect, it } from 'vitest'
import { ActionView } from '../../core/action.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { microversion } from '../../demo/stage/people.ts'
import { createServer, removeServers, showServer, untilActive } from '../../demo/stage/servers.ts'
import type { Stage } from '../../demo/stage/stage.ts'
import { launch, stewardEnvironment } from '../../demo/stage/steward.ts'
import { InstanceActions } from '../../demo/stories/deferred-action.ts'
import { startEmbedded } from '../../temporal/embedded.ts'

const program = fileURLToPath(new URL('../../bin/steward.js', import.meta.url))

export function restarts(onStage: () => Stage) {
  describe('a Steward that goes away', () => {
    it('keeps what it was asked, and does it once, when it is killed and started again', async () => {
      const stage = onStage()
      const { alice, steward, cloud, ports } = stage
      const serverId = await createServer(alice, { name: 'survivor', flavor: '1' })
      await untilActive(alice, [serverId])
      const call = {
        service: 'compute',
        method: 'POST',
        path: `/servers/${serverId}/action`,
        body: { 'os-stop': null },
        microversion,
      }
      const created = await alice.steward('POST', '/v1/actions', { runIn: 'PT5S', call })
      const { id, runAt } = ActionView.parse(created.body)
      await steward.kill()
      await eventually('the due time to pass', async () => Date.now() > Date.parse(runAt) + 1_000)
      expect((await showServer(alice, serverId)).status).toBe('ACTIVE')

      // its Temporal, left behind, is ended and started again over the same file
      stage.steward = await launch(cloud, stage.stewardDir, ports, steward)
      const view = await eventually('the end of the action', async () => {
        const { body } = await alice.steward('GET', `/v1/actions/${id}`)
        const seen = ActionView.parse(body)
        return seen.trustDeleted === undefined ? undefined : seen
      })
      expect(view).toMatchObject({ state: 'done', trustDeleted: true })
      const { instanceActions } = await alice.session
        .service('compute', { microversion })
        .get(`/servers/${serverId}/os-instance-actions`, InstanceActions)
      expect(instanceActions.filter(({ action }) => action === 'stop')).toHaveLength(1)
      await removeServers(alice, [serverId])
    })

    it('works in parts as well: API and worker apart, against a Temporal named by TEMPORAL_ADDRESS', async () => {
      const stage = onStage()
      const { alice, ports, cloud } = stage
      expect(await stage.steward.stop()).toBe(0)
      const temporal = await startEmbedded({
        dataDir: stage.steward.dataDir,
        port: ports.temporal,
        uiPort: ports.temporalUi,
      })
      const env = {
        ...stewardEnvironment(),
        OS_CLIENT_CONFIG_FILE: cloud.cloudsYaml,
        TEMPORAL_ADDRESS: `127.0.0.1:${ports.temporal}`,
      }
      const parts = ['api', 'worker'].map((part) =>
        spawn(process.execPath, [program, part, '--config', stage.steward.configFile], { env, stdio: 'ignore' }),
      )
      const ended = parts.map((part) => new Promise((resolve) => part.once('exit', resolve)))
      try {
        for (const url of [`${stage.steward.url}/readyz`, `http://127.0.0.1:${ports.workerProbe}/healthz`])
          await eventually(url, async () => {
            const answer = await got(url, { retry: { limit: 0 }, throwHttpErrors: false }).catch(() => undefined)
            return answer?.statusCode === 200
          })
        const call = { service: 'compute', method: 'GET', path: '/servers' }
        const { body } = await alice.steward('POST', '/v1/actions', { runIn: 'PT1S', call })
        const { id, roles } = ActionView.parse(body)
        expect(roles).toEqual(['reader'])
        await eventually('the action to be done', async () => {
          const shown = await alice.steward('GET', `/v1/actions/${id}`)
          return ActionView.parse(shown.body).state === 'done'
        })
      } finally {
        for (const part of parts) part.kill('SIGINT')
        expect(await Promise.all(ended)).toEqual([0, 0])
        await temporal.stop()
        stage.steward = await launch(cloud, stage.stewardDir, ports, stage.steward)
      }
    })

    it('drains and ends with 0 on Ctrl-C, and is ready again within seconds', async () => {
      const stage = onStage()
      const stopping = Date.now()
      expect(await stage.steward.stop()).toBe(0)
      expect(Date.now() - stopping).toBeLessThan(30_000)
      stage.steward = await launch(stage.cloud, stage.stewardDir, stage.ports, stage.steward)
      const { status } = await stage.olga.steward('GET', '/v1/delegations/remediation')
      expect(status).toBe(200)
    })
  })
}
