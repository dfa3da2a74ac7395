import got from 'got'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../demo/stage/eventually.ts'
import { followIncident, type Stage } from '../../demo/stage/stage.ts'

/** What Alertmanager would send; its own deliveries are in the stories. */
async function deliver(stage: Stage, alerts: object[], token = stage.steward.tokens.alertmanager) {
  const { statusCode, body } = await got.post(`${stage.steward.url}/v1/signals/alertmanager`, {
    json: { version: '4', status: 'firing', receiver: 'steward', groupKey: '{}', truncatedAlerts: 0, alerts },
    headers: { authorization: `Bearer ${token}` },
    throwHttpErrors: false,
    retry: { limit: 0 },
  })
  return { status: statusCode, body: JSON.parse(body) as Record<string, unknown> }
}

const alertOn = (host: string, status: 'firing' | 'resolved', startsAt: string) => ({
  status,
  labels: { alertname: 'HostOverloaded', host },
  annotations: { summary: `${host} is overloaded` },
  startsAt,
  endsAt: status === 'resolved' ? new Date().toISOString() : '0001-01-01T00:00:00Z',
  generatorURL: '',
  fingerprint: 'a1b2c3d4e5f60718',
})

export function webhookFaults(onStage: () => Stage) {
  describe('webhooks of Alertmanager', () => {
    it('starts exactly one incident however often and at once the same alert is delivered', async () => {
      const stage = onStage()
      const sinceMs = Date.now()
      const alert = alertOn('compute3', 'firing', new Date().toISOString())
      const answers = await Promise.all(Array.from({ length: 20 }, () => deliver(stage, [alert, alert])))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      const opened = answers.reduce((sum, { body }) => sum + Number(body.opened), 0)
      await deliver(stage, [{ ...alert, status: 'resolved' }])
      const incident = await followIncident(
        stage,
        { policy: 'host-overloaded', host: 'compute3', sinceMs },
        () => undefined,
      )
      expect(incident.runs.length).toBeLessThanOrEqual(1)
      expect(opened).toBeGreaterThanOrEqual(1)
      const { body } = await stage.olga.steward('GET', '/v1/incidents')
      const all = (body as { incidents: { host: string; openedAt: string }[] }).incidents
      expect(all.filter((i) => i.host === 'compute3' && Date.parse(i.openedAt) >= sinceMs)).toHaveLength(1)
      const late = await deliver(stage, [alert])
      expect(late.body).toMatchObject({ opened: 0, joined: 0, known: 1 })
    })

    it('does nothing about an alert that was resolved before its firing arrived', async () => {
      const stage = onStage()
      const startsAt = new Date().toISOString()
      expect((await deliver(stage, [alertOn('compute1', 'resolved', startsAt)])).body).toMatchObject({ opened: 0 })
      expect((await deliver(stage, [alertOn('compute1', 'firing', startsAt)])).body).toMatchObject({
        opened: 0,
        known: 1,
      })
    })

    it('asks people about a host that Nova does not know, and touches nothing', async () => {
      const stage = onStage()
      const sinceMs = Date.now()
      await deliver(stage, [alertOn('no-such-host', 'firing', new Date().toISOString())])
      const incident = await followIncident(
        stage,
        { policy: 'host-overloaded', host: 'no-such-host', sinceMs },
        () => undefined,
      )
      expect(incident).toMatchObject({ state: 'escalated', reason: { code: 'HOST_UNKNOWN' } })
    })

    it('takes an empty group and an alert nobody wants with 200, and says why it does nothing', async () => {
      const stage = onStage()
      expect(await deliver(stage, [])).toMatchObject({ status: 200, body: { opened: 0, ignored: [] } })
      const stray = { ...alertOn('compute1', 'firing', new Date().toISOString()), labels: { alertname: 'Other' } }
      const { body } = await deliver(stage, [stray])
      expect(body.ignored).toMatchObject([{ fingerprint: stray.fingerprint, reason: expect.any(String) }])
    })

    it('refuses a delivery without the token of the source', async () => {
      expect(await deliver(onStage(), [], 'not-the-token-of-the-source')).toMatchObject({
        status: 401,
        body: { code: 'SOURCE_REFUSED' },
      })
    })

    it('counts what it took in, by route', async () => {
      await eventually('the metrics', async () => {
        const metrics = await got(`${onStage().steward.url}/metrics`).text()
        return metrics.includes('route="/v1/signals/alertmanager",status="200"')
      })
    })
  })
}
