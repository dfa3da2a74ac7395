import { setTimeout as sleep } from 'node:timers/promises'
import { listServices } from '../../../demo/stage/services.ts'
import type { EventKind } from '../world.ts'

const hosts = [1, 2, 3] as const

/** Two dead of three are an outage, in which nothing is done: that is rare. */
export const killCompute: EventKind = {
  name: 'a nova-compute is killed',
  alone: ['death'],
  deal(random) {
    const n = random.pick(hosts)
    const evenIfAnotherIsDead = random.chance(0.15)
    return {
      details: { n, evenIfAnotherIsDead },
      async play({ stage, journal }) {
        const dead = (await listServices(stage.olga)).filter(({ state }) => state === 'down').map(({ host }) => host)
        if (dead.length > (evenIfAnotherIsDead ? 1 : 0)) {
          journal.write('spared', { n, dead })
          return
        }
        await stage.cloud.killCompute(n)
        await sleep(15_000)
      },
    }
  },
}

/** People start by hand what is dead, perhaps while Steward is at it. */
const startDead: EventKind = {
  name: 'people start what is dead',
  deal: () => ({
    details: {},
    async play({ stage, journal }) {
      const dead = (await listServices(stage.olga)).filter(({ state }) => state === 'down').map(({ host }) => host)
      if (dead.length === stage.cloud.hosts.length) return
      for (const n of hosts.filter((each) => dead.includes(`compute${each}`))) {
        const startedAt = Date.now()
        await stage.cloud.startCompute(n)
        journal.write('compute started', { n, startedAt, endedAt: Date.now() })
      }
    },
  }),
}

/** Without its message bus every host looks down, and no restart would help. */
const busOutage: EventKind = {
  name: 'RabbitMQ is away',
  alone: ['bus', 'steward'],
  deal(random) {
    const seconds = random.int(30, 60)
    return {
      details: { seconds },
      async play({ stage, journal }) {
        await stage.cloud.stopProgram('rabbitmq')
        const downAt = Date.now()
        await sleep(seconds * 1000)
        const upAt = Date.now()
        await stage.cloud.startProgram('rabbitmq')
        journal.write('bus outage', { downAt, upAt })
        // the services come back one after the other
        await sleep(15_000)
      },
    }
  },
}

const faultyMigrations: EventKind = {
  name: 'migrations fail or are slow',
  deal(random) {
    const host = `compute${random.pick(hosts)}`
    const seconds = random.int(15, 40)
    const fault = random.chance(0.5)
      ? { live_migration: 'guest memory is dirtied too fast' }
      : { delay: { live_migration: random.int(4, 12) } }
    return {
      details: { host, seconds, fault },
      async play({ stage }) {
        await stage.cloud.setFault(host, fault)
        await sleep(seconds * 1000)
        await stage.cloud.clearFaults(host)
      },
    }
  },
}

export const cloudEvents: readonly EventKind[] = [killCompute, startDead, busOutage, faultyMigrations]
