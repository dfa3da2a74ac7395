import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { PlanShown } from '../../core/cloud-plan.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { microversion, type Person } from '../../demo/stage/people.ts'
import { createServer, removeServers, showServer, untilActive } from '../../demo/stage/servers.ts'
import { vcpuShare } from '../../demo/stage/services.ts'
import type { Stage } from '../../demo/stage/stage.ts'
import type { FakePrometheus } from '../fakes/prometheus.ts'

const Allocations = z.object({ allocations: z.record(z.string(), z.unknown()) })
const Provider = z.object({ name: z.string() })
const Migrations = z.object({ migrations: z.array(z.object({ migration_type: z.string(), status: z.string() })) })
const Services = z.object({
  services: z.array(z.object({ host: z.string(), status: z.string(), disabled_reason: z.string().nullish() })),
})

/** What a plan says is held against Nova and Placement, which moved the servers. */
export function plans(onStage: () => Stage, use: FakePrometheus) {
  describe('plans on six real hosts', () => {
    it('consolidate: Nova empties the hosts that the plan promised, and the way back fills them again', async () => {
      const stage = onStage()
      const places = ['compute1', 'compute2', 'compute3', 'compute4', 'compute5', 'compute6']
      await withServers(stage, use, places, async (ids) => {
        const before = await placesOf(stage, ids)
        const plan = await carriedOut(stage, { goal: 'consolidate', why: 'the night is long' })
        expect(plan.digest?.released).toBeGreaterThanOrEqual(4)
        const used = new Set((await placesOf(stage, ids)).values())
        expect(used.size).toBe(plan.digest?.efficacy.hostsAfter)
        const asleep = (await nova(stage)).filter(({ status }) => status === 'disabled')
        expect(new Set(asleep.map(({ host }) => host))).toEqual(new Set(plan.disabled))
        expect(asleep.every(({ disabled_reason }) => disabled_reason === `steward plan/${plan.id}`)).toBe(true)

        const back = await carriedOut(stage, undefined, `/v1/plans/${plan.id}/undo`)
        expect(back.goal).toBe('undo')
        expect(await placesOf(stage, ids)).toEqual(before)
        expect((await nova(stage)).filter(({ status }) => status === 'disabled')).toEqual([])
      })
    })

    it('balance: servers leave the host that has more than the others', async () => {
      const stage = onStage()
      await withServers(stage, use, ['compute1', 'compute1', 'compute1', 'compute1'], async (ids) => {
        const before = await Promise.all(stage.cloud.hosts.map(({ name }) => vcpuShare(stage.olga, name)))
        const plan = await carriedOut(stage, { goal: 'spread' })
        const moved = plan.moves.filter(({ state }) => state === 'moved')
        expect(moved.length).toBeGreaterThanOrEqual(2)
        const after = await Promise.all(stage.cloud.hosts.map(({ name }) => vcpuShare(stage.olga, name)))
        expect(Math.max(...after)).toBeLessThan(Math.max(...before))
        const places = await placesOf(stage, ids)
        for (const { serverId, to } of moved) expect(places.get(serverId)).toBe(to)
      })
    })

    it('drain: the host is empty and disabled, of what is off as well, and one without a place for its servers is refused whole', async () => {
      const stage = onStage()
      await withServers(stage, use, ['compute2', 'compute2', 'compute3'], async (ids) => {
        const [off = ''] = ids
        await stop(stage, off)
        const inTheWay = await stage.olga.steward('POST', '/v1/plans', {
          goal: 'drain',
          options: { drain: ['compute2'] },
        })
        expect(inTheWay.body).toMatchObject({ code: 'PLAN_IMPOSSIBLE' })

        const options = { drain: ['compute2'], cold: 'stopped' }
        const plan = await carriedOut(stage, { goal: 'drain', options })
        expect(plan.disabled).toEqual(['compute2'])
        expect(plan.moves.find(({ serverId }) => serverId === off)).toMatchObject({ kind: 'cold', state: 'moved' })
        // off stays off, and no resize waits to be confirmed: it would hold room on both hosts
        expect([...(await placesOf(stage, ids, [off])).values()]).not.toContain('compute2')
        expect(await lastMigrationOf(stage, off)).toMatchObject({ migration_type: 'migration', status: 'confirmed' })
        expect(await vcpuShare(stage.olga, 'compute2')).toBe(0)
        await enable(stage, 'compute2')

        const everything = stage.cloud.hosts.map(({ name }) => name)
        const all = { goal: 'drain', options: { drain: everything } }
        const refused = await stage.olga.steward('POST', '/v1/plans', all)
        expect(refused.body).toMatchObject({ code: 'PLAN_IMPOSSIBLE' })
      })
    })
  })
}

const idOf = (body: unknown) => z.object({ plan: z.object({ id: z.string() }) }).parse(body).plan.id

async function carriedOut(stage: Stage, wish?: object, path = '/v1/plans'): Promise<PlanShown> {
  const asked = await stage.olga.steward('POST', path, wish)
  expect(asked.status, JSON.stringify(asked.body)).toBeLessThan(300)
  const id = idOf(asked.body)
  const proposed = await reaches(stage, id, ['proposed'])
  const yes = await stage.olga.steward('POST', `/v1/plans/${id}/approve`, { documentId: proposed.digest?.id })
  expect(yes.status, JSON.stringify(yes.body)).toBeLessThan(300)
  return reaches(stage, id, ['done'])
}

/** Waits for one of these states; ends at once in another one that is an end. */
async function reaches({ olga }: Stage, id: string, states: readonly PlanShown['state'][]): Promise<PlanShown> {
  let seen = ''
  const plan = await eventually(
    `plan ${id} to be ${states.join(' or ')}`,
    async () => {
      const shown = PlanShown.parse((await olga.steward('GET', `/v1/plans/${id}`)).body)
      seen = `it is ${shown.state}: ${JSON.stringify(shown.reason)} ${JSON.stringify(shown.timeline.slice(-5))}`
      return states.includes(shown.state) || shown.endedAt ? shown : undefined
    },
    { withinMs: 240_000, everyMs: 1_000, seen: () => seen },
  )
  expect(states, seen).toContain(plan.state)
  return plan
}

/** Servers of two vCPUs, one on each place, which are busy; gone when the play ends. */
async function withServers(
  { olga }: Stage,
  use: FakePrometheus,
  places: readonly string[],
  play: (ids: readonly string[]) => Promise<void>,
): Promise<void> {
  const ids = await Promise.all(
    places.map((host, at) => createServer(olga, { name: `planned-${at}`, flavor: '3', host })),
  )
  try {
    await untilActive(olga, ids)
    measured(use, ids, 45)
    await play(ids)
  } finally {
    await removeServers(olga, ids)
  }
}

/** What an exporter of libvirt would have measured a moment ago. */
export function measured(use: FakePrometheus, ids: readonly string[], percent: number): void {
  const each = (value: number) => ids.map((id) => ({ metric: { instance_id: id }, value: String(value) }))
  use.answer('virtual_cpus', each(percent))
  use.answer('timestamp(', each(5))
}

/** Has a server shut off, and waits until it is. */
async function stop({ olga }: Stage, id: string): Promise<void> {
  const compute = olga.session.service('compute', { microversion })
  await compute.request({ method: 'POST', path: `/servers/${id}/action`, body: { 'os-stop': null } })
  await eventually('the server to be off', async () => {
    const { status, doing } = await showServer(olga, id)
    return status === 'SHUTOFF' && doing === undefined
  })
}

async function lastMigrationOf({ olga }: Stage, id: string) {
  const compute = olga.session.service('compute', { microversion })
  const { migrations } = await compute.get(`/os-migrations?instance_uuid=${id}`, Migrations)
  return migrations[0]
}

/** Where each server is, by Nova; Placement has to say the same, and hold room for it nowhere else. */
async function placesOf(
  { olga }: Stage,
  ids: readonly string[],
  off: readonly string[] = [],
): Promise<Map<string, string>> {
  const placement = olga.session.service('placement', { microversion: '1.39' })
  const places = new Map<string, string>()
  for (const id of ids) {
    const { host = '', status } = await showServer(olga, id)
    expect(status).toBe(off.includes(id) ? 'SHUTOFF' : 'ACTIVE')
    const { allocations } = await placement.get(`/allocations/${id}`, Allocations)
    const names = await Promise.all(
      Object.keys(allocations).map(async (uuid) => (await placement.get(`/resource_providers/${uuid}`, Provider)).name),
    )
    expect(names, `Placement on ${id}`).toEqual([host])
    places.set(id, host)
  }
  return places
}

const nova = async ({ olga }: Stage) => {
  const compute = olga.session.service('compute', { microversion })
  return (await compute.get('/os-services?binary=nova-compute', Services)).services
}

async function enable({ olga }: { olga: Person }, host: string): Promise<void> {
  const compute = olga.session.service('compute', { microversion })
  const Ids = z.object({ services: z.array(z.object({ id: z.string(), host: z.string() })) })
  const { services } = await compute.get('/os-services?binary=nova-compute', Ids)
  const id = services.find((service) => service.host === host)?.id
  await compute.request({ method: 'PUT', path: `/os-services/${id}`, body: { status: 'enabled' } })
}
