import { appendFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { microversion } from '../../demo/stage/people.ts'
import { listServices, vcpuShare } from '../../demo/stage/services.ts'
import type { Random } from './random.ts'
import { ask, incidentsOf, type World } from './world.ts'

/** Something that goes on all the time until it is stopped. */
export interface Background {
  stop(): Promise<void>
}

function repeat(everyMs: number, once: () => Promise<unknown>): Background {
  let going = true
  const loop = async () => {
    while (going) {
      const beganMs = Date.now()
      // what is away now may be there next time
      await once().catch(() => undefined)
      await sleep(Math.max(10, everyMs - (Date.now() - beganMs)))
    }
  }
  const ended = loop()
  return {
    async stop() {
      going = false
      await ended
    },
  }
}

const limit = 0.5

/** Plays Prometheus: measures every host every two seconds and keeps Alertmanager informed. */
export function watchHosts({ stage }: World): Background {
  const since = new Map<string, string>()
  return repeat(2_000, async () => {
    for (const { name: host } of stage.cloud.hosts) {
      const isOver = (await vcpuShare(stage.olga, host)) > limit
      const startsAt = since.get(host) ?? new Date().toISOString()
      if (!isOver && !since.has(host)) continue
      const labels = { alertname: 'HostOverloaded', host, severity: 'warning' }
      const summary = `${host} is above ${limit * 100} % of its vCPUs`
      await stage.alertmanager.post({ labels, startsAt, summary, ...(!isOver && { endsAt: new Date().toISOString() }) })
      if (isOver) since.set(host, startsAt)
      else since.delete(host)
    }
  })
}

/** The second person: says yes to most of what is asked, no to some, and takes a while. */
export function answerQuestions(world: World, random: Random): Background {
  return repeat(1_500, async () => {
    if (!world.isStewardThere) return
    for (const { id, proposal } of (await incidentsOf(world, 'state=asking')) ?? []) {
      if (!proposal) continue
      const answer = world.isCalming || random.chance(0.8) ? 'approved' : 'rejected'
      const body = { planId: proposal.planId, says: answer, why: 'chaos' }
      await ask(world, world.stage.admin, 'POST', `/v1/incidents/${id}/answer`, body)
    }
  })
}

/** Operators do not leave for long what they were asked about, or took over. */
export function seeToLeftOver(world: World): Background {
  const seen = new Map<string, number>()
  return repeat(5_000, async () => {
    if (!world.isStewardThere || world.isCalming) return
    const waiting = ['escalated', 'taken-over'].flatMap((state) =>
      world.stage.cloud.hosts.map(({ name }) => incidentsOf(world, `state=${state}&host=${name}`)),
    )
    for (const { id } of (await Promise.all(waiting)).flatMap((list) => list ?? [])) {
      const sinceMs = seen.get(id) ?? Date.now()
      seen.set(id, sinceMs)
      if (Date.now() - sinceMs < leftOverMs) continue
      seen.delete(id)
      await ask(world, world.stage.olga, 'POST', `/v1/incidents/${id}/hand-back`, { why: 'looked at' })
    }
  })
}

const leftOverMs = 12_000

const Migrations = z.object({
  migrations: z.array(
    z.object({
      uuid: z.string(),
      status: z.string(),
      instance_uuid: z.string(),
      source_compute: z.string().nullable(),
      dest_compute: z.string().nullable(),
    }),
  ),
})

/** One look at who holds what and what the cloud is doing. Parts that did not answer are missing. */
export interface Sample {
  readonly at: number
  readonly leases?: unknown
  readonly migrating?: readonly { uuid: string; server: string; from: string | null; to: string | null }[]
  /** Hosts by the state of their nova-compute. */
  readonly services?: Readonly<Record<string, string>>
}

const over = new Set(['completed', 'done', 'error', 'failed', 'cancelled'])

/** Looks every half second, and writes down what it saw. */
export function startSampler({ stage, ...world }: World, file: string): Background & { readonly samples: Sample[] } {
  const samples: Sample[] = []
  writeFileSync(file, '')
  const nova = stage.olga.session.service('compute', { microversion })
  const loop = repeat(500, async () => {
    const at = Date.now()
    const [leases, migrations, services] = await Promise.all([
      ask(world, stage.olga, 'GET', '/v1/leases'),
      nova.get('/os-migrations', Migrations).catch(() => undefined),
      listServices(stage.olga).catch(() => undefined),
    ])
    const sample: Sample = {
      at,
      ...(leases?.status === 200 && { leases: leases.body }),
      ...(migrations && {
        migrating: migrations.migrations
          .filter(({ status }) => !over.has(status))
          .map((m) => ({ uuid: m.uuid, server: m.instance_uuid, from: m.source_compute, to: m.dest_compute })),
      }),
      ...(services && {
        services: Object.fromEntries(
          services.filter(({ binary }) => binary === 'nova-compute').map(({ host, state }) => [host, state]),
        ),
      }),
    }
    samples.push(sample)
    appendFileSync(file, `${JSON.stringify(sample)}\n`)
  })
  return { samples, stop: loop.stop }
}
