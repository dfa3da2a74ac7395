import { expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import * as models from '../policies/planner/clouds.ts'
import { until, useWorker } from './engine.ts'
import { bmc } from './lost-host.ts'
import { askFor } from './plan-bench.ts'
import { planStage, texts } from './plan-stage.ts'
import { gate, type Script } from './scripted.ts'

const bench = useWorker()
const { approved } = planStage(bench)

const power = { idleWatts: 100, maxWatts: 300 }
/** Two hosts with little on them, the second of which is emptied; what the third one draws nobody has said. */
const model = (host: string) =>
  models.cloud(
    [models.host(host, { power }), models.host(`${host}-b`, { power }), models.host(`${host}-c`)],
    [models.server('s-1', host, 2), models.server('s-2', `${host}-b`, 8)],
  )
const emptied = ({ host }: { readonly host: string }) => `${host}-b`
const plan = { goal: 'consolidate', options: { powerOff: true, reserveHosts: 0 } } as const

/** What `sleep-host` asks of Nova about the host. */
const novaOf = (disabled: ReadonlyMap<string, string>): Script => ({
  readCloud: ({ path }) => {
    if (path.startsWith('/os-services')) {
      const [host = '', reason = ''] = [...disabled][0] ?? []
      const service = { id: 'c1', binary: 'nova-compute', host, zone: 'nova', state: 'up', forced_down: false }
      const services = [{ ...service, status: 'disabled', disabled_reason: reason, updated_at: null }]
      return { status: 200, body: { services } }
    }
    return { status: 200, body: path.startsWith('/servers') ? { servers: [] } : { migrations: [] } }
  },
})

it('turns off the hosts it has emptied, one by one, under a lease and in its own name', async () => {
  const { cloud, handle, world } = await approved({
    ...{ model, plan },
    script: ({ disabled }) => ({ ...bmc, ...novaOf(disabled) }),
  })
  const view = await handle.result()
  expect(texts(view)).toEqual(expect.arrayContaining([`turns ${emptied(cloud)} off`, `${emptied(cloud)} is off`]))
  expect(view).toMatchObject({ state: 'done', asleep: [emptied(cloud)], disabled: [emptied(cloud)] })
  expect(cloud.inputs('powerOff')).toEqual([{ host: emptied(cloud), how: 'graceful', withinSeconds: 600 }])
  const [lease] = cloud
    .inputs('requestLease')
    .flatMap(({ request }) => (request.runbook === 'sleep-host' ? [request] : []))
  expect(lease).toMatchObject({ targets: [`host/${emptied(cloud)}`], risk: 'destructive', approval: { by: 'paul' } })
  expect(world.disabled.get(emptied(cloud))).toBe(`steward plan/${cloud.host}`)
})

it('is done when a host cannot be turned off, and says which stay on and why', async () => {
  const { cloud, handle } = await approved({
    ...{ model, plan },
    script: ({ disabled }) => ({
      ...novaOf(disabled),
      lookAtPower: failure('POWER_NOT_CONFIGURED', 'power.hosts has no such host'),
    }),
  })
  const view = await handle.result()
  expect([view.state, view.asleep]).toEqual(['done', undefined])
  expect(texts(view).join()).toContain(
    `${emptied(cloud)} and what comes after it stays on: power.hosts has no such host`,
  )
  expect(cloud.inputs('powerOff')).toEqual([])
})

it.each([
  ['that did not ask for it', { goal: 'consolidate', options: { reserveHosts: 0 } }, model],
  ['that keeps them as its reserve', { goal: 'consolidate', options: { powerOff: true, reserveHosts: 1 } }, model],
] as const)('leaves the hosts of a plan on %s', async (_of, asked, on) => {
  const { cloud, handle } = await approved({
    model: on,
    plan: asked,
    script: ({ disabled }) => ({ ...bmc, ...novaOf(disabled) }),
  })
  const view = await handle.result()
  expect([view.state, view.disabled, view.asleep]).toEqual(['done', [emptied(cloud)], undefined])
  expect(cloud.inputs('powerOff')).toEqual([])
})

it('does not plan a way back to a host that is off, and says how to wake it', async () => {
  const { cloud, handle, world } = await approved({
    ...{ model, plan },
    script: ({ disabled }) => ({ ...bmc, ...novaOf(disabled) }),
  })
  await handle.result()
  world.model = {
    ...world.model,
    hosts: world.model.hosts.map((one) => (one.name === emptied(cloud) ? { ...one, usable: false } : one)),
  }
  const back = bench.cloud({ ...world })
  const undo = await askFor(bench, back, { goal: 'undo', options: {}, undoes: cloud.host })
  expect(await undo.result()).toMatchObject({
    state: 'failed',
    reason: { code: 'PLAN_IMPOSSIBLE', detail: expect.stringContaining(`${emptied(cloud)}: down, asleep`) },
  })
})

it('opens no host again when it is cancelled in Temporal while one is being turned off', async () => {
  const { opened: isOff, open: letGo } = gate()
  const { cloud, handle, world } = await approved({
    ...{ model, plan },
    script: ({ disabled }) => ({
      ...{ ...bmc, ...novaOf(disabled) },
      async powerOff(input) {
        await isOff
        return bmc.powerOff(input)
      },
    }),
  })
  await until(() => cloud.inputs('powerOff').length, 1)
  await handle.cancel()
  letGo()
  const view = await handle.result()
  expect([view.state, world.disabled.get(emptied(cloud))]).toEqual(['done', `steward plan/${cloud.host}`])
})
