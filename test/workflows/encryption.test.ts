import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Context } from '@temporalio/activity'
import { expect, inject, it } from 'vitest'
import type { ScheduledAction } from '../../core/action.ts'
import { failure } from '../../core/errors.ts'
import { createActions } from '../../temporal/actions.ts'
import { createIncidents } from '../../temporal/incidents.ts'
import { observe } from '../../workflows/incident/incident.ts'
import { actionOf, startAction } from './action-bench.ts'
import { until, untilState, useWorker, viewOf } from './engine.ts'
import { alertOf, configOf, openIncident, tailablePolicy } from './incident-bench.ts'

const bench = useWorker()

/** All forms in which a text could lie in a file. */
const formsOf = (text: string): Buffer[] => [
  Buffer.from(text),
  Buffer.from(text, 'utf16le'),
  // base64 of any text that contains it, at each of the three alignments
  ...[0, 1, 2].map((shift) =>
    Buffer.from(
      Buffer.from(`${'x'.repeat(shift)}${text}`)
        .toString('base64')
        .slice(4, -4),
    ),
  ),
]

async function filesHolding(text: string): Promise<string[]> {
  const { dataDir } = inject('engine')
  const found: string[] = []
  for (const name of (await readdir(dataDir)).filter((file) => file.startsWith('temporal.'))) {
    const content = await readFile(join(dataDir, name))
    if (formsOf(text).some((form) => content.includes(form))) found.push(name)
  }
  return found
}

it('nothing that people or clouds say can be read in the database: only ids and names can', async () => {
  const canary = `canary-${randomUUID()}`
  const plain = `plain-${randomUUID()}`
  const beat = () => Context.current().heartbeat(canary)
  const cloud = bench.cloud({
    // a failure with its message, details, stack and a heartbeat, then an outcome
    performCall: [
      () => {
        beat()
        throw failure('CLOUD_BUSY', canary, { canary })
      },
      { status: 200, startedAt: new Date().toISOString(), body: { canary }, note: canary, requestId: canary },
    ],
    deleteTrust: undefined,
    collectEvidence: ({ lines }) => ({ collectedAt: canary, services: [], lines }),
  })

  const call = { service: 'compute', method: 'POST', path: `/${canary}`, body: { canary } } as const
  const action = actionOf(cloud.trust('a'), { call, more: { name: canary, projectId: plain } })
  await createActions(bench.client).start({ ...action, view: { ...action.view, id: randomUUID(), name: canary } })
  const handle = await startAction(bench, action)
  expect(await handle.result()).toMatchObject({ state: 'done', result: { note: canary } })

  const { trustId: _none, ...rest } = action as ScheduledAction & { trustId: string }
  const applicationCredential = { id: cloud.trust('b'), secret: canary }
  await (
    await startAction(bench, { ...rest, view: { ...rest.view, id: randomUUID() }, applicationCredential })
  ).result()

  const policy = tailablePolicy({ silentAfterSeconds: 60 })
  const line = { at: canary, level: 'ERROR', component: 'x', text: canary, requestIds: [canary] }
  const burst = { summary: canary, lines: [line], figures: { [canary]: 1 } }
  await createIncidents(bench.client, configOf(policy)).report(alertOf(policy, { host: `${cloud.host}-other` }, burst))
  const incident = await openIncident(bench, cloud, policy, burst)
  await untilState(incident, 'verifying')
  await incident.signal(observe, alertOf(policy, cloud, { ...burst, status: 'quiet' }))
  expect(await incident.result()).toMatchObject({ state: 'closed', summary: canary })

  // the engine has it all, for those who have the key
  expect(JSON.stringify(await viewOf(incident))).toContain(canary)
  // the look itself works: a search attribute is plain, and is found once it is written
  await until(async () => (await filesHolding(plain)).length > 0, true)
  expect(await filesHolding(cloud.host)).not.toEqual([])
  expect(await filesHolding(canary)).toEqual([])
})
