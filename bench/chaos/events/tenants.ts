import { setTimeout as sleep } from 'node:timers/promises'
import { ActionView } from '../../../core/action.ts'
import { microversion } from '../../../demo/stage/people.ts'
import { createServer, deleteServer, showServer } from '../../../demo/stage/servers.ts'
import { listServices } from '../../../demo/stage/services.ts'
import type { Random } from '../random.ts'
import { ask, type EventKind, type Server, type World } from '../world.ts'

const hosts = ['compute1', 'compute2', 'compute3'] as const
/** Of 28; a host that is relieved must find room elsewhere. */
const mostVcpus = 14

const living = ({ servers }: World) => servers.filter(({ deletedAt }) => deletedAt === undefined)
const inUse = (world: World) => living(world).reduce((sum, { vcpus }) => sum + vcpus, 0)

/** Unless the cloud is as full as it should get. */
export async function startServer(
  world: World,
  owner: 'alice' | 'olga',
  flavor: '1' | '3',
  host?: string,
): Promise<void> {
  const vcpus = flavor === '3' ? 2 : 1
  if (inUse(world) + vcpus > mostVcpus) return
  const { stage, servers, journal } = world
  const name = `${owner}-${servers.length + 1}`
  try {
    const id = await createServer(stage[owner], { name, flavor, ...(host && { host }) })
    servers.push({ id, owner, vcpus })
    journal.write('server created', { id, owner, ...(host && { host }) })
  } catch (error) {
    journal.write('server not created', { owner, error: String(error).slice(0, 100) })
  }
}

async function remove(world: World, count: number, owner?: Server['owner']): Promise<void> {
  const candidates = living(world).filter((server) => !owner || server.owner === owner)
  for (const server of candidates.slice(0, count)) {
    server.deletedAt = Date.now()
    await deleteServer(world.stage[server.owner], server.id).catch(() => undefined)
  }
}

/** Servers are put on one host until it is hot; the monitor sees it and tells Alertmanager. */
export const hotHost: EventKind = {
  name: 'a host becomes hot',
  alone: ['heat'],
  deal(random) {
    const order = random.shuffle(hosts)
    return {
      details: { order },
      async play(world) {
        const services = await listServices(world.stage.olga)
        const host = order.find((name) => services.some((s) => s.host === name && s.state === 'up'))
        if (!host) return
        if (inUse(world) > mostVcpus / 2) await remove(world, 4, 'olga')
        if (inUse(world) > mostVcpus / 2) await remove(world, 2)
        for (let at = 0; at < neededOn[host]; at++) await startServer(world, 'olga', '3', host)
        await startServer(world, 'alice', '1')
      },
    }
  },
}

/** Servers of two vCPUs that take a host above half of what it has. */
const neededOn = { compute1: 3, compute2: 2, compute3: 5 } as const

const newServers: EventKind = {
  name: 'a tenant starts servers',
  deal(random) {
    const count = random.int(1, 3)
    return {
      details: { count },
      async play(world) {
        for (let at = 0; at < count; at++) await startServer(world, 'alice', '1')
      },
    }
  },
}

const deleteServers: EventKind = {
  name: 'servers are deleted',
  deal(random) {
    const count = random.int(1, 2)
    return { details: { count }, play: (world) => remove(world, count) }
  },
}

const calls = [{ 'os-stop': null }, { 'os-start': null }, { 'os-stop': null }, { reboot: { type: 'HARD' } }] as const

/** Several calls for the same second, two of them perhaps on one server. */
export const dueTogether: EventKind = {
  name: 'actions fall due together',
  deal(random) {
    const inSeconds = random.int(4, 20)
    const plans = Array.from({ length: random.int(2, 6) }, () => ({ server: random.next(), body: random.pick(calls) }))
    const cancels = random.chance(0.3)
    return {
      details: { inSeconds, actions: plans.length, cancels },
      async play(world) {
        const own = living(world).filter(({ owner }) => owner === 'alice')
        if (own.length === 0) return
        const runAt = new Date(Math.ceil(Date.now() / 1000) * 1000 + inSeconds * 1000).toISOString()
        const made: string[] = []
        for (const plan of plans) {
          const server = own[Math.floor(plan.server * own.length)]
          if (!server) continue
          const call = {
            service: 'compute',
            method: 'POST',
            path: `/servers/${server.id}/action`,
            body: plan.body,
            microversion,
          }
          const answer = await ask(world, world.stage.alice, 'POST', '/v1/actions', {
            runAt,
            maxLatenessSeconds: 300,
            call,
          })
          if (answer?.status !== 201) continue
          const { id } = ActionView.parse(answer.body)
          made.push(id)
          world.actions.push(id)
        }
        if (cancels && made[0]) await ask(world, world.stage.alice, 'DELETE', `/v1/actions/${made[0]}`)
      },
    }
  },
}

/** The server is moved by hand right when its owner's action falls due. */
const movedByHand: EventKind = {
  name: 'a person moves a server that has an action',
  deal(random: Random) {
    const which = random.next()
    return {
      details: {},
      async play(world) {
        const own = living(world).filter(({ owner }) => owner === 'alice')
        const server = own[Math.floor(which * own.length)]
        if (!server) return
        const call = {
          service: 'compute',
          method: 'POST',
          path: `/servers/${server.id}/action`,
          body: { 'os-stop': null },
          microversion,
        }
        const answer = await ask(world, world.stage.alice, 'POST', '/v1/actions', { runIn: 'PT3S', call })
        if (answer?.status === 201) world.actions.push(ActionView.parse(answer.body).id)
        await sleep(2_000)
        const nova = world.stage.olga.session.service('compute', { microversion })
        const { host } = await showServer(world.stage.olga, server.id)
        const body = { 'os-migrateLive': { host: null, block_migration: 'auto' } }
        const moved = await nova.request({ method: 'POST', path: `/servers/${server.id}/action`, body }).then(
          () => 'asked',
          (error: unknown) => String(error).slice(0, 100),
        )
        world.journal.write('moved by hand', { id: server.id, from: host, moved })
      },
    }
  },
}

export const tenantEvents: readonly EventKind[] = [hotHost, newServers, deleteServers, dueTogether, movedByHand]
