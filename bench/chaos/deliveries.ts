import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import got from 'got'

/** One webhook as it was answered. Alerts that were answered with 200 are Steward's to keep. */
export interface Delivery {
  readonly at: number
  readonly answeredAt: number
  readonly by: 'alertmanager' | 'direct'
  readonly alerts: readonly WebhookAlert[]
  /** 0: no answer came. */
  readonly status: number
  readonly counts: Readonly<Record<string, number>>
}

export interface WebhookAlert {
  readonly status: 'firing' | 'resolved'
  readonly labels: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly fingerprint: string
}

/** Everything that delivers alerts goes through here, so that what was received can be added up. */
export interface Deliveries {
  readonly all: readonly Delivery[]
  /** Where Alertmanager finds it. */
  readonly url: string
  /** Posts a batch as Alertmanager would; again until it is taken, as Alertmanager does. */
  post(alerts: readonly WebhookAlert[], untilTaken?: boolean): Promise<Delivery>
  stop(): Promise<void>
}

interface Target {
  readonly url: string
  readonly tokens: { readonly alertmanager: string }
}

/** Stands between Alertmanager and Steward, changes nothing and writes down everything. */
export async function recordDeliveries(steward: () => Target, port: number): Promise<Deliveries> {
  const all: Delivery[] = []
  const send = async (by: Delivery['by'], body: string, authorization: string) => {
    const at = Date.now()
    const { alerts } = JSON.parse(body) as { alerts: WebhookAlert[] }
    const answer = await got
      .post(`${steward().url}/v1/signals/alertmanager`, {
        body,
        headers: { authorization, 'content-type': 'application/json' },
        throwHttpErrors: false,
        retry: { limit: 0 },
        timeout: { request: 60_000 },
      })
      .catch(() => undefined)
    const text = answer?.body ?? ''
    const status = answer?.statusCode ?? 0
    const delivery = { at, answeredAt: Date.now(), by, alerts, status, counts: status === 200 ? countsIn(text) : {} }
    all.push(delivery)
    return { delivery, text }
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      void send('alertmanager', Buffer.concat(chunks).toString(), String(request.headers.authorization)).then(
        ({ delivery, text }) => {
          response.writeHead(delivery.status || 503, { 'content-type': 'application/json' })
          response.end(text)
        },
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))

  return {
    all,
    url: `http://127.0.0.1:${port}`,
    async post(alerts, untilTaken = true) {
      const body = JSON.stringify({
        version: '4',
        status: 'firing',
        receiver: 'steward',
        groupKey: '{}',
        truncatedAlerts: 0,
        alerts,
      })
      for (let tries = 1; ; tries++) {
        const { delivery } = await send('direct', body, `Bearer ${steward().tokens.alertmanager}`)
        if (delivery.status === 200 || !untilTaken || tries === 60) return delivery
        await sleep(1_000)
      }
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** The numbers of an answer; a list counts as its length. */
function countsIn(text: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
    if (typeof value === 'number') counts[name] = value
    else if (Array.isArray(value)) counts[name] = value.length
  }
  return counts
}
