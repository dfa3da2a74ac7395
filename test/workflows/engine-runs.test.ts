import { randomUUID } from 'node:crypto'
import { describe, expect, inject, it } from 'vitest'
import { createRunMoves } from '../../activities/run-moves.ts'
import { codeOf, failure } from '../../core/errors.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import { attributes } from '../../core/search-attributes.ts'
import { createRuns } from '../../temporal/runs.ts'
import { relieveHost } from '../../workflows/runbooks/relieve-host.ts'
import { until, useWorker } from './engine.ts'
import { never, type Script } from './scripted.ts'

const { bundle } = inject('engine')
const bench = useWorker(undefined, (client) =>
  createRunMoves({ client, keys: bench.keys, build: { id: 'new', bundle } }),
)
const runs = () => createRuns(bench.client, bench.taskQueue)
const grounds: LeaseGrounds = { requester: 'person', by: 'olga', why: 'a test', waitSeconds: 60 }
const accepted = { status: 202, startedAt: '2026-11-21T00:00:00.000Z' } as const
const serverId = randomUUID()

/** The world of a run is found by the host in its id. */
async function begin(runbook: string, input: object, script: Script) {
  const { host } = bench.cloud(script)
  const id = `${randomUUID()}-${host}`
  const order = { runbook, input, dryRun: false, by: 'olga', why: 'a test' }
  expect(await runs().start(id, order, grounds, 'print')).toBe(true)
  return { id, order, state: async () => (await runs().show(id)).state }
}

const active = { status: 200, body: { server: { status: 'ACTIVE' } } }
const asking = () =>
  begin('test-patient', { serverId, withinSeconds: 30 }, { performCall: accepted, readCloud: active })

describe('whoever looks at runs', () => {
  it('is shown one at once, finds it in the list, and begins no second one with its id', async () => {
    const { id, order, state } = await begin('night-off', { servers: [serverId] }, { performCall: accepted })
    expect(await runs().show(id)).toMatchObject({ id, runbook: 'night-off' })
    await until(state, 'succeeded')
    expect(await runs().show(id)).toMatchObject({ by: 'olga', summary: '1 of 1 stopped', endedAt: expect.any(String) })
    expect(await runs().start(id, order, grounds)).toBe(false)
    expect(await runs().taken(id)).toMatchObject({ fingerprint: 'print', run: { id } })
    const listed = async () => {
      const { items } = await runs().list({ limit: 100, runbook: 'night-off', states: ['succeeded'] })
      return items.some((run) => run.id === id)
    }
    await until(listed, true)
    await expect(runs().cancel(id)).rejects.toMatchObject({ type: 'RUN_ENDED' })
    await expect(runs().show(randomUUID())).rejects.toMatchObject({ type: 'RUN_NOT_FOUND' })
  })
})

describe('the history of a run', () => {
  const whole = async (id: string, limit: number) => {
    const events: object[] = []
    let page: string | undefined
    do {
      const next = await runs().history(id, { limit, ...(page && { page }) })
      events.push(...next.items)
      page = next.nextPage
    } while (page !== undefined)
    return events
  }

  it('is exported whole, by pages, and as encrypted as it is in the engine', async () => {
    const { id, state } = await begin('night-off', { servers: [serverId] }, { performCall: accepted })
    await until(state, 'succeeded')
    const events = await whole(id, 5)
    expect(events.map((event) => Number((event as { eventId: string }).eventId))).toEqual(events.map((_, i) => i + 1))
    expect(events).toEqual(await whole(id, 1000))
    const text = JSON.stringify(events)
    const encoded = (words: string) => Buffer.from(words).toString('base64').slice(0, -4)
    expect(text).toContain(encoded('binary/encrypted'))
    for (const secret of [serverId, 'olga', 'json/plain']) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(encoded(`"${secret}"`))
    }
  })

  it('of another run is no page of it, and of no run there is none', async () => {
    const [one, other] = await Promise.all([
      begin('night-off', { servers: [serverId] }, { performCall: accepted }),
      begin('night-off', { servers: [serverId] }, { performCall: accepted }),
    ])
    await Promise.all([one, other].map(({ state }) => until(state, 'succeeded')))
    const { nextPage = '' } = await runs().history(one.id, { limit: 2 })
    expect(nextPage).not.toBe('')
    await expect(runs().history(other.id, { limit: 2, page: nextPage })).rejects.toMatchObject({
      type: 'INPUT_INVALID',
    })
    await expect(runs().history(randomUUID(), { limit: 2 })).rejects.toMatchObject({ type: 'RUN_NOT_FOUND' })
  })
})

describe('whoever is asked by a run', () => {
  it('answers the question that is asked, and no other one', async () => {
    const { id, state } = await asking()
    await until(state, 'asking')
    const answer = { by: 'otto', yes: true }
    const other = await runs()
      .answer(id, { questionId: randomUUID(), ...answer })
      .catch(codeOf)
    expect(other).toBe('QUESTION_CLOSED')
    await runs().answer(id, { questionId: (await runs().show(id)).question?.id ?? '', ...answer })
    await until(state, 'succeeded')
  })

  it('may cancel it instead: what it did is taken back', async () => {
    const { id, state } = await asking()
    await until(state, 'asking')
    await runs().cancel(id)
    await until(state, 'cancelled')
    expect((await runs().show(id)).steps?.map(({ title }) => title)).toContain('Take back: start it again')
  })
})

describe('whoever moves a run to the current code', () => {
  it('is told that there is nothing to move it from, where workers do not say which code they have', async () => {
    const { id, state } = await asking()
    await until(state, 'asking')
    expect((await runs().show(id)).version).toBeUndefined()
    expect(await runs().move(id, { by: 'paula', why: 'mended' }).catch(codeOf)).toBe('RUN_UNVERSIONED')
    expect(await state()).toBe('asking')
    await runs().cancel(id)
  })

  it('is told that nobody took it up, when no worker has the current code', async () => {
    const { id, state } = await asking()
    await until(state, 'asking')
    const elsewhere = createRuns(bench.client, `nobody-${randomUUID()}`, 500)
    expect(await elsewhere.move(id, { by: 'paula', why: 'mended' }).catch(codeOf)).toBe('RUN_NOT_MOVED')
    await runs().cancel(id)
  })
})

it('the run of an incident is not cancelled behind its back: RUN_OF_ANOTHER', async () => {
  const { host } = bench.cloud({ planRelief: never, lookAtService: failure('HOST_UNKNOWN', 'none') })
  const handle = await bench.client.workflow.start(relieveHost, {
    workflowId: `run/relieve-host/${host}`,
    taskQueue: bench.taskQueue,
    args: [{ host, resource: 'vcpu', limit: 0.5, maxMoves: 1 }],
    typedSearchAttributes: [
      { key: attributes.kind, value: 'run' },
      { key: attributes.runbook, value: 'relieve-host' },
    ],
  })
  const id = handle.firstExecutionRunId
  await until(
    async () =>
      (
        await runs()
          .show(id)
          .catch(() => undefined)
      )?.id,
    id,
  )
  await expect(runs().cancel(id)).rejects.toMatchObject({ type: 'RUN_OF_ANOTHER' })
  await handle.terminate('the test is over')
})
