import { expect, it } from 'vitest'
import { createReserve } from '../../activities/reserve.ts'
import { flavors } from '../../simulator/openstack/world.ts'
import { doneTo, useLibrary } from './library-bench.ts'
import { bmc, lostHost, report } from './lost-host.ts'
import type { Script } from './scripted.ts'

const { cloud, start } = await useLibrary(({ sessions }) => createReserve(sessions))

/** Hosts that are down and disabled for this reason. */
function asleep(reason = 'steward plan/7c2f') {
  const { host } = lostHost(cloud, 0)
  Object.assign(cloud.service('nova-compute', host), { status: 'disabled', disabledReason: reason })
  return host
}

/** Two servers of four vCPUs and 2 GiB, on 28 vCPUs and 28 GiB: less than 90 % are free. */
function filled() {
  for (const host of ['compute1', 'compute3']) cloud.addServer({ host, flavor: flavors[3]! })
}

const wakes: Script = {
  ...bmc,
  powerOn: (input) => {
    report(cloud, input.host)
    return bmc.powerOn(input)
  },
}

it('wakes nobody while enough is free, nor where no host sleeps; that is no failure', async () => {
  const none = await start('keep-reserve', {}, { script: wakes })
  expect((await none.handle.result()).summary).toBe('no host sleeps')
  asleep()
  const enough = await start('keep-reserve', {}, { script: wakes })
  expect((await enough.handle.result()).summary).toBe('at least 10 % are free: 1 host(s) may sleep on')
  for (const { scripted } of [none, enough])
    expect([scripted.inputs('powerOn'), scripted.inputs('requestLease')]).toEqual([[], []])
})

it('wakes hosts that plans have turned off, and none that was fenced or is being worked on', async () => {
  filled()
  const host = asleep()
  for (const reason of ['steward fence-host: it was lost', 'steward drain-host: new disks', 'new cables'])
    asleep(reason)
  const { handle, scripted, view } = await start('keep-reserve', { freePercent: 90 }, { script: wakes })
  expect((await handle.result()).summary).toBe(`${host} woke`)
  expect(scripted.inputs('powerOn').map((input) => input.host)).toEqual([host])
  expect(scripted.inputs('requestLease').map(({ request }) => request.targets)).toEqual([[`host/${host}`]])
  expect(doneTo(cloud, host)).toEqual(['service enabled'])
  expect((await view()).notes.map(({ text }) => text).join()).toContain('it needs more hosts')
})

it('says what it would wake in a dry run, and turns nothing on', async () => {
  filled()
  const host = asleep()
  const { handle, scripted } = await start('keep-reserve', { freePercent: 90 }, { script: wakes, dryRun: true })
  expect((await handle.result()).summary).toBe(`${host} would be woken`)
  expect([scripted.inputs('powerOn'), doneTo(cloud, host)]).toEqual([[], []])
})
