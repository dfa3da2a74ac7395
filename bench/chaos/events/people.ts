import { setTimeout as sleep } from 'node:timers/promises'
import { ask, type EventKind, incidentsOf } from '../world.ts'

const hosts = ['compute1', 'compute2', 'compute3'] as const
const operators = ['olga', 'admin'] as const

/** Pressed and released; what may happen in between is looked up in the records of the cloud. */
const stopButton: EventKind = {
  name: 'the stop button',
  alone: ['stop', 'steward'],
  deal(random) {
    const by = random.pick(operators)
    const seconds = random.int(12, 30)
    return {
      details: { by, seconds },
      async play(world) {
        const { stage, journal } = world
        const pressed = await ask(world, stage[by], 'POST', '/v1/stop', { why: 'chaos' })
        if (!pressed || pressed.status >= 300) return
        journal.write('stop acknowledged', { by, acknowledgedAt: pressed.at })
        await sleep(seconds * 1000)
        const resumeAskedAt = Date.now()
        const isResumed = await resume(world)
        journal.write('stop window', { from: pressed.at, to: resumeAskedAt, isResumed })
      },
    }
  },
}

/** Until it is done: a button that stays pressed would make the rest of the run silent. */
export async function resume(world: Parameters<typeof ask>[0] & { stage: { olga: Parameters<typeof ask>[1] } }) {
  for (let tries = 0; tries < 30; tries++) {
    const answer = await ask(world, world.stage.olga, 'POST', '/v1/resume', { why: 'chaos goes on' })
    if (answer && (answer.status < 300 || answer.status === 404 || answer.status === 409)) return true
    await sleep(2_000)
  }
  return false
}

const lease: EventKind = {
  name: 'a person holds a lease',
  deal(random) {
    const by = random.pick(operators)
    const target = `host/${random.pick(hosts)}`
    const heldSeconds = random.int(5, 30)
    const waitSeconds = random.pick([0, 0, 20, 50])
    return {
      details: { by, target, heldSeconds, waitSeconds },
      async play(world) {
        const { stage, journal } = world
        const wanted = { targets: [target], forSeconds: 60, waitSeconds, why: 'chaos' }
        const taken = await ask(world, stage[by], 'POST', '/v1/leases', wanted)
        if (taken?.status !== 201) return
        const { id } = taken.body as { id: string }
        journal.write('lease taken', { by, target, id, takenAt: taken.at })
        await sleep(heldSeconds * 1000)
        await ask(world, stage[by], 'DELETE', `/v1/leases/${id}`)
      },
    }
  },
}

/** What somebody at a desk does with whatever is open. */
const deskWork: EventKind = {
  name: 'people work on incidents',
  deal(random) {
    const steps = Array.from({ length: random.int(1, 4) }, () => ({
      by: random.pick(operators),
      which: random.next(),
      does: random.pick(['acknowledge', 'comment', 'take-over', 'hand-back', 'close'] as const),
    }))
    return {
      details: { steps: steps.map(({ by, does }) => `${by}: ${does}`) },
      async play(world) {
        for (const { by, which, does } of steps) {
          const open = (await incidentsOf(world))?.filter(({ state }) => state !== 'closed') ?? []
          // those that are at something are worth more than the many about hosts nobody knows
          const busy = open.filter(({ state }) => state !== 'escalated')
          const all = busy.length > 0 ? busy : open
          // who closes it leaves the service dead
          const from = does === 'close' ? all.filter(({ policy }) => policy !== 'nova-compute-down') : all
          const incident = from[Math.floor(which * from.length)]
          if (!incident) continue
          const body = does === 'comment' ? { text: 'chaos was here' } : does === 'acknowledge' ? {} : { why: 'chaos' }
          await ask(world, world.stage[by], 'POST', `/v1/incidents/${incident.id}/${does}`, body)
          await sleep(1_000)
        }
      },
    }
  },
}

/** Of modes, as the API names them. */
export const scopes = ['all', 'runbook:restart-service', 'runbook:relieve-host', 'policy:host-overloaded'] as const

/** For a while people want to be asked, or only to watch. */
const modes: EventKind = {
  name: 'the mode is switched',
  alone: ['mode'],
  deal(random) {
    const scope = random.pick(scopes)
    const mode = random.pick(['ask', 'ask', 'observe'] as const)
    const seconds = random.int(15, 40)
    return {
      details: { scope, mode, seconds },
      async play(world) {
        const { olga } = world.stage
        const path = `/v1/governor/modes/${scope}`
        const set = await ask(world, olga, 'PUT', path, { mode, why: 'chaos' })
        if (!set || set.status >= 300) return
        const from = set.at
        await sleep(seconds * 1000)
        const to = Date.now()
        await ask(world, olga, 'PUT', path, { mode: 'auto', why: 'chaos' })
        world.journal.write('mode window', { scope, mode, from, to })
      },
    }
  },
}

const revocation: EventKind = {
  name: 'the delegation is revoked and given again',
  alone: ['delegation', 'steward'],
  deal(random) {
    const by = random.pick(operators)
    const seconds = random.int(5, 20)
    return {
      details: { by, seconds },
      async play(world) {
        await ask(world, world.stage.olga, 'DELETE', '/v1/delegations/remediation')
        await sleep(seconds * 1000)
        await delegate(world, by)
      },
    }
  },
}

/** Until it is given: without it nothing else can happen. */
export async function delegate(
  world: Parameters<typeof ask>[0] & { stage: Record<'olga' | 'admin', Parameters<typeof ask>[1]> },
  by: 'olga' | 'admin',
) {
  for (let tries = 0; tries < 30; tries++) {
    const answer = await ask(world, world.stage[by], 'PUT', '/v1/delegations/remediation', { expiresIn: 'P1D' })
    if (answer?.status === 200) {
      const { userId } = await world.stage[by].session.token()
      world.journal.write('delegated', { by, userId, from: answer.asked.at })
      return
    }
    await sleep(2_000)
  }
}

export const peopleEvents: readonly EventKind[] = [stopButton, lease, deskWork, modes, revocation]
