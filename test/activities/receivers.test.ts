import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Receiver, send } from '../../activities/receivers/receiver.ts'
import { codeOf, messageOf } from '../../core/errors.ts'
import type { CloudEvent } from '../../core/notification.ts'
import { closedPort, rejection, serve, serveTcp } from '../openstack/server.ts'
import { key, receiverAt, token } from './receivers.ts'

const event: CloudEvent = {
  ...{ specversion: '1.0', id: 'incident-escalated/incident/1/3', source: 'https://steward.example' },
  ...{ type: 'io.steward.incident.escalated', subject: 'incident/1', time: '2026-11-21T01:00:00.000Z' },
  ...{ datacontenttype: 'application/json', summary: 'people are needed for <cmp-1> & co' },
  ...{ link: 'https://steward.example/v1/incidents/1', data: { host: 'cmp-1' } },
}
const nowMs = Date.parse('2026-11-21T01:00:05.900Z')

/** What came of sending it once. */
async function refusal(receiver: Receiver, timeoutMs = 2_000) {
  const error = await rejection(send(receiver, event, { nowMs, timeoutMs }))
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/CANARY/)
  return { code: codeOf(error), says: messageOf(error) }
}

describe('a webhook', () => {
  it('gets the event as CloudEvents has it, with a bearer token and a signature that can be worked out', async () => {
    const { url, received } = await serve(() => ({ status: 202 }))
    expect(await send(receiverAt({ url: `${url}/hook?x=1`, token, key }), event, { nowMs })).toEqual({ status: 202 })
    const [{ method, path, headers, body }] = received as [(typeof received)[0]]
    expect([method, path, body]).toEqual(['POST', '/hook?x=1', event])
    expect(headers).toMatchObject({
      'content-type': 'application/cloudevents+json; charset=utf-8',
      authorization: `Bearer ${token}`,
      'webhook-id': event.id,
      'webhook-timestamp': '1795222805',
    })
    const signed = `${event.id}.1795222805.${JSON.stringify(body)}`
    const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(signed).digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${signature}`)
  })

  it('gets neither token nor signature where there is none', async () => {
    const { url, received } = await serve(() => ({}))
    await send(receiverAt({ url }), event)
    expect(Object.keys(received[0]?.headers ?? {})).not.toEqual(expect.arrayContaining(['authorization']))
    expect(received[0]?.headers['webhook-signature']).toBeUndefined()
  })

  it.each([400, 401, 403, 404, 410, 422])('that answers %d is not asked again', async (status) => {
    const { url, received } = await serve(() => ({ status, body: 'no such channel' }))
    const says = `ops answered ${status}: no such channel`
    expect(await refusal(receiverAt({ url, token, key }))).toEqual({ code: 'RECEIVER_REFUSED', says })
    expect(received).toHaveLength(1)
  })

  it.each([408, 429, 500, 502, 503])('that answers %d cannot take it now', async (status) => {
    const { url, received } = await serve(() => ({ status }))
    const says = `ops answered ${status}`
    expect(await refusal(receiverAt({ url }))).toEqual({ code: 'RECEIVER_UNREACHABLE', says })
    expect(received).toHaveLength(1)
  })

  it('that sends us elsewhere is not followed', async () => {
    const elsewhere = await serve(() => ({}))
    const { url } = await serve(() => ({ status: 307, headers: { location: elsewhere.url } }))
    const { code, says } = await refusal(receiverAt({ url, token, key }))
    expect([code, says]).toEqual(['RECEIVER_REFUSED', 'ops answered 307'])
    expect(elsewhere.received).toEqual([])
  })

  it('that is slow is left, and one that is not there is noticed', async () => {
    const slow = await serve(() => undefined)
    const away = `http://127.0.0.1:${await closedPort()}`
    expect((await refusal(receiverAt({ url: slow.url, token }), 60)).says).toBe('ops could not be reached: ETIMEDOUT')
    expect(await refusal(receiverAt({ url: `${away}/CANARY-path`, token, key }))).toEqual({
      code: 'RECEIVER_UNREACHABLE',
      says: 'ops could not be reached: ECONNREFUSED',
    })
  })

  it('that has said yes has it, whatever it goes on saying', async () => {
    const { port } = await serveTcp((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal'))
    })
    const receiver = receiverAt({ url: `http://127.0.0.1:${port}` })
    expect(await send(receiver, event, { timeoutMs: 100 })).toEqual({ status: 200 })
    const endless = await serve((_request, response) => {
      response.writeHead(200)
      const talk = () => void (response.writableEnded || (response.write('x'.repeat(4096)) && setImmediate(talk)))
      response.on('drain', talk)
      talk()
      return undefined
    })
    expect(await send(receiverAt({ url: endless.url }), event)).toEqual({ status: 200 })
  })

  it('that repeats what only it may know is not quoted', async () => {
    const { url } = await serve(({ headers }) => ({ status: 400, body: `got ${headers.authorization}` }))
    expect((await refusal(receiverAt({ url, token }))).says).toBe('ops answered 400')
  })

  it('with a certificate that nobody has vouched for is not told anything', async () => {
    const { cert, tlsKey } = await ownCertificate()
    const { url, received } = await serve(() => ({}), { cert, key: tlsKey })
    expect((await refusal(receiverAt({ url, token, key }))).code).toBe('RECEIVER_UNREACHABLE')
    expect(received).toEqual([])
  })

  it('does not show its secrets when it is logged or stored', async () => {
    const receiver = receiverAt({ url: 'https://hooks.example/CANARY', token, key })
    expect(inspect(receiver, { showHidden: true }) + JSON.stringify(receiver)).not.toMatch(/CANARY/)
    expect(inspect(receiver, { showHidden: true })).not.toContain(key)
  })
})

describe('Slack', () => {
  it('gets a line, in which names are only names', async () => {
    const { url, received } = await serve(() => ({ body: 'ok' }))
    await send(receiverAt({ url, kind: 'slack' }), event)
    expect(received[0]?.body).toEqual({
      text: '*incident.escalated* people are needed for &lt;cmp-1&gt; &amp; co <https://steward.example/v1/incidents/1|show>',
    })
  })
})

describe('PagerDuty', () => {
  const sent = async (type: CloudEvent['type'], subject: string) => {
    const { url, received } = await serve(() => ({ status: 202 }))
    await send(receiverAt({ url, kind: 'pagerduty', token }), { ...event, type, subject })
    return received[0]?.body
  }

  it('gets an alert for an incident, and resolves it when that is closed', async () => {
    expect(await sent('io.steward.incident.escalated', 'incident/1')).toEqual({
      ...{ routing_key: token, event_action: 'trigger', dedup_key: 'incident/1' },
      payload: {
        ...{ summary: event.summary, source: event.source, severity: 'critical', timestamp: event.time },
        ...{ class: 'incident.escalated', custom_details: event.data },
      },
      links: [{ href: event.link, text: 'incident/1' }],
    })
    const closed = { event_action: 'resolve', dedup_key: 'incident/1' }
    expect(await sent('io.steward.incident.closed', 'incident/1')).toMatchObject(closed)
  })

  it('hears how bad a run says it is', async () => {
    const { url, received } = await serve(() => ({ status: 202 }))
    const receiver = receiverAt({ url, kind: 'pagerduty', token })
    for (const severity of ['info', 'critical', 'apocalyptic'])
      await send(receiver, { ...event, type: 'io.steward.run.notice', data: { severity } })
    const told = received.map(({ body }) => (body as { payload: { severity: string } }).payload.severity)
    expect(told).toEqual(['info', 'critical', 'warning'])
  })

  it.each([
    ['stop.pressed', 'trigger', 'critical'],
    ['stop.released', 'resolve', 'warning'],
    ['plan.proposed', 'trigger', 'warning'],
    ['plan.failed', 'trigger', 'error'],
    ['plan.done', 'resolve', 'warning'],
    ['action.failed', 'trigger', 'error'],
    ['action.warned', 'trigger', 'warning'],
  ] as const)('of %s hears %s, %s', async (name, event_action, severity) => {
    expect(await sent(`io.steward.${name}`, 'x')).toMatchObject({ event_action, payload: { severity } })
  })
})

/** That of the tests of OpenStack's HTTP client, of an authority of its own. */
async function ownCertificate() {
  const from = (name: string) =>
    readFile(new URL(`../openstack/fixtures/localhost-${name}.pem`, import.meta.url), 'utf8')
  return { cert: await from('cert'), tlsKey: await from('key') }
}
