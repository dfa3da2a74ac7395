import { describe, expect, it } from 'vitest'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import { fakeKeystone, tokenBody } from '../openstack/fake-keystone.ts'
import { as, stopServer, world } from './app.ts'
import { memoryLog } from './memory-log.ts'

const form = /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const theirs = 'req-0193a7f0-5a51-4c3f-8d60-2f9d0f4c1e77'
const sent = (id: string) => ({ 'x-openstack-request-id': id })

describe('the request id', () => {
  it('of every answer is ours, and another one each time', async () => {
    const w = await world()
    const ids: unknown[] = []
    for (const url of ['/healthz', '/metrics', '/v1/actions', '/nowhere', '/docs/', '/v1/actions/%zz'])
      for (const headers of [{}, sent(theirs)])
        ids.push((await w.ask({ url, headers })).headers['x-openstack-request-id'])
    for (const id of ids) expect(id).toMatch(form)
    expect(new Set([...ids, theirs]).size).toBe(ids.length + 1)
  })

  it('that a client sends goes to Keystone, with the check of its token and with its trust', async () => {
    const w = await world()
    const headers = { ...as('member'), ...sent(theirs) }
    await w.ask({ method: 'POST', url: '/v1/actions', headers, payload: stopServer() })
    expect(w.requestIds).toEqual([
      ['validate', theirs],
      ['createTrust', theirs],
    ])
  })

  it('goes with a standing delegation too, and with the deletion of a trust nobody needs', async () => {
    const w = await world({ delegations: { put: () => Promise.reject(new Error('no')) } })
    const headers = { ...as('operator'), ...sent(theirs) }
    await w.ask({ method: 'PUT', url: '/v1/delegations/remediation', headers, payload: {} })
    expect(w.requestIds).toEqual([
      ['validate', theirs],
      ['createTrust', theirs],
      ['deleteTrust', theirs],
    ])
  })

  it.each([
    'req-0193A7F0-5A51-4C3F-8D60-2F9D0F4C1E77',
    '0193a7f0-5a51-4c3f-8d60-2f9d0f4c1e77',
    `${theirs}0`,
    `${theirs} ${theirs}`,
    'req-',
    '',
  ])('%j has not the form of one, so Keystone gets ours', async (odd) => {
    const w = await world()
    const answer = await w.ask({ url: '/v1/actions', headers: { ...as('member'), ...sent(odd) } })
    expect(w.requestIds).toEqual([['validate', answer.headers['x-openstack-request-id']]])
  })

  it('is on the wire when Keystone is asked', async () => {
    const fake = await fakeKeystone()
    fake.onOther = () => ({ body: tokenBody() })
    const keystone = createKeystone({ authUrl: fake.authUrl, http: createHttp() })
    const w = await world({ checkToken: (token, options) => keystone.validate(token, options) })
    const answer = await w.ask({ url: '/v1/actions', headers: { ...as('a-real-token'), ...sent(theirs) } })
    expect(answer.statusCode).toBe(200)
    expect(fake.received.map(({ headers }) => headers['x-openstack-request-id'])).toEqual([theirs])
  })

  it('is in the log, theirs next to ours', async () => {
    const { log, lines } = memoryLog()
    const w = await world({ logger: log })
    const answer = await w.ask({ url: '/v1/actions', headers: { ...as('nobody'), ...sent(theirs) } })
    expect(lines()).toMatchObject([
      {
        msg: 'request refused',
        reqId: answer.headers['x-openstack-request-id'],
        globalRequestId: theirs,
      },
    ])
  })
})
