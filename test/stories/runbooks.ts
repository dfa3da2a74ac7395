import { describe, expect, it } from 'vitest'
import { Run } from '../../core/runbook.ts'
import { eventually } from '../../demo/stage/eventually.ts'
import { createServer, removeServers, showServer, untilActive } from '../../demo/stage/servers.ts'
import { listServices } from '../../demo/stage/services.ts'
import type { Stage } from '../../demo/stage/stage.ts'
import type { FakeRedfish } from '../fakes/bmc/redfish.ts'
import type { FakePrometheus } from '../fakes/prometheus.ts'
import { measured } from './plans.ts'

/** Runbooks that a person starts, each first as a dry run, and what Nova says afterwards. */
export function runbooks(onStage: () => Stage, bmc: Pick<FakeRedfish, 'resets'>, use: FakePrometheus) {
  describe('runbooks by hand, on a real cloud', () => {
    it('night-off and morning-on stop servers and start them again', async () => {
      const stage = onStage()
      await withServers(stage, ['compute1', 'compute2', 'compute3'], async (servers) => {
        const would = await ended(stage, 'night-off', { servers }, { dryRun: true })
        expect(would.steps?.map(({ state }) => state)).toEqual(['would', 'would', 'would'])
        expect(await statesOf(stage, servers)).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE'])
        expect((await ended(stage, 'night-off', { servers })).summary).toBe('3 of 3 stopped')
        expect(await statesOf(stage, servers)).toEqual(['SHUTOFF', 'SHUTOFF', 'SHUTOFF'])
        expect((await ended(stage, 'morning-on', { servers })).summary).toBe('3 of 3 started')
        expect(await statesOf(stage, servers)).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE'])
      })
    })

    it('migrate-server moves a server live and says where it has arrived', async () => {
      const stage = onStage()
      await withServers(stage, ['compute1'], async ([serverId = '']) => {
        const run = await ended(stage, 'migrate-server', { serverId, to: 'compute4', kind: 'live' })
        expect(run.summary).toContain('compute4')
        expect((await showServer(stage.olga, serverId)).host).toBe('compute4')
      })
    })

    it('drain-host empties a host, and return-host takes it back', async () => {
      const stage = onStage()
      await withServers(stage, ['compute5', 'compute5'], async (servers) => {
        measured(use, servers, 10)
        await ended(stage, 'drain-host', { host: 'compute5', reason: 'new disks' })
        for (const id of servers) expect((await showServer(stage.olga, id)).host).not.toBe('compute5')
        await ended(stage, 'return-host', { host: 'compute5' })
      })
      const { body } = await stage.olga.steward('GET', '/v1/runs?runbook=drain-host')
      expect((body as { runs: unknown[] }).runs).toHaveLength(1)
    })

    it('restart-service brings a killed nova-compute back', async () => {
      const stage = onStage()
      await lost(stage, 3)
      const care = { stableSeconds: 5, withinSeconds: 120 }
      await ended(stage, 'restart-service', { host: 'compute3', binary: 'nova-compute', ...care })
      expect(await serviceOn(stage, 'compute3')).toMatchObject({ state: 'up', status: 'enabled' })
    })

    it('evacuate-host starts the servers of a dead host elsewhere, and return-host takes the host back', async () => {
      const stage = onStage()
      await withServers(stage, ['compute6', 'compute6'], async (servers) => {
        await lost(stage, 6)
        const said = { proof: 'ssh', evidence: 'smoke', storage: 'shared', maxServers: 5 }
        const run = await ended(stage, 'evacuate-host', { host: 'compute6', ...said })
        expect(run.summary).toContain('2 of 2')
        expect(bmc.resets).toEqual(['ForceOff'])
        const shown = await Promise.all(servers.map((id) => showServer(stage.olga, id)))
        for (const { host, status } of shown) expect([host === 'compute6', status]).toEqual([false, 'ACTIVE'])
        expect(await serviceOn(stage, 'compute6')).toMatchObject({ state: 'down', status: 'disabled' })
        await stage.cloud.startCompute(6)
        await ended(stage, 'return-host', { host: 'compute6' })
        expect(await serviceOn(stage, 'compute6')).toMatchObject({ state: 'up', status: 'enabled' })
      })
    })

    it('refuses what makes no sense before anything is done, and says so', async () => {
      const { olga } = onStage()
      const start = (name: string, input: object) =>
        olga.steward('POST', `/v1/runbooks/${name}/runs`, { input, why: 'x' })
      expect((await start('night-off', { servers: ['all'] })).body).toMatchObject({ code: 'INPUT_INVALID' })
      expect((await start('night-off', {})).body).toMatchObject({ code: 'INPUT_INVALID' })
      expect((await start('make-coffee', {})).body).toMatchObject({ code: 'RUNBOOK_UNKNOWN' })
    })
  })
}

/** Starts a run and waits until it has succeeded. */
async function ended({ olga }: Stage, name: string, input: object, { dryRun = false } = {}): Promise<Run> {
  const started = await olga.steward('POST', `/v1/runbooks/${name}/runs`, { input, dryRun, why: 'a story' })
  expect(started.status, JSON.stringify(started.body)).toBe(201)
  const { id } = Run.parse(started.body)
  const run = await eventually(
    `the run of ${name} to end`,
    async () => {
      const shown = Run.parse((await olga.steward('GET', `/v1/runs/${id}`)).body)
      return shown.endedAt === undefined ? undefined : shown
    },
    { withinMs: 200_000, everyMs: 500 },
  )
  expect(run, JSON.stringify(run)).toMatchObject({ state: 'succeeded' })
  return run
}

const serviceOn = async ({ olga }: Stage, host: string) =>
  (await listServices(olga)).find((service) => service.binary === 'nova-compute' && service.host === host)

/** Its nova-compute is killed, and Nova has seen it. */
async function lost(stage: Stage, n: number): Promise<void> {
  await stage.cloud.killCompute(n)
  const isDown = async () => (await serviceOn(stage, `compute${n}`))?.state === 'down'
  await eventually(`Nova to see compute${n} down`, isDown)
}

const statesOf = ({ olga }: Stage, ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await showServer(olga, id)).status))

async function withServers(
  { olga }: Stage,
  places: readonly string[],
  play: (ids: readonly string[]) => Promise<void>,
): Promise<void> {
  const ids = await Promise.all(
    places.map((host, at) => createServer(olga, { name: `by-hand-${at}`, flavor: '2', host })),
  )
  try {
    await untilActive(olga, ids)
    await play(ids)
  } finally {
    await removeServers(olga, ids)
  }
}
