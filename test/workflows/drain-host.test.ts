import { describe, expect, it, vi } from 'vitest'
import { answerRun } from '../../workflows/sdk/questions.ts'
import { untilState } from './engine.ts'
import { doneTo, hostWith, useLibrary } from './library-bench.ts'

const { cloud, start } = await useLibrary()
const service = (host: string) => cloud.service('nova-compute', host)

describe('emptying a host', () => {
  it('closes it with a reason, moves every server away and leaves it closed (P2 28)', async () => {
    const { host, on } = hostWith(cloud, 3)
    const { handle, scripted } = await start('drain-host', { host, reason: 'new disks', atOnce: 2 })
    expect(await handle.result()).toMatchObject({
      summary: `${host} is empty and disabled; 3 move(s)`,
      disabledByUs: true,
    })
    expect(service(host)).toMatchObject({ status: 'disabled', disabledReason: 'steward drain-host: new disks' })
    expect(on.map((one) => one.host).includes(host)).toBe(false)
    expect(on.flatMap((one) => doneTo(cloud, one))).toEqual(['live migration', 'live migration', 'live migration'])
    const [asked] = scripted.inputs('requestLease')
    expect(new Set(asked?.request.targets)).toEqual(new Set([`host/${host}`, ...on.map(({ id }) => `server/${id}`)]))
    expect(asked?.request.within).toEqual(expect.arrayContaining(on.map((one) => `host/${one.host}`)))
  })

  it('that is dry says each move, and closes nothing', async () => {
    const { host, on } = hostWith(cloud, 2)
    const { handle, view } = await start('drain-host', { host, reason: 'new disks' }, { dryRun: true })
    expect((await handle.result()).summary).toMatch(`${host} would be emptied by 2 move(s)`)
    expect((await view()).steps?.map(({ title }) => title)).toEqual([
      expect.stringMatching(/^compute-service.disable/),
      ...on.map(() => expect.stringMatching(/^Live-migrate server-/)),
    ])
    expect(doneTo(cloud, host)).toEqual([])
  })

  it('is refused whole, before it is closed, when a server cannot leave; it is named with the reason', async () => {
    const { host, on } = hostWith(cloud, 2)
    on[1]!.locked = true
    const { refused, scripted } = await start('drain-host', { host, reason: 'new disks' })
    expect(await refused()).toEqual([
      'PLAN_IMPOSSIBLE',
      `the hosts cannot be drained: 1 of 2 servers have to stay; ${on[1]!.id}: locked`,
    ])
    expect(scripted.inputs('requestLease')).toEqual([])
    expect(doneTo(cloud, host)).toEqual([])
  })

  it('is refused for a host whose nova-compute is down', async () => {
    const { host } = hostWith(cloud, 1)
    service(host).forcedDown = true
    const { refused } = await start('drain-host', { host, reason: 'new disks' })
    expect((await refused())[0]).toBe('HOST_UNFIT')
  })

  it('opens the host again when a move fails, begins no more, and what has moved stays moved', async () => {
    const { host, on } = hostWith(cloud, 3)
    const dry = await start('drain-host', { host, reason: 'new disks' }, { dryRun: true })
    await dry.handle.result()
    const inOrder = ((await dry.view()).steps ?? [])
      .slice(1)
      .map(({ title }) => on.find(({ name }) => title.includes(` ${name} `)))
    const refusal = { status: 400, body: { badRequest: { message: 'no', code: 400 } } }
    cloud.fail({ service: 'compute', method: 'POST', path: new RegExp(inOrder[1]!.id) }, refusal)
    const { refused } = await start('drain-host', { host, reason: 'new disks' })
    const [code, summary] = await refused()
    expect([code, summary]).toEqual([
      'MIGRATION_FAILED',
      expect.stringMatching(/^\d of \d move\(s\) of this wave were not made: CLOUD_REFUSED/),
    ])
    expect(doneTo(cloud, host)).toEqual(['service disabled', 'service enabled'])
    expect(service(host)).toMatchObject({ status: 'enabled', disabledReason: null })
    expect(inOrder.map((one) => one?.host === host)).toEqual([false, true, true])
  })

  it('leaves a host closed that was closed before, whatever becomes of it', async () => {
    const { host } = hostWith(cloud, 1)
    Object.assign(service(host), { status: 'disabled', disabledReason: 'ask paul' })
    cloud.host(host).migrationFault = 'guest memory is dirtied too fast'
    const { refused, view } = await start('drain-host', { host, reason: 'new disks' })
    expect((await refused())[0]).toBe('MIGRATION_FAILED')
    expect(service(host)).toMatchObject({ status: 'disabled', disabledReason: 'ask paul' })
    expect(doneTo(cloud, host)).toEqual([])
    expect((await view()).notes.map(({ text }) => text)).toContain(`${host} is disabled already: ask paul`)
  })

  it('plans again for servers that came while it was being closed', async () => {
    const { host, on } = hostWith(cloud, 1)
    const { handle } = await start('drain-host', { host, reason: 'new disks' })
    await vi.waitFor(() => expect(service(host).status).toBe('disabled'), { timeout: 30_000, interval: 5 })
    const late = cloud.addServer({ host, flavor: on[0]!.flavor })
    expect((await handle.result()).summary).toBe(`${host} is empty and disabled; 2 move(s)`)
    expect(late.host).not.toBe(host)
    cloud.world.servers.splice(cloud.world.servers.indexOf(late), 1)
  })

  it('sees the move under way through when it is cancelled, and only then opens the host again', async () => {
    const { host, on } = hostWith(cloud, 2)
    cloud.host(host).migrationsStay = 'running'
    const { handle } = await start('drain-host', { host, reason: 'new disks' })
    const moving = await vi.waitFor(() => {
      const found = cloud.world.migrations.find(({ from, status }) => from === host && status === 'running')
      expect(found).toBeDefined()
      return found
    }, 30_000)
    await handle.cancel()
    const looks = () => cloud.received.filter(({ path }) => path.endsWith('/os-migrations')).length
    const before = looks()
    await vi.waitFor(() => expect(looks()).toBeGreaterThan(before + 20), 30_000)
    expect(doneTo(cloud, host)).toEqual(['service disabled'])
    moving?.complete?.()
    await untilState(handle, 'cancelled')
    expect(moving?.status).toBe('completed')
    expect(doneTo(cloud, host)).toEqual(['service disabled', 'service enabled'])
    expect(on.flatMap((one) => doneTo(cloud, one))).toEqual(['live migration'])
  })
})

describe('opening a host again', () => {
  const close = (host: string, disabledReason: string | null) =>
    Object.assign(service(host), { status: 'disabled', disabledReason })

  it('enables one that a runbook has closed', async () => {
    const { host } = hostWith(cloud, 0)
    close(host, 'steward drain-host: new disks')
    const { handle } = await start('return-host', { host })
    expect(await handle.result()).toMatchObject({ summary: `${host} is up and enabled` })
    expect(doneTo(cloud, host)).toEqual(['service enabled'])
  })

  it('does nothing to one that is open', async () => {
    const { host } = hostWith(cloud, 0)
    const { handle } = await start('return-host', { host })
    expect((await handle.result()).summary).toBe(`${host} is up and enabled already`)
    expect(doneTo(cloud, host)).toEqual([])
  })

  it('is refused for one that somebody else has closed, unless a person says yes to just that', async () => {
    const { host } = hostWith(cloud, 0)
    close(host, 'ask paul')
    const { refused } = await start('return-host', { host })
    expect(await refused()).toEqual([
      'HOST_UNFIT',
      `somebody else has disabled ${host}, for "ask paul"; \`force\` asks a person about it`,
    ])
    const { handle, view } = await start('return-host', { host, force: true })
    const question = await vi.waitFor(
      async () => (await view()).question ?? Promise.reject(new Error('nothing is asked')),
      30_000,
    )
    expect(question.text).toBe(`Somebody else has disabled ${host}: ask paul. Enable it?`)
    await handle.executeUpdate(answerRun, { args: [{ questionId: question.id, by: 'paul', yes: true }] })
    await handle.result()
    expect(doneTo(cloud, host)).toEqual(['service enabled'])
  })

  const evacuated = (host: string, status: string) =>
    cloud.world.migrations.unshift({
      ...{
        number: 1000 + cloud.world.migrations.length,
        id: `m-${host}`,
        kind: 'evacuation',
        serverId: 's',
        from: host,
        to: 'compute3',
      },
      ...{ status, userId: 'u', projectId: 'p', createdMs: Date.now(), changedMs: Date.now(), steps: [] },
    })

  it('is refused while evacuations from it are under way (P1 10)', async () => {
    const { host } = hostWith(cloud, 0)
    close(host, 'steward evacuate-host: dead')
    evacuated(host, 'pre-migrating')
    const { refused } = await start('return-host', { host, force: true })
    expect(await refused()).toEqual(['HOST_UNFIT', expect.stringMatching(/^1 evacuation\(s\) from .* are under way/)])
  })

  it('lets nova-compute settle what was evacuated before it takes back that it was forced down (P1 11)', async () => {
    const { host } = hostWith(cloud, 0)
    cloud.kill(host)
    close(host, 'steward evacuate-host: dead')
    service(host).forcedDown = true
    evacuated(host, 'done')
    const { handle, view } = await start('return-host', { host })
    await vi.waitFor(async () => expect((await view()).steps?.at(-1)?.title).toMatch('reports again'), 30_000)
    expect(doneTo(cloud, host)).toEqual([])
    cloud.revive(host)
    expect((await handle.result()).summary).toBe(`${host} is up and enabled`)
    expect(doneTo(cloud, host)).toEqual(['service forced up', 'service enabled'])
    expect((await view()).steps?.map(({ title }) => title.replace(host, 'it'))).toEqual([
      'Wait until nova-compute on it reports again',
      'Wait until nova-compute on it has settled 1 evacuation(s)',
      expect.stringMatching(/^PUT compute\/os-services/),
      'Wait until nova-compute on it is up',
      expect.stringMatching(/^compute-service.enable/),
    ])
  })

  it('gives up on a host that does not come, and opens nothing', async () => {
    const { host } = hostWith(cloud, 0)
    service(host).forcedDown = true
    cloud.kill(host)
    const { refused } = await start('return-host', { host, withinSeconds: 1 })
    expect((await refused())[0]).toBe('RUN_TIMED_OUT')
    expect(doneTo(cloud, host)).toEqual([])
  })
})
