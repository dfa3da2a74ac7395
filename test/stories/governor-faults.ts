import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import got from 'got'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { leasesIn } from '../../bench/chaos/records/leases.ts'
import { readSupervisorLog } from '../../bench/chaos/records/supervisor-log.ts'
import { ActionView } from '../../core/action.ts'
import { untilCalm } from '../../demo/stage/calm.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { startMonitor } from '../../demo/stage/monitor.ts'
import { microversion, type Person, personOf } from '../../demo/stage/people.ts'
import { createServer, removeServers, untilActive } from '../../demo/stage/servers.ts'
import { listServices, vcpuShare } from '../../demo/stage/services.ts'
import { followIncident, type Stage } from '../../demo/stage/stage.ts'
import { relieveAsPlanned } from './as-a-plan.ts'

const silent = () => undefined
const host = 'compute1'
const overload = 'host-overloaded'
const death = 'nova-compute-down'

/** Every effect is counted on the cloud's side, whatever Steward says. */
export function governorFaults(onStage: () => Stage) {
  describe('the governor, when things go wrong', () => {
    it('restarts nothing when RabbitMQ is away and every host looks down, and says why', async () => {
      const stage = onStage()
      const sinceMs = Date.now()
      const logged = (await readFile(stage.steward.logFile, 'utf8')).length
      await stage.cloud.stopProgram('rabbitmq')
      try {
        await eventually('every host to look down', async () => {
          const services = await computes(stage)
          return services.every(({ state }) => state === 'down')
        })
        await eventually('the reason why nothing is done', async () => {
          const found = await Promise.all(stage.cloud.hosts.map(({ name }) => stage.incident(death, name, sinceMs)))
          const told = found.flatMap((incident) => incident?.timeline.map(({ text }) => text) ?? [])
          const log = (await readFile(stage.steward.logFile, 'utf8')).slice(logged)
          return [...told, log].some((text) => /(3 of|all) 3 .*look (down|unhealthy) at once/.test(text))
        })
        await sleep(8_000)
        expect(await restartsSince(stage, sinceMs)).toEqual([])
        expect(await migrationsSince(stage, sinceMs)).toEqual([])
      } finally {
        await stage.cloud.startProgram('rabbitmq')
        await untilCalm(stage)
      }
    })

    it('lets two alerts, a due action, a plan and a person at the same host one after the other', async () => {
      const stage = onStage()
      await withHotHost(stage, ['2', '2', '2', '2', '2'], async (ids, sinceMs) => {
        const [server = ''] = ids
        const seen: string[] = []
        const watch = watchLeases(stage, seen)
        try {
          await stage.cloud.killCompute(1)
          await eventually('the restart to be under way', async () => {
            const incident = await stage.incident(death, host, sinceMs)
            return incident?.runs.some(({ outcome }) => outcome === 'running')
          })
          const monitor = startMonitor(stage, host, 0.5)
          try {
            await eventually('the relief to wait for its lease', async () => {
              const incident = await stage.incident(overload, host, sinceMs)
              return incident?.runs.some(({ outcome }) => outcome === 'running')
            })
            const plan = await relieveAsPlanned(stage, host)
            const body = { reboot: { type: 'SOFT' } }
            const call = { service: 'compute', method: 'POST', path: `/servers/${server}/action`, body, microversion }
            const action = ActionView.parse(
              (await stage.olga.steward('POST', '/v1/actions', { runIn: 'PT1S', call })).body,
            )
            const wanted = { targets: [`host/${host}`], forSeconds: 60, waitSeconds: 50, why: 'a look at the disk' }
            const lease = await stage.olga.steward('POST', '/v1/leases', wanted)
            expect(lease.status).toBe(201)
            await sleep(3_000)
            await stage.olga.steward('DELETE', `/v1/leases/${(lease.body as { id: string }).id}`)
            const incidents = await Promise.all(
              [death, overload].map((policy) => followIncident(stage, { policy, host, sinceMs }, silent)),
            )
            expect(incidents.map(({ state }) => state)).toEqual(['closed', 'closed'])
            await eventually('the action to be done', async () => {
              const { body } = await stage.olga.steward('GET', `/v1/actions/${action.id}`)
              return ActionView.parse(body).state === 'done'
            })
            // there is nothing left to do for it, or it is too soon for the same runbook on the same host
            expect(['succeeded', 'TARGET_COOLING_DOWN']).toContain(await plan.ended)
          } finally {
            await monitor.stop()
          }
        } finally {
          await watch.stop()
        }
        expect(watch.conflicts).toEqual([])
        expect(seen).toEqual(expect.arrayContaining(['alert', 'person', 'action']))
        // on a busy machine the service may look down once more, and is then restarted a second time by the same run
        const restarts = (await restartsSince(stage, sinceMs)).filter((restart) => restart.host === host)
        const told = (await stage.incident(death, host, sinceMs))?.runs.map(({ detail }) => detail)
        expect(told).toEqual([expect.stringContaining(`${restarts.length} restart(s)`)])
        const [move, ...further] = await migrationsSince(stage, sinceMs)
        expect([move?.from, further.length]).toEqual([host, 0])
      })
    })

    it('begins no further move when the stop button is pressed, and finishes when it is handed back', async () => {
      const stage = onStage()
      await withHotHost(
        stage,
        Array.from({ length: 7 }, () => '2'),
        async (_ids, sinceMs) => {
          await stage.cloud.setFault(host, { delay: { live_migration: 5 } })
          const monitor = startMonitor(stage, host, 0.5)
          try {
            await eventually('the first move', async () => (await migrationsSince(stage, sinceMs)).length === 1)
            expect((await stage.olga.steward('POST', '/v1/stop', { why: 'storage' })).status).toBeLessThan(300)
            const stopped = await eventually('the run to end', async () => {
              const incident = await stage.incident(overload, host, sinceMs)
              return incident?.runs.some(({ outcome }) => outcome === 'stopped') && incident
            })
            await sleep(6_000)
            expect(await migrationsSince(stage, sinceMs)).toHaveLength(1)
            expect(stopped.runs[0]?.detail).toMatch(/stop button/)
            expect((await stage.olga.steward('POST', '/v1/resume', { why: 'done' })).status).toBeLessThan(300)
            const back = await stage.olga.steward('POST', `/v1/incidents/${stopped.id}/hand-back`, { why: 'go on' })
            expect(back.status).toBe(200)
            const incident = await followIncident(stage, { policy: overload, host, sinceMs }, silent)
            expect(incident.state).toBe('closed')
            expect(await migrationsSince(stage, sinceMs)).toHaveLength(3)
          } finally {
            await stage.olga.steward('POST', '/v1/resume', { why: 'end of the test' })
            await monitor.stop()
            await stage.cloud.clearFaults(host)
          }
        },
      )
    })

    it('moves nothing in mode ask until somebody says yes to the very plan by a signed link', async () => {
      const stage = onStage()
      const admin = await personOf(stage.cloud, 'admin', stage.steward.url)
      await withMode(stage, 'ask', () =>
        withHotHost(stage, ['3', '3', '2'], async (_ids, sinceMs) => {
          const monitor = startMonitor(stage, host, 0.5)
          try {
            const asking = await eventually('the question', async () => {
              const incident = await stage.incident(overload, host, sinceMs)
              return incident?.state === 'asking' && incident
            })
            expect(await migrationsSince(stage, sinceMs)).toEqual([])
            const other = { planId: '00000000-0000-4000-8000-000000000000', says: 'approved' }
            const stale = await admin.steward('POST', `/v1/incidents/${asking.id}/answer`, other)
            expect(stale).toMatchObject({ status: 409, body: { code: 'APPROVAL_STALE' } })
            const forBob = { for: 'bob', expiresInSeconds: 600 }
            const made = await admin.steward('POST', `/v1/incidents/${asking.id}/approval-links`, forBob)
            expect(made.status).toBe(201)
            const { url } = made.body as { url: string }
            // a mail scanner opens it, too
            expect(await got(url).text()).toContain('compute1')
            expect((await stage.incident(overload, host, sinceMs))?.state).toBe('asking')
            expect(await migrationsSince(stage, sinceMs)).toEqual([])
            await got.post(url, { form: { says: 'approved', why: 'go' }, retry: { limit: 0 } })
            const incident = await followIncident(stage, { policy: overload, host, sinceMs }, silent)
            expect(incident).toMatchObject({
              state: 'closed',
              answers: [{ by: expect.stringMatching(/^bob .*admin/), says: 'approved' }],
            })
            expect(await migrationsSince(stage, sinceMs)).toHaveLength(1)
          } finally {
            await monitor.stop()
          }
        }),
      )
    })

    it('does nothing in mode observe, and says what it would have done', async () => {
      const stage = onStage()
      const sinceMs = Date.now()
      await withMode(stage, 'observe', async () => {
        await stage.cloud.killCompute(3)
        const incident = await eventually('what it would have done', async () => {
          const found = await stage.incident(death, 'compute3', sinceMs)
          return found?.state === 'observing' && found
        })
        expect(incident).toMatchObject({ runs: [], reason: { detail: 'would have: restart nova-compute on compute3' } })
        await sleep(3_000)
        expect(await restartsSince(stage, sinceMs)).toEqual([])
        await stage.cloud.startCompute(3)
        const closed = await followIncident(stage, { policy: death, host: 'compute3', sinceMs }, silent)
        expect(closed).toMatchObject({ state: 'closed', runs: [] })
      })
    })

    it('makes no further move when the delegation is revoked in the middle of a run', async () => {
      const stage = onStage()
      await withHotHost(
        stage,
        Array.from({ length: 7 }, () => '2'),
        async (_ids, sinceMs) => {
          await stage.cloud.setFault(host, { delay: { live_migration: 5 } })
          const monitor = startMonitor(stage, host, 0.5)
          try {
            await eventually('the first move', async () => (await migrationsSince(stage, sinceMs)).length === 1)
            expect((await stage.olga.steward('DELETE', '/v1/delegations/remediation')).status).toBeLessThan(300)
            const incident = await eventually('people to be asked', async () => {
              const found = await stage.incident(overload, host, sinceMs)
              return found?.state === 'escalated' && found
            })
            expect(incident.reason?.code).toMatch(/^DELEGATION_/)
            await sleep(6_000)
            expect(await migrationsSince(stage, sinceMs)).toHaveLength(1)
          } finally {
            await stage.olga.steward('PUT', '/v1/delegations/remediation', { expiresIn: 'P1D' })
            await monitor.stop()
            await stage.cloud.clearFaults(host)
          }
        },
      )
    })

    it('takes in a storm of 300 alerts, each once, and counts them', async () => {
      const stage = onStage()
      const startsAt = new Date().toISOString()
      const storm = `ghost-${Date.now()}`
      const alerts = Array.from({ length: 300 }, (_, n) => alertOn(`${storm}-${n}`, startsAt))
      const first = await deliver(stage, alerts)
      expect(first.opened + first.joined + first.known).toBe(300)
      // what was sent again because its answer was lost has joined what it had opened
      expect(first.opened).toBeGreaterThanOrEqual(300 - first.unsure)
      const again = await deliver(stage, alerts)
      expect(again).toMatchObject({ opened: 0, ignored: 0 })
      expect(again.joined + again.known).toBe(300)
      const counted = await eventually('all of them in the list of the engine', async () => {
        const query = `WorkflowId STARTS_WITH 'incident/${overload}/${storm}' AND ExecutionStatus != 'ContinuedAsNew'`
        const url = `${stage.steward.uiUrl}/api/v1/namespaces/default/workflow-count?query=${encodeURIComponent(query)}`
        const { count } = await got(url).json<{ count: string }>()
        return Number(count) >= 300 && Number(count)
      })
      expect(counted).toBe(300)
      await deliver(stage, alerts.map(resolved))
      await eventually(
        'all of them to be over',
        async () => {
          const states = ['confirming', 'planning', 'escalated']
          const open = await Promise.all(
            states.map((state) => stage.olga.steward('GET', `/v1/incidents?state=${state}`)),
          )
          return open.every(({ status, body }) => status === 200 && !JSON.stringify(body).includes(storm))
        },
        { withinMs: 200_000, everyMs: 1_000 },
      )
    })
  })
}

async function computes({ olga }: Stage) {
  return (await listServices(olga)).filter(({ binary }) => binary === 'nova-compute')
}

async function restartsSince({ cloud }: Stage, sinceMs: number) {
  const log = await readFile(join(cloud.dir, 'log', 'supervisord.log'), 'utf8')
  return readSupervisorLog(log).filter(({ at }) => at >= sinceMs)
}

const Migrations = z.object({
  migrations: z.array(z.object({ source_compute: z.string(), created_at: z.string(), status: z.string() })),
})

async function migrationsSince({ olga }: Stage, sinceMs: number) {
  const nova = olga.session.service('compute', { microversion })
  const { migrations } = await nova.get('/os-migrations', Migrations)
  // Nova's times are whole seconds
  return migrations
    .filter(({ created_at }) => Date.parse(`${created_at}Z`) >= sinceMs - 1_000)
    .map(({ source_compute, status }) => ({ from: source_compute, status }))
}

/** Servers on one host, which has no others, until `play` has ended. */
async function withHotHost(
  stage: Stage,
  flavors: readonly string[],
  play: (ids: readonly string[], sinceMs: number) => Promise<void>,
): Promise<void> {
  await eventually(`${host} to be empty`, async () => (await vcpuShare(stage.olga, host)) === 0)
  const ids = await Promise.all(
    flavors.map((flavor, at) => createServer(stage.olga, { name: `hot-${at}`, flavor, host })),
  )
  try {
    await untilActive(stage.olga, ids)
    await play(ids, Date.now())
  } finally {
    await removeServers(stage.olga, ids)
  }
}

async function withMode(stage: Stage, mode: 'ask' | 'observe', play: () => Promise<void>): Promise<void> {
  const set = (to: string, by: Person) => by.steward('PUT', '/v1/governor/modes/all', { mode: to, why: 'a story' })
  expect((await set(mode, stage.olga)).status).toBeLessThan(300)
  try {
    await play()
  } finally {
    await set('auto', stage.olga)
  }
}

/** Looks at the leases all the time; nobody may hold what somebody else holds. */
function watchLeases({ olga }: Stage, requesters: string[]) {
  let going = true
  const conflicts: string[] = []
  const loop = async () => {
    while (going) {
      const { status, body } = await olga.steward('GET', '/v1/leases')
      const leases = leasesIn(status === 200 ? { leases: body } : {})
      requesters.push(...leases.map(({ requester }) => requester))
      const targets = leases.flatMap((lease) => lease.targets)
      if (new Set(targets).size < targets.length) conflicts.push(JSON.stringify(leases))
      await sleep(100)
    }
  }
  const ended = loop()
  return {
    conflicts,
    async stop() {
      going = false
      await ended
    },
  }
}

const alertOn = (name: string, startsAt: string) => ({
  status: 'firing',
  labels: { alertname: 'HostOverloaded', host: name },
  annotations: { summary: `${name} is overloaded` },
  startsAt,
  endsAt: '0001-01-01T00:00:00Z',
  generatorURL: '',
  fingerprint: name,
})

const resolved = (alert: ReturnType<typeof alertOn>) => ({
  ...alert,
  status: 'resolved',
  endsAt: new Date().toISOString(),
})

/** In groups of a hundred, each again until it is taken, as Alertmanager does; the counts of all answers together. */
async function deliver({ steward }: Stage, alerts: readonly object[]) {
  const sum = { opened: 0, joined: 0, known: 0, ignored: 0, unsure: 0 }
  for (let at = 0; at < alerts.length; at += 100) {
    const group = alerts.slice(at, at + 100)
    const body = {
      version: '4',
      status: 'firing',
      receiver: 'steward',
      groupKey: '{}',
      truncatedAlerts: 0,
      alerts: group,
    }
    await eventually('the group to be taken', async () => {
      const answer = await got
        .post(`${steward.url}/v1/signals/alertmanager`, {
          json: body,
          headers: { authorization: `Bearer ${steward.tokens.alertmanager}` },
          retry: { limit: 0 },
        })
        .json<{ opened: number; joined: number; known: number; ignored: object[] }>()
        .catch(() => undefined)
      if (!answer) {
        sum.unsure += group.length
        return false
      }
      for (const name of ['opened', 'joined', 'known'] as const) sum[name] += answer[name]
      sum.ignored += answer.ignored.length
      return true
    })
  }
  return sum
}
