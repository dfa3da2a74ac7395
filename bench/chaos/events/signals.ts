import { setTimeout as sleep } from 'node:timers/promises'
import got from 'got'
import type { WebhookAlert } from '../deliveries.ts'
import type { Random } from '../random.ts'
import type { EventKind } from '../world.ts'

const hosts = ['compute1', 'compute2', 'compute3'] as const
const never = '0001-01-01T00:00:00Z'

export const overloaded = (host: string, startsAt: string, fingerprint: string): WebhookAlert => ({
  status: 'firing',
  labels: { alertname: 'HostOverloaded', host },
  startsAt,
  endsAt: never,
  fingerprint,
  ...({ annotations: { summary: `${host} is overloaded` }, generatorURL: '' } as object),
})

export const over = (alert: WebhookAlert): WebhookAlert => ({
  ...alert,
  status: 'resolved',
  endsAt: new Date().toISOString(),
})

/** Many hosts that Nova does not know, and each of them more than once. */
function stormOf(random: Random, most: number) {
  const name = random.uuid().slice(0, 8)
  const count = random.int(100, most)
  const hostsOfStorm = Array.from({ length: count }, (_, at) => `ghost-${name}-${at}`)
  return { name, hosts: hostsOfStorm, repeats: random.int(1, 3) }
}

/** The same alerts in batches that arrive at once, then their ends. */
const directStorm: EventKind = {
  name: 'a storm of alerts, posted directly',
  deal(random) {
    const storm = stormOf(random, 300)
    const batch = random.int(10, 60)
    const resolves = random.chance(0.7)
    return {
      details: { storm: storm.name, alerts: storm.hosts.length, repeats: storm.repeats, batch, resolves },
      async play({ stage }) {
        const startsAt = new Date().toISOString()
        const alerts = storm.hosts.map((host) => overloaded(host, startsAt, `f-${host}`))
        const doubled = Array.from({ length: storm.repeats }, () => alerts).flat()
        const batches = Array.from({ length: Math.ceil(doubled.length / batch) }, (_, at) =>
          doubled.slice(at * batch, (at + 1) * batch),
        )
        await Promise.all(batches.map((each) => stage.deliveries.post(each)))
        if (!resolves) return
        await sleep(5_000)
        await stage.deliveries.post(alerts.map(over))
      },
    }
  },
}

const alertmanagerStorm: EventKind = {
  name: 'a storm of alerts, through Alertmanager',
  deal(random) {
    const storm = stormOf(random, 150)
    return {
      details: { storm: storm.name, alerts: storm.hosts.length },
      async play({ stage }) {
        const startsAt = new Date().toISOString()
        const alerts = storm.hosts.map((host) => ({
          labels: { alertname: 'HostOverloaded', host },
          annotations: { summary: `${host} is overloaded` },
          startsAt,
        }))
        const post = (json: object) =>
          got.post(`${stage.alertmanager.url}/api/v2/alerts`, { json, retry: { limit: 0 } })
        await post(alerts)
        await sleep(8_000)
        const endsAt = new Date().toISOString()
        await post(alerts.map((alert) => ({ ...alert, endsAt })))
      },
    }
  },
}

/** Fires and ends at a real host again and again, each time as a new alert. */
const flapping: EventKind = {
  name: 'an alert flaps',
  deal(random) {
    const host = random.pick(hosts)
    const times = random.int(2, 4)
    return {
      details: { host, times },
      async play({ stage }) {
        for (let time = 0; time < times; time++) {
          const alert = overloaded(host, new Date().toISOString(), `flap-${host}`)
          await stage.deliveries.post([alert])
          await sleep(6_000)
          await stage.deliveries.post([over(alert)])
          await sleep(14_000)
        }
      },
    }
  },
}

/** An end that overtakes its beginning. */
const resolvedFirst: EventKind = {
  name: 'alerts end before they begin',
  deal(random) {
    const host = random.pick(hosts)
    const id = random.uuid()
    return {
      details: { host },
      async play({ stage }) {
        const alert = overloaded(host, new Date().toISOString(), id)
        await stage.deliveries.post([over(alert), alert])
        await stage.deliveries.post([alert])
      },
    }
  },
}

const logErrors: EventKind = {
  name: 'a log is full of errors',
  deal(random) {
    const host = random.pick(hosts)
    const lines = random.int(6, 60)
    return {
      details: { host, lines },
      async play({ stage, journal }) {
        const at = new Date().toISOString().replace('T', ' ').replace('Z', '')
        const line = `${at} 4242 ERROR nova.compute.manager [None req-0a1b2c3d-0000-4000-8000-000000000000 - - - - -] chaos: the disk says no`
        const body = Array.from({ length: lines }, () =>
          JSON.stringify({ host, component: 'nova-compute', line }),
        ).join('\n')
        const { url, tokens } = stage.steward
        const sent = await got
          .post(`${url}/v1/signals/logs`, {
            body,
            headers: { authorization: `Bearer ${tokens.logs}`, 'content-type': 'application/x-ndjson' },
            throwHttpErrors: false,
            retry: { limit: 0 },
          })
          .catch(() => undefined)
        journal.write('log lines sent', { host, lines, status: sent?.statusCode ?? 0 })
      },
    }
  },
}

export const signalEvents: readonly EventKind[] = [directStorm, alertmanagerStorm, flapping, resolvedFirst, logErrors]
