import { setTimeout as sleep } from 'node:timers/promises'
import type { Incident } from '../../core/incident.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { listServices } from '../../demo/stage/services.ts'
import { delegate, resume, scopes } from './events/people.ts'
import { over, type overloaded } from './events/signals.ts'
import { ask, incidentsOf, type World } from './world.ts'

/** Takes back everything that was done to the system, and waits until it is at rest. Returns what would not rest. */
export async function calmDown(world: World, withinMs: number): Promise<string[]> {
  const { stage, journal } = world
  journal.write('calming down')
  await resume(world)
  await delegate(world, 'olga')
  for (const scope of scopes)
    await ask(world, stage.olga, 'PUT', `/v1/governor/modes/${scope}`, {
      mode: 'auto',
      why: 'calm',
    })
  for (const { name } of stage.cloud.hosts) await stage.cloud.clearFaults(name)
  for (const n of [1, 2, 3]) {
    const startedAt = Date.now()
    await stage.cloud.startCompute(n)
    journal.write('compute started', { n, startedAt, endedAt: Date.now() })
  }
  await eventually(
    'all services to be up',
    async () => (await listServices(stage.olga)).every((s) => s.state === 'up'),
    {
      withinMs: 120_000,
      everyMs: 1_000,
    },
  )
  await endAlerts(world)
  const untilMs = Date.now() + withinMs
  for (;;) {
    const restless = await atWork(world)
    if (restless.length === 0 || Date.now() > untilMs) {
      journal.write('calm', { restless })
      return restless
    }
    await sleep(3_000)
  }
}

/** Monitors that went away cannot say that it is over: every alert that was posted ends now. */
async function endAlerts({ stage }: World): Promise<void> {
  const last = new Map<string, ReturnType<typeof overloaded>>()
  for (const { by, alerts } of stage.deliveries.all)
    if (by === 'direct') for (const alert of alerts) last.set(`${alert.fingerprint} ${alert.startsAt}`, alert)
  const open = [...last.values()].filter(({ status }) => status === 'firing').map(over)
  for (let at = 0; at < open.length; at += 200) await stage.deliveries.post(open.slice(at, at + 200))
}

async function atWork(world: World): Promise<string[]> {
  const lists = await Promise.all(restlessStates.map((state) => incidentsOf(world, `state=${state}`)))
  const waiting = await incidentsOf(world, 'state=escalated')
  const leases = await ask(world, world.stage.olga, 'GET', '/v1/leases')
  if (!waiting || lists.some((list) => list === undefined) || leases?.status !== 200) return ['Steward does not answer']
  const actions = await ask(world, world.stage.alice, 'GET', '/v1/actions')
  const { leases: held = [] } = leases.body as { leases?: { id?: string; by?: string }[] }
  const { actions: own = [] } = (actions?.body ?? {}) as {
    actions?: { id: string; state: string; trustDeleted?: boolean }[]
  }
  return [
    ...[...lists.flatMap((list) => list ?? []), ...waiting.filter(hasRunning)].map(
      ({ id, state, host, policy }) => `incident ${id} of ${policy} on ${host} is ${state}`,
    ),
    ...held.map((lease) => `lease ${JSON.stringify(lease).slice(0, 160)}`),
    ...own.filter(({ trustDeleted }) => trustDeleted === undefined).map(({ id, state }) => `action ${id} is ${state}`),
  ]
}

/** All but those that are over or wait for people. */
const restlessStates = [
  'confirming',
  'suppressed',
  'flapping',
  'planning',
  'observing',
  'asking',
  'acting',
  'verifying',
]
const hasRunning = ({ runs }: Incident) => runs.some(({ outcome }) => outcome === 'running')
