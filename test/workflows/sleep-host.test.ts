import { describe, expect, it } from 'vitest'
import { doneTo, hostWith, useLibrary } from './library-bench.ts'
import { bmc, report } from './lost-host.ts'
import type { Script } from './scripted.ts'

const { cloud, start } = await useLibrary()

const emptied = (reason = 'steward plan/7c2f', servers = 0) => {
  const found = hostWith(cloud, servers)
  Object.assign(cloud.service('nova-compute', found.host), { status: 'disabled', disabledReason: reason })
  return found
}

describe('a host that was emptied', () => {
  it('is turned off and stays disabled', async () => {
    const { host } = emptied()
    const { handle, scripted } = await start('sleep-host', { host }, { script: bmc })
    expect((await handle.result()).summary).toBe(`${host} is off, and stays disabled`)
    expect(scripted.inputs('powerOff')).toEqual([{ host, how: 'graceful', withinSeconds: 600 }])
    expect(doneTo(cloud, host)).toEqual([])
  })

  it('stays on while a server is on it, while it is enabled, and when somebody else has disabled it', async () => {
    const { host: full } = emptied('steward drain-host: disks', 1)
    const { host: open } = hostWith(cloud, 0)
    const { host: foreign } = emptied('new cables')
    for (const [host, why] of [
      [full, 'is not empty'],
      [open, 'is enabled'],
      [foreign, 'was disabled by somebody else'],
    ] as const) {
      const { refused, scripted } = await start('sleep-host', { host }, { script: bmc })
      expect(await refused()).toEqual(['HOST_UNFIT', expect.stringContaining(why)])
      expect(scripted.inputs('powerOff')).toEqual([])
    }
  })
})

describe('a host that sleeps', () => {
  const wakes = (host: string): Script => ({
    ...bmc,
    powerOn: (input) => {
      report(cloud, host)
      return bmc.powerOn(input)
    },
  })

  it('is turned on, and enabled once its nova-compute is up', async () => {
    const { host } = emptied()
    cloud.kill(host)
    const { handle } = await start('wake-host', { host }, { script: wakes(host) })
    expect((await handle.result()).summary).toBe(`${host} is up and enabled`)
    expect(doneTo(cloud, host)).toEqual(['service enabled'])
  })

  it('stays disabled if it was not Steward that had disabled it', async () => {
    const { host } = emptied('new cables')
    const { handle } = await start('wake-host', { host }, { script: wakes(host) })
    expect((await handle.result()).summary).toBe(`${host} is up`)
    expect(doneTo(cloud, host)).toEqual([])
  })
})
