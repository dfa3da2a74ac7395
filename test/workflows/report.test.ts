import { expect, it } from 'vitest'
import { GovernorConfig, noState } from '../../core/governor.ts'
import { createIncidentHistory, findIncidents } from '../../temporal/report.ts'
import { createRuns } from '../../temporal/runs.ts'
import { createWhyDesk } from '../../temporal/why.ts'
import { actionOf, startAction } from './action-bench.ts'
import { until, useWorker } from './engine.ts'
import { followTo, gaugePolicy, openIncident, watchesOnly } from './incident-bench.ts'

const bench = useWorker()

const desk = () =>
  createWhyDesk({
    client: bench.client,
    governor: { state: async () => noState },
    stop: { show: async () => undefined },
    runs: createRuns(bench.client),
    config: GovernorConfig.parse({}),
  })

it('an incident is found by the time it was opened, its host, its alert and its id, and says why it only watches', async () => {
  const beganMs = Date.now()
  const move = { serverId: 's', serverName: 's', to: 'cmp-cool', memoryMiB: 512, reason: 'relieves it' }
  const cloud = bench.cloud({
    consultGovernor: watchesOnly as NonNullable<typeof watchesOnly>,
    planRelief: ({ host }) => ({ moves: [{ ...move, from: host }], skipped: [], before: 0.9, after: 0.7 }),
  })
  const handle = await openIncident(bench, cloud, gaugePolicy({ name: 'host-hot' }))
  await followTo(handle, 'observing')
  const { runId } = await handle.describe()
  const history = createIncidentHistory(bench.client)
  const opened = async (sinceMs: number, untilMs: number) => {
    const { incidents } = await history.opened(sinceMs, untilMs)
    return incidents.filter(({ host }) => host === cloud.host).map(({ id, state }) => [id, state])
  }
  await until(() => opened(beganMs - 60_000, Date.now() + 60_000), [[runId, 'observing']])
  expect(await opened(beganMs - 120_000, beganMs - 60_000)).toEqual([])

  const key = `${cloud.host}/2026-11-21T00:00:00.000Z`
  for (const about of [`host/${cloud.host}`, `alert/${key}`, `incident/${runId}`] as const) {
    const { answer, reasons } = await desk().ask(about)
    expect(answer).toContain('it only watches, and does nothing')
    expect(reasons).toContainEqual(
      expect.objectContaining({ weight: 'stops', code: 'OBSERVE_ONLY', incidentId: runId }),
    )
  }
  expect((await desk().ask(`host/${cloud.host}' OR StewardKind = 'incident`)).answer).toContain('no incident is known')
  await expect(desk().ask(`incident/${crypto.randomUUID()}`)).rejects.toMatchObject({ type: 'INCIDENT_NOT_FOUND' })
  await handle.terminate()
})

it('more incidents than may be read are said to be more', async () => {
  const clouds = [bench.cloud({}), bench.cloud({})]
  const policy = gaugePolicy({ name: `p-${crypto.randomUUID().slice(0, 8)}` })
  const asked = `StewardPolicy = '${policy.name}'`
  const handles = await Promise.all(clouds.map((cloud) => openIncident(bench, cloud, policy, { status: 'resolved' })))
  await Promise.all(handles.map((handle) => handle.result()))
  await until(async () => (await findIncidents(bench.client, asked, 2)).incidents.length, 2)
  expect(await findIncidents(bench.client, asked, 2)).toMatchObject({ truncated: false })
  const { incidents, truncated } = await findIncidents(bench.client, asked, 1)
  expect([incidents.length, truncated]).toEqual([1, true])
})

it('an action says why to its own project, and to nobody of another one', async () => {
  const action = actionOf('nobody~trust', { dueInMs: 600_000 })
  const handle = await startAction(bench, action)
  const about = `action/${action.view.id}` as const
  expect((await desk().ask(about, 'project-1')).answer).toContain('is scheduled')
  expect((await desk().ask(about)).answer).toContain('is scheduled')
  await expect(desk().ask(about, 'project-2')).rejects.toMatchObject({ type: 'ACTION_NOT_FOUND' })
  await expect(desk().ask('action/none', 'project-1')).rejects.toMatchObject({ type: 'ACTION_NOT_FOUND' })
  await handle.terminate()
})
