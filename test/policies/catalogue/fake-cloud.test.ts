import { describe, expect, it, onTestFinished } from 'vitest'
import type { Call } from '../../../core/call.ts'
import { codeOf, detailsOf } from '../../../core/errors.ts'
import { createHttp } from '../../../openstack/http.ts'
import { createKeystone } from '../../../openstack/keystone.ts'
import { createSession } from '../../../openstack/session.ts'
import { actionNamed, type Seen } from '../../../policies/catalogue/index.ts'
import { fakeCloud } from '../../../simulator/cloud.ts'

const domain = { id: 'default' }

/** A fake cloud and what one of its users sees and does there by the catalogue. */
async function setUp(user: string, project: string) {
  const cloud = await fakeCloud()
  onTestFinished(() => cloud.close())
  const http = createHttp({ timeoutMs: 5_000, connectTimeoutMs: 5_000 })
  const session = createSession({
    keystone: createKeystone({ authUrl: cloud.authUrl, http }),
    http,
    login: { method: 'password', user: { name: user, domain }, password: cloud.password },
    scope: { project: { name: project, domain } },
  })
  const send = async ({ service, microversion, ...request }: Call): Promise<Seen> => {
    try {
      const client = session.service(service, microversion === undefined ? {} : { microversion })
      const { status, body } = await client.request(request)
      return { status, body }
    } catch (error) {
      const { status } = detailsOf(error)
      if (codeOf(error) === undefined || typeof status !== 'number') throw error
      return { status }
    }
  }
  return { cloud, send }
}

type Send = Awaited<ReturnType<typeof setUp>>['send']

/** Looks, calls, and looks until the end, as a run does; `meanwhile` is called between looks. */
async function run(send: Send, name: string, input: object, meanwhile: () => unknown = () => undefined) {
  const spec = actionNamed(name)
  const told: string[] = []
  const look = spec.alreadyDone?.read(input)
  const before = look && (await send(look))
  if (before && spec.alreadyDone?.when(before, input)) return ['nothing to do']
  const { status, body: result } = await send(spec.calls(input))
  told.push(String(status))
  const known = { before: before?.body, result }
  const read = status < 300 ? spec.waitFor?.read(input, known) : undefined
  for (let looks = 0; read && looks < 10; looks++) {
    const seen = await send(read)
    if (spec.waitFor?.done(seen, input, known)) return [...told, 'done']
    if (spec.waitFor?.failed(seen, input, known)) return [...told, 'failed']
    await meanwhile()
  }
  return told
}

describe('the catalogue at a cloud', () => {
  it('stops a server, waits for it, and has nothing to do the second time', async () => {
    const { cloud, send } = await setUp('alice', 'demo')
    const { id: serverId } = cloud.addServer({ host: 'compute1' })
    expect(await run(send, 'server.stop', { serverId })).toEqual(['202', 'done'])
    expect(cloud.server(serverId).status).toBe('SHUTOFF')
    expect(await run(send, 'server.stop', { serverId })).toEqual(['nothing to do'])
    expect(cloud.effects.map(({ kind }) => kind)).toEqual(['stop'])
  })

  it('takes a stop back by starting', async () => {
    const { cloud, send } = await setUp('alice', 'demo')
    const { id: serverId } = cloud.addServer({ host: 'compute1' })
    const spec = actionNamed('server.stop')
    const look = spec.alreadyDone?.read({ serverId })
    const before = look && (await send(look)).body
    await run(send, 'server.stop', { serverId })
    const back = spec.undo?.({ serverId }, { before })
    expect(await run(send, back?.action ?? '', back?.input ?? {})).toEqual(['202', 'done'])
    expect(cloud.server(serverId).status).toBe('ACTIVE')
  })

  it('tells a stop that ended without effect', async () => {
    const { cloud, send } = await setUp('alice', 'demo')
    const server = cloud.addServer({ host: 'compute1' })
    const failing = async () => {
      server.pending = undefined
      server.taskState = null
    }
    const spec = actionNamed('server.stop')
    expect((await send(spec.calls({ serverId: server.id }))).status).toBe(202)
    await failing()
    const read = spec.waitFor?.read({ serverId: server.id }, {})
    const seen = read && (await send(read))
    expect(seen && spec.waitFor?.failed(seen, { serverId: server.id }, {})).toBe(true)
  })

  it.each([
    ['server.live-migrate', {}],
    ['server.live-migrate-to', { host: 'compute3' }],
  ])('%s is over when the server is elsewhere', async (name, more) => {
    const { cloud, send } = await setUp('olga', 'admin')
    const { id: serverId } = cloud.addServer({ host: 'compute1' })
    const migrations: Call = { service: 'compute', method: 'GET', path: '/os-migrations', microversion: '2.59' }
    expect(await run(send, name, { serverId, ...more }, () => send(migrations))).toEqual(['202', 'done'])
    expect(cloud.server(serverId).host).not.toBe('compute1')
  })

  it('tells a live migration that was accepted and then refused by the scheduler', async () => {
    const { cloud, send } = await setUp('olga', 'admin')
    const { id: serverId } = cloud.addServer({ host: 'compute1' })
    for (const { name } of cloud.world.hosts)
      if (name !== 'compute1') cloud.service('nova-compute', name).status = 'disabled'
    const migrations: Call = { service: 'compute', method: 'GET', path: '/os-migrations', microversion: '2.59' }
    expect(await run(send, 'server.live-migrate', { serverId }, () => send(migrations))).toEqual(['202', 'failed'])
    expect(cloud.server(serverId).host).toBe('compute1')
  })

  it('deletes a server, and takes one that is gone for deleted', async () => {
    const { cloud, send } = await setUp('alice', 'demo')
    const { id: serverId } = cloud.addServer({ host: 'compute1' })
    expect(await run(send, 'server.delete', { serverId })).toEqual(['204', 'done'])
    expect(await run(send, 'server.delete', { serverId })).toEqual(['nothing to do'])
  })

  it('makes no call of which a reader is allowed nothing', async () => {
    const { cloud, send } = await setUp('bob', 'demo')
    const { id: serverId } = cloud.addServer({ host: 'compute1' })
    expect(await run(send, 'server.stop', { serverId })).toEqual(['403'])
    expect(cloud.effects).toEqual([])
  })
})
