import { eventually } from '../../../demo/stage/eventually.ts'
import { assertThat, type Play, runOf } from '../play.ts'
import { type BenchCloud, numberOf, type Zone } from '../real-cloud.ts'
import { assertMoved } from './servers.ts'

/** A host dies: its nova-compute, and whatever answers by SSH; its BMC still reads on. */
export async function loseHost({ stage, nova, bmcs }: BenchCloud, host: string): Promise<void> {
  const bmc = bmcs.get(host)
  if (bmc) bmc.bmc.power = 'On'
  await stage.cloud.killCompute(numberOf(host))
  await nova.untilState(host, 'down')
}

/** It is repaired, and opened by an operator without Steward. */
export async function mendHost({ stage, nova, bmcs }: BenchCloud, host: string): Promise<void> {
  const bmc = bmcs.get(host)
  if (bmc) bmc.bmc.power = 'On'
  // one that runs already is no matter
  await stage.cloud.startCompute(numberOf(host)).catch(() => undefined)
  await nova.open(host)
}

async function succeeds(cloud: BenchCloud, runbook: string, input: object): Promise<void> {
  const { run } = await runOf(cloud, runbook, input, { dryRun: false })
  assertThat(`${runbook} succeeds`, run.state === 'succeeded', run)
}

const drain: Play = {
  runbook: 'drain-host',
  async set(cloud) {
    const { nova } = cloud
    const host = 'compute4'
    const ids = await nova.createServers('drain', host, 2)
    return {
      input: { host, reason: 'a benchmark' },
      async proof() {
        const { status } = await nova.service(host)
        assertThat('it is disabled', status === 'disabled', status)
        return `${await assertMoved(cloud, ids, host)}; ${host} disabled`
      },
      async clear() {
        await nova.removeServers(ids)
        await nova.open(host)
      },
    }
  },
}

const giveBack: Play = {
  runbook: 'return-host',
  async set(cloud) {
    const host = 'compute4'
    await succeeds(cloud, 'drain-host', { host, reason: 'a benchmark' })
    return { input: { host }, proof: () => isOpen(cloud, host) }
  },
}

async function isOpen({ nova }: BenchCloud, host: string): Promise<string> {
  const { state, status, forced_down } = await nova.service(host)
  assertThat('it is open', state === 'up' && status === 'enabled' && !forced_down, { state, status, forced_down })
  return 'Nova: up, enabled, not forced down'
}

async function isFenced({ nova, bmcs }: BenchCloud, host: string): Promise<string> {
  const { status, forced_down } = await nova.service(host)
  assertThat('it is closed', status === 'disabled' && forced_down, { status, forced_down })
  const bmc = bmcs.get(host)
  assertThat('it was ordered off', bmc?.resets.at(-1) === 'ForceOff' && bmc.power() === 'Off', bmc?.resets)
  return 'BMC: off; Nova: forced down, disabled'
}

const evacuate: Play = {
  runbook: 'evacuate-host',
  async set(cloud) {
    const { nova } = cloud
    const host = 'compute6'
    const ids = await nova.createServers('lost-a', host, 2)
    await loseHost(cloud, host)
    return {
      input: { host, proof: 'ssh', evidence: 'a benchmark', storage: 'shared', maxServers: 5 },
      async proof() {
        for (const id of ids) {
          const { host: now, status } = await nova.show(id)
          assertThat(`${id} runs elsewhere`, now !== host && status === 'ACTIVE', { now, status })
          const done = await nova.actionsOf(id)
          assertThat('one evacuation', done.filter((one) => one === 'evacuate').length === 1, done)
          assertThat(`${id} is not locked`, !(await nova.isLocked(id)))
        }
        return `${await isFenced(cloud, host)}; 2 servers ACTIVE elsewhere, one evacuation each`
      },
      async clear() {
        await mendHost(cloud, host)
        await nova.removeServers(ids)
      },
    }
  },
}

const fence: Play = {
  runbook: 'fence-host',
  async set(cloud) {
    const host = 'compute8'
    await loseHost(cloud, host)
    return {
      input: { host, proof: 'ssh', reason: 'a benchmark' },
      proof: () => isFenced(cloud, host),
      clear: () => mendHost(cloud, host),
    }
  },
}

const powerCycle: Play = {
  runbook: 'power-cycle-host',
  async set(cloud) {
    const host = 'compute5'
    return {
      input: { host, reason: 'a benchmark' },
      async proof() {
        const resets = cloud.bmcs.get(host)?.resets.slice(-2)
        assertThat('off and on', resets?.join() === 'GracefulShutdown,On', resets)
        return `BMC: off, then on; ${await isOpen(cloud, host)}`
      },
    }
  },
}

const sleep: Play = {
  runbook: 'sleep-host',
  async set(cloud) {
    const { nova } = cloud
    const host = 'compute5'
    await succeeds(cloud, 'drain-host', { host, reason: 'a benchmark' })
    return {
      input: { host },
      async proof() {
        const bmc = cloud.bmcs.get(host)
        assertThat('it is off', bmc?.power() === 'Off', bmc?.resets)
        await nova.untilState(host, 'down')
        return 'BMC: off; Nova: down, disabled'
      },
      clear: () => mendHost(cloud, host),
    }
  },
}

const wake: Play = {
  runbook: 'wake-host',
  async set(cloud) {
    const host = 'compute5'
    await succeeds(cloud, 'drain-host', { host, reason: 'a benchmark' })
    await succeeds(cloud, 'sleep-host', { host })
    await cloud.nova.untilState(host, 'down')
    return { input: { host }, proof: () => isOpen(cloud, host) }
  },
}

/** The host of a service that only its process is dead of. */
export const alone: { readonly zone: Zone; readonly host: string } = { zone: 'alone', host: 'compute3' }

const restart: Play = {
  runbook: 'restart-service',
  async set(cloud) {
    const { host } = alone
    await loseHost(cloud, host)
    return {
      input: { host, binary: 'nova-compute', stableSeconds: 12, withinSeconds: 180 },
      async proof() {
        await eventually(`${host} to be up`, async () => (await cloud.nova.service(host)).state === 'up')
        return isOpen(cloud, host)
      },
    }
  },
}

export const hostPlays: readonly Play[] = [...[drain, giveBack, restart, evacuate, fence], ...[powerCycle, sleep, wake]]
