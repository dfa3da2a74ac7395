import { describe, expect, it } from 'vitest'
import { receiverAt, token } from '../activities/receivers.ts'
import { serve } from '../openstack/server.ts'
import { as, at, expectProblem, world } from './app.ts'

const probe = { method: 'POST' as const, url: '/v1/notifications/test', headers: as('operator') }

describe('a test of the receivers', () => {
  it('sends each of them one event, whatever they want to know, and says what they answered', async () => {
    const well = await serve(() => ({ status: 202 }))
    const gone = await serve(({ headers }) => ({ status: 410, body: `unsubscribed ${headers.authorization}` }))
    const receivers = [
      receiverAt({ url: well.url, name: 'ops', on: ['stop.pressed'] }),
      receiverAt({ url: gone.url, name: 'night', token }),
    ]
    const w = await world({ receivers })
    const answer = await w.ask(probe)
    expect(answer.statusCode).toBe(200)
    const { id, results } = answer.json()
    expect(results).toEqual([
      { receiver: 'ops', kind: 'webhook', delivered: true, status: 202 },
      { receiver: 'night', kind: 'webhook', delivered: false, status: 410, detail: 'night answered 410' },
    ])
    expect([well.received.length, gone.received.length]).toEqual([1, 1])
    expect(well.received[0]?.body).toMatchObject({
      ...{ id, type: 'io.steward.notification.test', time: at(0), summary: 'a test, sent by olga' },
      ...{ source: 'https://steward.example', data: { by: 'olga', userId: 'user-olga' } },
    })
    expect(answer.body).not.toContain(token)
  })

  it('is of one receiver when that is named', async () => {
    const [one, other] = [await serve(() => ({})), await serve(() => ({}))]
    const receivers = [receiverAt({ url: one.url, name: 'one' }), receiverAt({ url: other.url, name: 'other' })]
    const w = await world({ receivers })
    const answer = await w.ask({ ...probe, payload: { receiver: 'other' } })
    expect(answer.json().results).toEqual([{ receiver: 'other', kind: 'webhook', delivered: true, status: 200 }])
    expect([one.received.length, other.received.length]).toEqual([0, 1])
  })

  it('has nobody to send to when the name is not known, or nobody is configured', async () => {
    const w = await world()
    expect(expectProblem(await w.ask(probe), 'RECEIVER_UNKNOWN').detail).toBe('no receiver is configured')
    const answer = await w.ask({ ...probe, payload: { receiver: 'ops' } })
    expect(expectProblem(answer, 'RECEIVER_UNKNOWN').detail).toBe('there is no receiver ops')
  })
})

describe('the list of notifications', () => {
  it('asks for those in one state, and shows whom they have reached', async () => {
    const asked: unknown[] = []
    const deliveries = [{ receiver: 'night', state: 'refused' as const, detail: 'night answered 410' }]
    const found = {
      state: 'undelivered' as const,
      id: 'x',
      type: 'io.steward.stop.pressed',
      subject: 'stop/1',
      deliveries,
    }
    const w = await world({
      async notified(...given) {
        asked.push(given)
        return [{ ...found, time: at(0), summary: 'olga has pressed the stop button' }]
      },
    })
    const answer = await w.ask({ url: '/v1/notifications?state=undelivered&limit=5', headers: as('operator') })
    expect(answer.json().notifications).toMatchObject([found])
    expect(asked).toEqual([[5, 'undelivered']])
    const wrong = await w.ask({ url: '/v1/notifications?state=lost', headers: as('operator') })
    expectProblem(wrong, 'INPUT_INVALID')
  })
})
