import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import got from 'got'
import { describe, expect, it } from 'vitest'
import { serversOf } from '../../demo/stage/servers.ts'
import type { Stage } from '../../demo/stage/stage.ts'
import { lentSecrets } from './delegation-faults.ts'

const run = promisify(execFile)
const program = fileURLToPath(new URL('../../bin/steward.js', import.meta.url))

/** Looks back over everything the tests before it did. */
export function whatIsLeft(onStage: () => Stage) {
  describe('what is left behind', () => {
    it('has no server of the stories, which would weigh on a host', async () => {
      const { alice, carol, olga } = onStage()
      const left = await Promise.all([alice, carol, olga].map((person) => serversOf(person)))
      expect(left.flat()).toEqual([])
    })

    it('has no secret in its log, in the database of the engine or in its configuration', async () => {
      const { steward, cloud, alice, olga } = onStage()
      expect(lentSecrets).not.toEqual([])
      const tokens = [await alice.token(), await olga.token(), ...Object.values(steward.tokens)]
      const secrets = [cloud.password, ...lentSecrets, ...tokens]
      const database = (await readdir(steward.dataDir)).filter((file) => file.startsWith('temporal.'))
      const files = [steward.logFile, steward.configFile, ...database.map((file) => join(steward.dataDir, file))]
      for (const file of files) {
        const content = await readFile(file)
        for (const secret of secrets) expect(content.includes(secret), `${file} holds a secret`).toBe(false)
      }
    })

    it('has nothing of what tenants asked for in plain text in the database of the engine', async () => {
      const { steward } = onStage()
      const files = (await readdir(steward.dataDir)).filter((file) => file.startsWith('temporal.db'))
      for (const file of files)
        expect((await readFile(join(steward.dataDir, file))).includes('os-stop'), `${file} is readable`).toBe(false)
    })

    it("joins a run and Nova's log by one request id", async () => {
      const { cloud, olga } = onStage()
      const { body } = await olga.steward('GET', '/v1/incidents?policy=host-overloaded&host=compute1')
      const { incidents } = body as { incidents: { runs: { runbook: string; runId: string }[] }[] }
      const runId = incidents.flatMap(({ runs }) => runs).find(({ runbook }) => runbook === 'relieve-host')?.runId
      const log = await readFile(cloud.logs['nova-api'] as string, 'utf8')
      expect(log).toContain(`req-${runId}`)
    })

    it('is shown decrypted to the Temporal UI, and to no other page', async () => {
      const { steward, ports } = onStage()
      const codec = `http://127.0.0.1:${ports.codec}/decode`
      const list = `${steward.uiUrl}/api/v1/namespaces/default/workflows?query=${encodeURIComponent("StewardKind='run'")}`
      const { executions } = await got(list).json<{ executions: { memo: { fields: Record<string, object> } }[] }>()
      const payloads = [executions[0]?.memo.fields.view]
      expect(JSON.stringify(payloads)).not.toContain('runbook')
      const decode = (origin: string) =>
        got.post(codec, { json: { payloads }, headers: { origin }, throwHttpErrors: false, retry: { limit: 0 } })
      const shown = JSON.parse((await decode(steward.uiUrl)).body) as { payloads: { data: string }[] }
      expect(Buffer.from(shown.payloads[0]?.data ?? '', 'base64').toString()).toContain('"runbook"')
      expect((await decode('https://elsewhere.example')).statusCode).toBe(403)
    })

    it('says that trusts work, as it found when it started', async () => {
      expect(await readFile(onStage().steward.logFile, 'utf8')).toContain('trusts work: one was made, used and deleted')
    })

    it('is kept for 90 days', async () => {
      const namespace = await got(`${onStage().steward.uiUrl}/api/v1/namespaces/default`).json<object>()
      expect(namespace).toMatchObject({ config: { workflowExecutionRetentionTtl: `${90 * 86_400}s` } })
    })

    it('is told by the command line, with the credentials of whoever asks', async () => {
      const { steward, cloud } = onStage()
      const env = { ...process.env, OS_CLIENT_CONFIG_FILE: cloud.cloudsYaml, STEWARD_URL: steward.url }
      const cli = async (user: string, ...args: string[]) =>
        (await run(process.execPath, [program, '--os-cloud', user, ...args], { env })).stdout
      expect(await cli('olga', 'delegate', '--for', 'P2D')).toMatch(/state +active/)
      expect(await cli('olga', 'incident', 'list', '--policy', 'nova-compute-down')).toMatch(
        /closed +nova-compute-down +compute2/,
      )
      expect(await cli('alice', 'action', 'list')).toMatch(/done +stop night-off/)
      await expect(cli('alice', 'incident', 'list')).rejects.toMatchObject({ stderr: /ROLE_MISSING/ })
      expect(await cli('olga', 'delegation', 'revoke')).toMatch(/state +revoked/)
    })
  })
}
