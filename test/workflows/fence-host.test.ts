import { describe, expect, it, vi } from 'vitest'
import { failure } from '../../core/errors.ts'
import { answerRun } from '../../workflows/sdk/questions.ts'
import { doneTo, hostWith, useLibrary } from './library-bench.ts'
import { bmc, lostHost, report } from './lost-host.ts'
import { gate, type Script } from './scripted.ts'

const { cloud, start } = await useLibrary()

describe('fencing a host', () => {
  it('cuts its power and closes it for good; its servers are left as they are', async () => {
    const { host, on } = lostHost(cloud, 1)
    const { handle } = await start('fence-host', { host, proof: 'ssh', reason: 'it burns' }, { script: bmc })
    expect((await handle.result()).summary).toBe(`${host} is off, forced down and disabled`)
    expect(doneTo(cloud, host)).toEqual(['service forced down', 'service disabled'])
    expect(doneTo(cloud, on[0]!)).toEqual([])
  })

  it('is refused for a host that answers, or whose power cannot be reached', async () => {
    const { host } = lostHost(cloud, 0)
    const alive = { ...bmc, lookAtProcess: { pid: 7, startedEpochSeconds: 1 } }
    const answers = await start('fence-host', { host, proof: 'ssh', reason: 'it burns' }, { script: alive })
    expect((await answers.refused())[0]).toBe('DEATH_UNPROVED')
    const without = { ...bmc, lookAtPower: failure('POWER_NOT_CONFIGURED', 'no way to its power') }
    const unreachable = await start('fence-host', { host, proof: 'ssh', reason: 'it burns' }, { script: without })
    expect((await unreachable.refused())[0]).toBe('POWER_NOT_CONFIGURED')
    expect(doneTo(cloud, host)).toEqual([])
  })
})

describe('turning a host off and on', () => {
  it('closes it meanwhile and opens it once its nova-compute is up', async () => {
    const { host } = hostWith(cloud, 0)
    const script: Script = {
      ...bmc,
      powerOff: (input) => {
        cloud.kill(host)
        return bmc.powerOff(input)
      },
      powerOn: (input) => {
        report(cloud, host)
        return bmc.powerOn(input)
      },
    }
    const { handle, scripted } = await start('power-cycle-host', { host, reason: 'new firmware' }, { script })
    expect((await handle.result()).summary).toBe(`${host} was turned off and on, and is up and enabled`)
    expect(scripted.inputs('powerOff')).toEqual([{ host, how: 'graceful', withinSeconds: 600 }])
    expect(doneTo(cloud, host)).toEqual(['service disabled', 'service enabled'])
  })

  it('is refused with servers on it (P3 32), unless that is allowed and a person says yes', async () => {
    const { host, on } = hostWith(cloud, 1)
    const { refused } = await start('power-cycle-host', { host, reason: 'new firmware' }, { script: bmc })
    expect(await refused()).toEqual([
      'HOST_UNFIT',
      `${host} is not empty: 1 server(s) are on it, such as ${on[0]!.name}`,
    ])
    const run = await start('power-cycle-host', { host, reason: 'new firmware', onlyIfEmpty: false }, { script: bmc })
    const question = await vi.waitFor(
      async () => (await run.view()).question ?? Promise.reject(new Error('nothing is asked')),
      30_000,
    )
    expect(question.text).toBe(`1 server(s) run on ${host} and would be turned off with it. Go on?`)
    await run.handle.executeUpdate(answerRun, { args: [{ questionId: question.id, by: 'paul', yes: false }] })
    expect((await run.refused())[0]).toBe('RUN_REFUSED')
    expect(doneTo(cloud, host)).toEqual(['service disabled', 'service enabled'])
    expect(run.scripted.inputs('powerOff')).toEqual([])
  })

  it('is not left off by whoever cancels meanwhile: it is turned on again, and opened', async () => {
    const { host } = hostWith(cloud, 0)
    const [shuttingDown, isOff] = [gate<void>(), gate<void>()]
    const script: Script = {
      ...bmc,
      powerOff: async (input) => {
        shuttingDown.open()
        await isOff.opened
        return bmc.powerOff(input)
      },
    }
    const { handle, scripted, view } = await start('power-cycle-host', { host, reason: 'new firmware' }, { script })
    await shuttingDown.opened
    await handle.cancel()
    isOff.open()
    await expect(handle.result()).rejects.toThrow()
    expect(scripted.names().filter((name) => name.startsWith('power'))).toEqual(['powerOff', 'powerOn'])
    expect((await view()).state).toBe('cancelled')
    expect(doneTo(cloud, host)).toEqual(['service disabled', 'service enabled'])
  })

  it('is turned on again when nobody can tell whether it went off', async () => {
    const { host } = hostWith(cloud, 0)
    const script: Script = { ...bmc, powerOff: failure('POWER_UNKNOWN', 'its BMC says nothing any more') }
    const { refused, scripted } = await start('power-cycle-host', { host, reason: 'new firmware' }, { script })
    expect((await refused())[0]).toBe('POWER_UNKNOWN')
    expect(scripted.names().filter((name) => name.startsWith('power'))).toEqual(['powerOff', 'powerOn'])
    expect(doneTo(cloud, host)).toEqual(['service disabled', 'service enabled'])
  })

  it('opens it again when it cannot be turned off', async () => {
    const { host } = hostWith(cloud, 0)
    const script: Script = { ...bmc, powerOff: failure('POWER_UNCHANGED', 'it stays on') }
    const { refused } = await start('power-cycle-host', { host, reason: 'new firmware' }, { script })
    expect((await refused())[0]).toBe('POWER_UNCHANGED')
    expect(doneTo(cloud, host)).toEqual(['service disabled', 'service enabled'])
  })
})
