import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import type { LeaseRequest } from '../../core/governor.ts'
import type { IncidentState, IncidentView } from '../../core/incident.ts'
import type { Policy } from '../../core/policy.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { viewOf } from '../workflows/engine.ts'
import { holdOf } from '../workflows/governor-bench.ts'
import {
  alertOf,
  binaryPolicy,
  gaugePolicy,
  type IncidentHandle,
  openIncident,
  order,
} from '../workflows/incident-bench.ts'
import { person } from '../workflows/people.ts'
import { type Installation, installation } from './installation.ts'
import { whatIsLeft } from './what-is-left.ts'

/** How long Temporal is killed alone; 600 is ten minutes. Without it that case is left to the chaos run. */
const awaySeconds = Number(process.env.TEMPORAL_AWAY_SECONDS ?? 0)
const withinMs = 120_000
const eventually = (look: () => Promise<unknown>, expected: unknown) =>
  vi.waitFor(async () => expect(await look()).toEqual(expected), { timeout: withinMs, interval: 200 })

const restarts = binaryPolicy()
const relieves = gaugePolicy()
const second = binaryPolicy({ name: 'second-alert' })

/** The host of each incident says in which step it is when the kill comes. */
const scene: readonly (readonly [host: string, policy: Policy, state: IncidentState, step?: string])[] = [
  ['confirming', restarts, 'confirming', 'is in confirming'],
  ['planning', relieves, 'planning', 'is in planning'],
  ['surveying', relieves, 'planning', 'is in surveying'],
  ['asking', gaugePolicy({ name: 'asks', mode: 'ask' }), 'asking'],
  ['suppressed', relieves, 'suppressed'],
  ['before-restart', restarts, 'acting', 'is in before-restart'],
  ['after-restart', restarts, 'acting', 'is in after-restart'],
  ['watching', restarts, 'acting', 'is in watching'],
  ['moving', relieves, 'acting', 'is in moving'],
  // its run waits for the lease that the one above has
  ['moving', second, 'acting'],
  ['verifying', relieves, 'verifying'],
  ['flapping', relieves, 'flapping'],
  ['observing', gaugePolicy({ name: 'observes', mode: 'observe' }), 'observing'],
  ['escalated', relieves, 'escalated'],
  ['taken-over', gaugePolicy({ name: 'is-taken-over', mode: 'observe' }), 'taken-over'],
]

const restarted = ['confirming', 'before-restart', 'after-restart', 'watching', 'moving']
const relieved = ['planning', 'surveying', 'asking', 'suppressed', 'moving', 'verifying']
/** All that is ever done to the cloud, each once. */
const effects = [
  ...restarted.map((host) => `restart ${host}`),
  ...relieved.flatMap((host) => [`migrate ${host}-a`, `migrate ${host}-b`]),
].sort((a, b) => a.localeCompare(b))

const nameOf = (host: string, { name }: Policy) => `${name} on ${host}`

/** Opens every incident and brings it to its state; the governor has leases, a waiting run and a waiting person. */
async function setScene(steward: Installation) {
  const { governor } = steward
  const hold = holdOf('host/suppressed', { waitUntil: inAnHour() })
  await governor.hold(hold)
  const incidents = new Map<string, IncidentHandle>()
  const open = async (host: string, policy: Policy) => {
    const options = { lookAgainMs: 1_000, governor: { flap: { firings: 50, withinSeconds: 5 } } }
    incidents.set(nameOf(host, policy), await openIncident(steward, { host }, policy, {}, options))
  }
  const first = scene.filter(([, policy]) => policy !== second)
  for (const [host, policy] of first) await open(host, policy)
  await eventually(async () => (await steward.done()).includes('is in moving'), true)
  await open('moving', second)
  const of = (host: string, policy: Policy) => incidents.get(nameOf(host, policy)) as IncidentHandle
  const handleOf = (host: string) => of(host, scene.find(([name]) => name === host)?.[1] as Policy)
  await eventually(async () => (await viewOf<IncidentView | undefined>(handleOf('taken-over')))?.state, 'observing')
  await order(handleOf('taken-over'), 'take-over', 'olga', {})
  await eventually(
    () => statesOf(scene, of),
    scene.map(([host, policy, state]) => `${nameOf(host, policy)}: ${state}`),
  )
  const steps = scene.flatMap(([, , , step]) => (step ? [step] : []))
  await eventually(async () => missing(steps, await steward.done()), [])
  const wanted: LeaseRequest = holdOf('host/watching', { waitUntil: inAnHour() })
  const waiting = governor.hold(wanted)
  // whoever asks while Steward is killed is told so, and asks again
  waiting.catch(() => undefined)
  await eventually(async () => (await governor.state()).queue.map(({ by }) => by).sort(), ['olga', 'second-alert'])
  return { hold, wanted, of, handleOf }
}

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()
const missing = (lines: readonly string[], done: readonly string[]) => lines.filter((line) => !done.includes(line))

const statesOf = (them: typeof scene, of: (host: string, policy: Policy) => IncidentHandle) =>
  Promise.all(
    them.map(async ([host, policy]) => {
      const view = await viewOf<IncidentView | undefined>(of(host, policy))
      return `${nameOf(host, policy)}: ${view?.state}`
    }),
  )

/** Everything comes to its end: people do their part, signals clear. */
async function bringToAnEnd(
  steward: Installation,
  { hold, wanted, of, handleOf }: Awaited<ReturnType<typeof setScene>>,
) {
  const { governor } = steward
  await steward.goOn()
  const asked = await viewOf<IncidentView>(handleOf('asking'))
  await order(handleOf('asking'), 'answer', 'olga', { planId: asked.proposal?.planId ?? '', says: 'approved' })
  await governor.release(hold.id, person('olga'))
  expect(await governor.hold(wanted)).toMatchObject({ says: 'granted' })
  await governor.release(wanted.id, person('olga'))
  await order(handleOf('taken-over'), 'close', 'olga', { why: 'done by hand' })
  await eventually(async () => missing(effects, await steward.done()), []).catch(async (error: Error) => {
    throw new Error(`${error.message}\nleft: ${await whatIsLeft(steward.client)}`)
  })
  for (const [host, policy] of scene.filter(([, { kind }, state]) => kind === 'gauge' && state !== 'taken-over'))
    await of(host, policy).signal(observe, alertOf(policy, { host }, { status: 'resolved' }))
  await Promise.all(scene.map(([host, policy]) => of(host, policy).result()))
}

type Kill = [what: string, (steward: Installation) => Promise<void>]

const temporalAway: Kill = [
  `Temporal may be killed and away for ${awaySeconds} s, in the middle of runs that go on`,
  async ({ killTemporal, startTemporal, goOn }) => {
    await killTemporal()
    await goOn()
    await sleep(awaySeconds * 1000)
    await startTemporal()
  },
]

describe.concurrent('in each state of an incident and of the governor', () => {
  const kills: Kill[] = [
    [
      'a worker may be killed',
      async ({ killWorker, startWorker }) => {
        await killWorker()
        startWorker()
      },
    ],
    ...(awaySeconds > 0 ? [temporalAway] : []),
    [
      'both may be killed at the same moment, as by a power cut',
      async ({ killWorker, killTemporal, startWorker, startTemporal }) => {
        await Promise.all([killWorker(), killTemporal()])
        await startTemporal()
        startWorker()
      },
    ],
  ]

  const timeout = 300_000 + awaySeconds * 1000
  it.for(kills)(
    '%s: everything ends as it should, and nothing is done twice',
    { timeout },
    async ([, kill], { onTestFinished }) => {
      const steward = await installation(onTestFinished)
      const set = await setScene(steward)
      await kill(steward)
      await bringToAnEnd(steward, set)

      const done = (await steward.done()).filter((line) => !line.startsWith('is in '))
      expect(done.sort((a, b) => a.localeCompare(b))).toEqual(effects)
      for (const [host, policy, state] of scene) {
        const view = await viewOf<IncidentView>(set.of(host, policy))
        const acted = restarted.includes(host) || relieved.includes(host)
        expect([nameOf(host, policy), view.state, view.runs.map(({ outcome }) => outcome)]).toEqual([
          nameOf(host, policy),
          'closed',
          acted ? ['succeeded'] : [],
        ])
        expect(state === 'taken-over' ? view.takenOverBy : undefined).toBe(state === 'taken-over' ? 'olga' : undefined)
      }
      await eventually(async () => {
        const { leases, queue } = await steward.governor.state()
        return [leases.length, queue.length]
      }, [0, 0])
    },
  )
})
