import { describe, expect, it, vi } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { FakeCloud } from '../../simulator/cloud.ts'
import { flavors } from '../../simulator/openstack/world.ts'
import { answerRun } from '../../workflows/sdk/questions.ts'
import { doneTo, useLibrary } from './library-bench.ts'
import { ago, bmc, lostHost, reading, report } from './lost-host.ts'
import type { Script } from './scripted.ts'

const { cloud, start } = await useLibrary()
const service = (host: string) => cloud.service('nova-compute', host)
const lost = (servers: number) => lostHost(cloud, servers)
const order = (host: string, more: object = {}) => ({
  ...{ host, proof: 'ssh', evidence: 'the rack has no power', storage: 'volumes-only', maxServers: 10 },
  ...more,
})
/** What was done to the cloud since, in order: what, and to what. */
const doneSince = ({ effects }: FakeCloud, from: number) =>
  effects.slice(from).flatMap(({ kind, target }) => (kind === 'token' ? [] : [`${kind} ${target}`]))

describe('evacuating a host', () => {
  it('cuts its power, forces it down, closes it and starts its servers elsewhere, in this order (P1 12)', async () => {
    const { host, on } = lost(2)
    const from = cloud.effects.length
    const { handle, scripted, view } = await start('evacuate-host', order(host), { script: bmc })
    const result = await handle.result()
    expect(result).toMatchObject({
      summary: `2 of 2 servers of ${host} were started elsewhere; it is off, forced down and disabled`,
      death: 'it does not answer by SSH: no route to host',
      fence: expect.stringMatching(/^read as off at .* and at .*, after the order of/),
      left: [],
      interrupted: [],
    })
    expect(scripted.inputs('powerOff')).toEqual([{ host, how: 'hard', withinSeconds: 120 }])
    const done = doneSince(cloud, from)
    expect(done.slice(0, 2)).toEqual([`service forced down ${host}`, `service disabled ${host}`])
    expect(on.map((one) => doneTo(cloud, one))).toEqual(on.map(() => ['locked', 'evacuation', 'unlocked']))
    for (const one of on) expect([one.host === host, one.status, one.locked]).toEqual([false, 'ACTIVE', false])
    expect(service(host)).toMatchObject({
      ...{ forcedDown: true, status: 'disabled' },
      disabledReason: 'steward evacuate-host: the rack has no power',
    })
    // P1 13: the room on the dead host stays held until its nova-compute starts
    expect([...(cloud.world.allocations.get(on[0]!.id)?.keys() ?? [])]).toContain(host)
    const [asked] = scripted.inputs('requestLease')
    expect(asked?.request).toMatchObject({ risk: 'destructive', targets: expect.arrayContaining([`host/${host}`]) })
    expect((await view()).state).toBe('succeeded')
  })

  it('that is dry changes nothing, and says each step', async () => {
    const { host } = lost(1)
    const from = cloud.effects.length
    const { handle, scripted, view } = await start('evacuate-host', order(host), { script: bmc, dryRun: true })
    expect((await handle.result()).summary).toBe(`1 server(s) of ${host} would be started elsewhere`)
    expect((await view()).steps?.map(({ title }) => title.split(' ')[0])).toEqual([
      'Cut',
      'PUT',
      'compute-service.disable',
      'POST',
    ])
    expect([doneSince(cloud, from), scripted.inputs('powerOff')]).toEqual([[], []])
  })

  it.each([
    ['Nova sees it up (P1 2)', { alive: true, reportsFromMs: 0 }, {}, 'HOST_UNFIT', 'Nova sees nova-compute on .* up'],
    ['it has more servers than that', {}, { maxServers: 1 }, 'HOST_UNFIT', 'has 2 servers, and 1 are allowed'],
  ])('is refused before the lease is asked for when %s', async (_when, changes, more, code, says) => {
    const { host } = lost(2)
    Object.assign(service(host), changes)
    const from = cloud.effects.length
    const { refused, scripted } = await start('evacuate-host', order(host, more), { script: bmc })
    expect(await refused()).toEqual([code, expect.stringMatching(says)])
    expect([doneSince(cloud, from), scripted.inputs('requestLease'), scripted.inputs('powerOff')]).toEqual([[], [], []])
  })

  it('is refused while all hosts, or half of them, look dead', async () => {
    const { host } = lost(1)
    const others = ['compute1', 'compute2'].map(service)
    for (const one of others) Object.assign(one, { alive: false, lastReportMs: 0 })
    const { refused, scripted } = await start('evacuate-host', order(host), { script: bmc })
    expect((await refused())[0]).toBe('MASS_OUTAGE')
    expect(scripted.inputs('powerOff')).toEqual([])
    for (const one of others) Object.assign(one, { alive: true })
  })

  it.each([
    [
      'ssh',
      'answers by SSH',
      { lookAtProcess: { pid: 7, startedEpochSeconds: 1 } },
      'it answers by SSH: restart its nova-compute instead',
    ],
    [
      'ssh',
      'cannot be judged by SSH',
      { lookAtProcess: failure('SSH_HOST_KEY_MISMATCH', 'another key') },
      'nobody can tell by SSH',
    ],
    ['ssh', 'has no command for it', { lookAtProcess: null }, 'no command of steward.yaml shows'],
    ['power', 'is on', {}, 'its power is on'],
  ] as [string, string, Script, string][])(
    'is refused by %s when the host %s (P1 1)',
    async (proof, _what, script, says) => {
      const { host } = lost(1)
      const from = cloud.effects.length
      const { refused, scripted } = await start('evacuate-host', order(host, { proof }), {
        script: { ...bmc, ...script },
      })
      expect(await refused()).toEqual(['DEATH_UNPROVED', expect.stringMatching(says)])
      expect([doneSince(cloud, from), scripted.inputs('powerOff')]).toEqual([[], []])
    },
  )

  it('takes the word of a person, and a no for a no', async () => {
    const { host } = lost(1)
    const { handle, view, refused, scripted } = await start('evacuate-host', order(host, { proof: 'person' }), {
      script: bmc,
    })
    const question = await vi.waitFor(
      async () => (await view()).question ?? Promise.reject(new Error('nothing is asked')),
      30_000,
    )
    await handle.executeUpdate(answerRun, { args: [{ questionId: question.id, by: 'paul', yes: false }] })
    expect((await refused())[0]).toBe('RUN_REFUSED')
    expect(scripted.inputs('powerOff')).toEqual([])
  })

  it('is refused whole for servers whose disks are on the host (P1 3); they can be left', async () => {
    const { host, on } = lost(2)
    const local = cloud.addServer({ host, flavor: flavors[0]! })
    const { refused } = await start('evacuate-host', order(host), { script: bmc })
    expect(await refused()).toEqual([
      'SERVER_UNFIT',
      expect.stringMatching(`1 of 3 servers of ${host} cannot be evacuated; ${local.name}`),
    ])
    const { handle } = await start('evacuate-host', order(host, { unfit: 'leave' }), { script: bmc })
    expect(await handle.result()).toMatchObject({ left: [{ id: local.id }] })
    expect([local.host, on.some((one) => one.host === host)]).toEqual([host, false])
    cloud.world.servers.splice(cloud.world.servers.indexOf(local), 1)
  })

  it('is refused before the power is cut when there is no room for its servers (P1 14)', async () => {
    const { host } = lost(0)
    const large = cloud.addServer({ host, onVolume: true, flavor: { ...flavors[0]!, vcpus: 99 } })
    const { refused, scripted } = await start('evacuate-host', order(host), { script: bmc })
    expect((await refused())[0]).toBe('PLAN_IMPOSSIBLE')
    expect(scripted.inputs('powerOff')).toEqual([])
    cloud.world.servers.splice(cloud.world.servers.indexOf(large), 1)
  })

  it('goes no further when the power cannot be proved to be off', async () => {
    const { host } = lost(1)
    const from = cloud.effects.length
    const script: Script = {
      ...bmc,
      powerOff: ({ host: name }) => ({
        ...{ outcome: 'turned off', askedAt: ago(31), orderedAt: ago(30) },
        // by something that shows its own records only
        readings: [
          { ...reading('off', 15, name), way: 'ironic' },
          { ...reading('off', 2, name), way: 'ironic' },
        ],
      }),
      lookAtPower: ({ host: name }) => ({ ...reading('off', 0, name), way: 'ironic' }),
    }
    const { refused } = await start('evacuate-host', order(host), { script })
    expect((await refused())[0]).toBe('DEATH_UNPROVED')
    expect(doneSince(cloud, from)).toEqual([])
  })

  it('stops when the host comes back (P1 10): nothing more is started elsewhere', async () => {
    const { host, on } = lost(3)
    const { refused } = await start('evacuate-host', order(host, { atOnce: 1 }), { script: bmc })
    await vi.waitFor(() => expect(on.flatMap((one) => doneTo(cloud, one))).toContain('evacuation'), {
      timeout: 30_000,
      interval: 5,
    })
    report(cloud, host)
    const [code, summary] = await refused()
    expect([code, summary]).toEqual([
      'HOST_CAME_BACK',
      expect.stringMatching(/^1 of 3 servers of .* were started elsewhere; then: HOST_CAME_BACK/),
    ])
    expect(on.flatMap((one) => doneTo(cloud, one)).filter((kind) => kind === 'evacuation')).toHaveLength(1)
    expect(on.map((one) => one.locked)).toEqual([false, false, false])
    expect(service(host)).toMatchObject({ forcedDown: true, status: 'disabled' })
  })

  it('stops at the first server that finds no place, says why, and goes on with the rest when started again', async () => {
    const { host, on } = lost(2)
    cloud.host(host).migrationFault = 'No valid host was found. '
    const first = await start('evacuate-host', order(host), { script: bmc })
    expect(await first.refused()).toEqual([
      'EVACUATION_FAILED',
      expect.stringMatching(
        /^0 of 2 servers of .* then: EVACUATION_FAILED: the evacuation of .* ended as error; it is ERROR on .*No valid host/,
      ),
    ])
    expect(on.flatMap((one) => doneTo(cloud, one))).toEqual(['locked', 'evacuation', 'unlocked'])
    cloud.host(host).migrationFault = undefined
    const script: Script = { ...bmc, lookAtPower: ({ host: name }) => reading('off', 0, name) }
    const again = await start('evacuate-host', order(host, { proof: 'power' }), { script })
    expect((await again.handle.result()).summary).toMatch('2 of 2 servers')
  }, 120_000)

  it('names servers that were being stopped when the host died (P1 5), and starts them elsewhere all the same', async () => {
    const { host, on } = lost(1)
    on[0]!.taskState = 'powering-off'
    const { handle, view } = await start('evacuate-host', order(host), { script: bmc })
    expect(await handle.result()).toMatchObject({ interrupted: [`${on[0]!.name}: powering-off`] })
    expect((await view()).notes.map(({ text }) => text)).toContain(
      `cut off in the middle of something: ${on[0]!.name}: powering-off`,
    )
  })

  it('leaves servers off where that was asked for (P1 8), and those locked by their owner locked (P1 6)', async () => {
    const { host, on } = lost(1)
    on[0]!.locked = true
    const { handle } = await start('evacuate-host', order(host, { leaveOff: true }), { script: bmc })
    await handle.result()
    expect(on[0]).toMatchObject({ status: 'SHUTOFF', locked: true })
    expect(doneTo(cloud, on[0]!)).toEqual(['evacuation'])
  })

  it('begins each evacuation once, also when the answer of Nova is lost', async () => {
    const { host, on } = lost(1)
    const evacuation = { service: 'compute', method: 'POST', path: new RegExp(`${on[0]!.id}/action`) }
    on[0]!.locked = true
    cloud.fail(evacuation, 'reset after effect')
    const { handle } = await start('evacuate-host', order(host), { script: bmc })
    await handle.result()
    expect(doneTo(cloud, on[0]!)).toEqual(['evacuation'])
  })

  it('sees an evacuation to its end that an earlier run began, and begins none beside it', async () => {
    const { host, on } = lost(1)
    cloud.host(host).migrationsStay = 'running'
    const first = await start('evacuate-host', order(host, { withinSeconds: 1 }), { script: bmc })
    expect(await first.refused()).toEqual(['EVACUATION_FAILED', expect.stringMatching('RUN_TIMED_OUT')])
    const again = await start('evacuate-host', order(host), { script: bmc })
    await vi.waitFor(async () => expect((await again.view()).steps?.at(-1)?.title).toMatch('the evacuation of'), 90_000)
    const [record] = cloud.world.migrations.filter(({ serverId }) => serverId === on[0]!.id)
    Object.assign(on[0]!, { host: 'compute3', status: 'ACTIVE', vmState: 'active', taskState: null })
    Object.assign(record!, { to: 'compute3', status: 'done' })
    expect(await again.handle.result()).toMatchObject({ moved: [{ server: on[0]!.id, to: 'compute3' }] })
    expect(doneTo(cloud, on[0]!).filter((kind) => kind === 'evacuation')).toHaveLength(1)
  }, 120_000)
})
