import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll } from 'vitest'
import { createNotificationActivities } from '../../activities/notifications.ts'
import type { Receiver } from '../../activities/receivers/receiver.ts'
import type { CloudEvent, Wishes } from '../../core/notification.ts'
import { createNotifications } from '../../temporal/notifications.ts'
import { receiverAt } from '../activities/receivers.ts'
import { type RealActivities, until } from './engine.ts'

/** Somebody who is told, over HTTP. */
export interface Told {
  readonly name: string
  /** Events that came in, those refused too. */
  readonly events: readonly CloudEvent[]
  /** Their names, in the order in which they happened. */
  names(): string[]
  untilTold(...names: string[]): Promise<void>
}

/** Real receivers for the workflows of one file. The answer to each event is a status; of a list the last is repeated. */
export function useReceivers(): {
  readonly real: RealActivities
  receiver(wishes: Wishes, ...statuses: number[]): Told
} {
  const receivers: Receiver[] = []
  const byPath = new Map<string, { events: CloudEvent[]; statuses: number[] }>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const known = byPath.get(request.url ?? '')
    known?.events.push(JSON.parse(Buffer.concat(chunks).toString()) as CloudEvent)
    const { statuses = [404], events = [] } = known ?? {}
    response.writeHead(statuses[Math.min(events.length, statuses.length) - 1] ?? 200)
    response.end()
  })
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    real: (client, taskQueue) =>
      createNotificationActivities({
        ...{ receivers, notifications: createNotifications(client, taskQueue) },
        publicUrl: 'https://steward.example',
      }),
    receiver(wishes, ...statuses) {
      const name = `r-${randomUUID().slice(0, 8)}`
      const events: CloudEvent[] = []
      byPath.set(`/${name}`, { events, statuses })
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`
      receivers.push(receiverAt({ url, name, ...wishes } as Parameters<typeof receiverAt>[0]))
      const names = () => [...events].sort(inTime).map(({ type }) => type.replace('io.steward.', ''))
      return { name, events, names, untilTold: (...expected) => until(names, expected) }
    },
  }
}

const inTime = (a: CloudEvent, b: CloudEvent) => (a.time < b.time ? -1 : 1)
