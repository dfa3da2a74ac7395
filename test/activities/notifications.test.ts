import { describe, expect, it } from 'vitest'
import { mostEventBytes } from '../../activities/cloud-event.ts'
import { createNotificationActivities } from '../../activities/notifications.ts'
import type { Receiver } from '../../activities/receivers/receiver.ts'
import { codeOf, failure } from '../../core/errors.ts'
import type { Announcement, CloudEvent, Notification } from '../../core/notification.ts'
import { closedPort, serve } from '../openstack/server.ts'
import { actionView, announcements, at, id } from '../policies/happenings.ts'
import { key, receiverAt, token } from './receivers.ts'
import { createRig } from './rig.ts'

const publicUrl = 'https://steward.example/'
const { action, incident } = announcements

/** The activities as a worker has them, and what they hand to the engine. */
function telling(receivers: readonly Receiver[], given: { publicUrl?: string } = { publicUrl }) {
  const started: Notification[] = []
  const start = async (notification: Notification) => started.push(notification) === 1
  const rig = createRig({ authUrl: 'http://127.0.0.1:1', password: 'unused' })
  const notifications = { start, list: async () => [] }
  const options = { receivers, notifications, publicUrl: given.publicUrl }
  return { ...rig, ...createNotificationActivities(options), started }
}

async function announced(announcement: Announcement, given?: { publicUrl?: string }): Promise<CloudEvent> {
  const { announce, started } = telling([receiverAt({ url: 'http://127.0.0.1:1' })], given)
  await announce(announcement)
  return (started[0] as Notification).event
}

describe('announcing', () => {
  it('begins nothing when nobody wants to know', async () => {
    const { announce, started } = telling([receiverAt({ url: 'http://127.0.0.1:1', on: ['stop.pressed'] })])
    await announce(action)
    expect(started).toEqual([])
  })

  it('has those told who want to know, by name', async () => {
    const url = 'http://127.0.0.1:1'
    const { announce, started } = telling([
      receiverAt({ url, name: 'ops' }),
      receiverAt({ url, name: 'night', policies: ['hot'] }),
      receiverAt({ url, name: 'shop', on: ['incident.escalated'] }),
    ])
    await announce(incident)
    expect(started.map(({ receivers }) => receivers)).toEqual([['ops', 'shop']])
  })

  it('makes a CloudEvent with the view that people read, and a link to it', async () => {
    expect(await announced(incident)).toEqual({
      ...{ specversion: '1.0', id: `incident-escalated/incident/${id}/3`, source: 'https://steward.example' },
      ...{ type: 'io.steward.incident.escalated', subject: `incident/${id}`, time: at },
      ...{ datacontenttype: 'application/json', link: `https://steward.example/v1/incidents/${id}` },
      summary: 'dead, nova-compute on cmp-1: escalated: people are needed: it did not help',
      data: incident.view,
    })
    const nameless = await announced(incident, {})
    expect([nameless.source, nameless.link]).toEqual(['urn:steward', undefined])
  })

  it('says nothing that is named like a secret, and no user data, wherever that stands', async () => {
    const body = {
      server: { user_data: 'CANARY', adminPass: 'CANARY', name: 'web', personality: [{ secret: 'CANARY' }] },
    }
    const steps = [{ id: 'a', action: 'server.rebuild', with: { userData: 'CANARY', password: 'CANARY' } }]
    const call = { service: 'compute', method: 'POST' as const, path: '/servers', body }
    const result = { status: 200, body: { token: 'CANARY' } }
    const event = await announced({ ...action, view: actionView({ call, steps: steps as never, result }) })
    expect(JSON.stringify(event)).not.toContain('CANARY')
    expect(event.data).toMatchObject({ call: { body: { server: { name: 'web', user_data: '(not kept)' } } } })
  })

  it('leaves out what is too large, says so, and stays small', async () => {
    const timeline = Array.from({ length: 50 }, () => ({ at, text: 'ü'.repeat(2_000) }))
    const event = await announced({ ...incident, view: { ...incident.view, timeline } })
    expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(mostEventBytes)
    expect(event).toMatchObject({ shortened: true, data: { id, host: 'cmp-1', state: 'escalated' } })
    expect(event.data).not.toHaveProperty('timeline')
  })
})

describe('delivering', () => {
  const event = announced(incident)

  it('says what the receiver answered, and at which attempt', async () => {
    const { url } = await serve(() => ({ status: 204 }))
    const { deliver, run } = telling([receiverAt({ url })])
    const told = await run(async () => deliver({ receiver: 'ops', event: await event }), { attempt: 3 })
    expect(told).toEqual({ status: 204, attempts: 3 })
  })

  it('to somebody who is not configured any more is given up', async () => {
    const { deliver, run } = telling([])
    const code = await run(async () => deliver({ receiver: 'ops', event: await event })).catch(codeOf)
    expect(code).toBe('RECEIVER_UNKNOWN')
  })

  it.each([401, 302, 503, 'away'] as const)(
    'shows no secret in body, failure and log when the answer is %s',
    async (wrong) => {
      const { url, received } = await serve(({ headers }) => ({
        status: wrong === 'away' ? 200 : wrong,
        headers: { location: `http://evil/${token}` },
        body: `${headers.authorization} ${JSON.stringify(headers)}`,
      }))
      const at = wrong === 'away' ? `http://127.0.0.1:${await closedPort()}` : url
      const { deliver, run, logs } = telling([receiverAt({ url: `${at}/CANARY-path`, token, key })])
      const error: unknown = await run(async () => deliver({ receiver: 'ops', event: await event })).catch(
        (e: unknown) => e,
      )
      expect(codeOf(error)).toMatch(/^RECEIVER_(REFUSED|UNREACHABLE)$/)
      const warning = logs.find(({ message }) => message === 'a receiver has not taken an event')
      expect(warning?.meta).toMatchObject({
        receiver: 'ops',
        code: codeOf(error),
        type: 'io.steward.incident.escalated',
      })
      const seen = JSON.stringify([
        error,
        (error as Error).message,
        (error as Error).stack,
        logs,
        received.map(({ body }) => body),
      ])
      expect(seen).not.toMatch(/CANARY/)
      expect(seen).not.toContain(key)
    },
  )

  it('is tried again where that may help, and only there', () => {
    expect(failure('RECEIVER_UNREACHABLE', '').nonRetryable).toBe(false)
    for (const code of ['RECEIVER_REFUSED', 'RECEIVER_UNKNOWN'] as const)
      expect(failure(code, '').nonRetryable).toBe(true)
  })
})
