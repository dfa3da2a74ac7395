import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type CloudEvent, NotificationView } from '../../core/notification.ts'
import { attributes } from '../../core/search-attributes.ts'
import { createNotifications, notificationId } from '../../temporal/notifications.ts'
import { until, useWorker, viewOf } from './engine.ts'
import { useReceivers } from './receiver-bench.ts'

const { real, receiver } = useReceivers()
const bench = useWorker(undefined, real)

/** Its workflow as the engine has it. */
const sent = ({ id }: CloudEvent) =>
  bench.client.workflow.getHandle<() => Promise<NotificationView>>(notificationId(id))

describe.concurrent('a notification', () => {
  const event = (): CloudEvent => ({
    ...{ specversion: '1.0', id: `test/${randomUUID()}`, source: 'urn:steward', type: 'io.steward.stop.pressed' },
    ...{ subject: 'stop/1', time: '2026-11-21T00:00:00.000Z', datacontenttype: 'application/json' },
    ...{ summary: 'a test', data: {} },
  })
  const send = async (given: CloudEvent, ...receivers: string[]) =>
    createNotifications(bench.client, bench.taskQueue).start({ event: given, receivers })

  it('is sent again, with the same id, until it is taken', async () => {
    const told = receiver({ on: [] }, 500, 429, 200)
    const given = event()
    await send(given, told.name)
    const view = await sent(given).result()
    expect(view.deliveries).toEqual([{ receiver: told.name, state: 'delivered', status: 200, attempts: 3 }])
    expect(told.events.map(({ id }) => id)).toEqual([given.id, given.id, given.id])
  })

  it('that one receiver refuses is not sent to it again, and reaches the others', async () => {
    const gone = receiver({ on: [] }, 410)
    const well = receiver({ on: [] })
    const given = event()
    await send(given, gone.name, well.name, 'nobody')
    expect(NotificationView.parse(await sent(given).result())).toMatchObject({
      state: 'undelivered',
      deliveries: [
        { receiver: gone.name, state: 'refused', detail: `${gone.name} answered 410` },
        { receiver: well.name, state: 'delivered' },
        { receiver: 'nobody', state: 'refused', detail: 'there is no receiver nobody any more' },
      ],
    })
    expect([gone.events.length, well.events.length]).toEqual([1, 1])
  })

  it('says meanwhile whom it has not reached, and is found by its state', async () => {
    const [away, well] = [receiver({ on: [] }, 503), receiver({ on: [] })]
    const given = event()
    await send(given, away.name, well.name)
    const handle = sent(given)
    await until(
      async () => (await viewOf<NotificationView>(handle)).deliveries.map(({ state }) => state),
      ['sending', 'delivered'],
    )
    expect((await handle.describe()).typedSearchAttributes.get(attributes.kind)).toBe('notification')
    const notifications = createNotifications(bench.client)
    const listed = async (state?: 'sending' | 'delivered') =>
      (await notifications.list(1000, state)).filter(({ id }) => id === given.id).length
    await until(() => Promise.all([listed(), listed('sending'), listed('delivered')]), [1, 1, 0])
    await handle.cancel()
    expect(await handle.result()).toMatchObject({
      state: 'undelivered',
      deliveries: [{ state: 'cancelled' }, { state: 'delivered' }],
    })
  })

  it('is begun once, however often it is asked for', async () => {
    const told = receiver({ on: [] })
    const given = event()
    expect(await send(given, told.name)).toBe(true)
    expect(await send(given, told.name)).toBe(false)
    await sent(given).result()
    expect(await send(given, told.name)).toBe(false)
    expect(told.events).toHaveLength(1)
  })
})
