import { randomUUID } from 'node:crypto'
import type { WorkflowHandle } from '@temporalio/client'
import { beforeAll, describe, expect, it } from 'vitest'
import { codeOf } from '../../core/errors.ts'
import type { LeaseRequest } from '../../core/governor.ts'
import type { Plan } from '../../core/plan.ts'
import { attributes } from '../../core/search-attributes.ts'
import type { Governor } from '../../temporal/governor.ts'
import { comeToAnEnd } from '../../workflows/lease.ts'
import { relieveHost } from '../../workflows/runbooks/relieve-host.ts'
import { restartService } from '../../workflows/runbooks/restart-service.ts'
import type { RunView } from '../../workflows/runbooks/runbook.ts'
import { actionOf, startAction, stopServer } from './action-bench.ts'
import { until, untilState, useWorker, viewOf } from './engine.ts'
import { governed, governorPlace, holdOf, wideOpen } from './governor-bench.ts'
import { service } from './incident-bench.ts'
import { person } from './people.ts'
import { type Cloud, gate, never, type Script } from './scripted.ts'

const { governor: governorOf, activities } = governed(wideOpen(), { checkHoldersEveryMs: 200, mostEvents: 400 })
const taskQueue = `test-${randomUUID()}`
const bench = useWorker(taskQueue, activities, [governorPlace(taskQueue).taskQueue])
let governor: Governor
beforeAll(() => {
  governor = governorOf(bench.client, bench.taskQueue)
})

const down: Script = { lookAtService: service('down'), lookAtProcess: null, restartService: { outcome: 'restarted' } }
const stable = { outcome: 'stable', upAfterMs: 5 } as const
const watched = { stableSeconds: 1, withinSeconds: 60, maxRestarts: 1 }

const restart = ({ host }: Cloud) =>
  bench.client.workflow.start(restartService, {
    workflowId: `restart-${randomUUID()}`,
    taskQueue: bench.taskQueue,
    args: [{ host, binary: 'nova-compute', ...watched }],
    typedSearchAttributes: [{ key: attributes.kind, value: 'run' }],
  })

const planOf = (host: string, ...serverIds: string[]): Plan => ({
  moves: serverIds.map((serverId) => ({
    ...{ serverId, serverName: serverId, from: host, to: 'cool', memoryMiB: 512, reason: 'relieves it' },
  })),
  skipped: [],
  before: 0.9,
  after: 0.5,
})

const holders = async (target: string) =>
  (await governor.state()).leases.filter(({ request }) => request.targets.includes(target as never))

/** Whether the engine has this signal for the workflow: what it does next comes after it. */
async function wasTold(run: WorkflowHandle, signal: string): Promise<boolean> {
  const { events } = await run.fetchHistory()
  return (events ?? []).some((event) => event.workflowExecutionSignaledEventAttributes?.signalName === signal)
}

const endOf = (run: { result(): Promise<unknown> }) =>
  run.result().then(
    () => 'succeeded',
    (error: unknown) => codeOf(error),
  )

describe.concurrent('two that want the same host', () => {
  it('have it one after the other, and the one that waits says for whom', async () => {
    const first = gate<typeof stable>()
    const cloud = bench.cloud({ ...down, awaitServiceUp: [() => first.opened, stable] })
    const one = await restart(cloud)
    await until(() => cloud.inputs('awaitServiceUp').length, 1)
    const other = await restart(cloud)
    const waits = async () => (await viewOf<RunView>(other)).notes.some(({ text }) => text.startsWith('waits: '))
    await until(waits, true)
    expect(cloud.inputs('restartService')).toHaveLength(1)
    expect((await viewOf<RunView>(other)).notes[0]?.text).toContain(`host/${cloud.host} is held by`)
    first.open(stable)
    expect(await Promise.all([endOf(one), endOf(other)])).toEqual(['succeeded', 'succeeded'])
    expect(await holders(`host/${cloud.host}`)).toEqual([])
  })

  it('of which one is a person: nothing is done to it before the person has let go', async () => {
    const cloud = bench.cloud({ ...down, awaitServiceUp: stable })
    const hold = holdOf(`host/${cloud.host}`)
    expect(await governor.hold(hold)).toMatchObject({ says: 'granted' })
    const run = await restart(cloud)
    await untilState(run, 'waiting')
    await until(async () => (await viewOf<RunView>(run)).notes[0]?.text.includes('olga (person)'), true)
    expect(cloud.inputs('restartService')).toEqual([])
    await governor.release(hold.id, person('olga'))
    expect(await endOf(run)).toBe('succeeded')
  })

  it('make way for a person at the next safe point, and no migration is cut in half', async () => {
    const moving = gate()
    const moved = { host: 'cool', migrationUuid: 'm', durationMs: 5 }
    const cloud = bench.cloud({
      liveMigrate: async () => {
        await moving.opened
        return moved
      },
    })
    const run = await bench.client.workflow.start(relieveHost, {
      workflowId: `relieve-${randomUUID()}`,
      taskQueue: bench.taskQueue,
      args: [
        {
          ...{ host: cloud.host, resource: 'vcpu', limit: 0.8, maxMoves: 10 },
          plan: planOf(cloud.host, 's-1', 's-2', 's-3'),
          grounds: { requester: 'plan', by: 'p', why: 'a plan', waitSeconds: 60 },
        },
      ],
    })
    await until(() => cloud.inputs('liveMigrate').length, 1)
    const held = governor.hold(holdOf(`host/${cloud.host}`))
    await until(() => wasTold(run, comeToAnEnd.name), true)
    moving.open()
    expect(await endOf(run)).toBe('GAVE_WAY')
    expect(await held).toMatchObject({ says: 'granted' })
    expect(cloud.inputs('liveMigrate')).toHaveLength(1)
    expect(await viewOf<RunView>(run)).toMatchObject({ state: 'stopped', code: 'GAVE_WAY' })
  })
})

describe.concurrent('a lease', () => {
  it('is free again when its run was terminated in Temporal, as soon as somebody waits for it', async () => {
    const cloud = bench.cloud({ ...down, awaitServiceUp: [never, stable] })
    const lost = await restart(cloud)
    await until(() => cloud.inputs('awaitServiceUp').length, 1)
    const next = await restart(cloud)
    await lost.terminate('a person did it')
    expect(await endOf(next)).toBe('succeeded')
  })

  it('is not waited for longer than the run can wait, and the run says who had it', async () => {
    const cloud = bench.cloud(down)
    await governor.hold(holdOf(`host/${cloud.host}`))
    const run = await bench.client.workflow.start(restartService, {
      workflowId: `restart-${randomUUID()}`,
      taskQueue: bench.taskQueue,
      args: [
        {
          ...{ host: cloud.host, binary: 'nova-compute', ...watched },
          grounds: { requester: 'alert', by: 'p', why: 'x', waitSeconds: 1 },
        },
      ],
    })
    expect(await endOf(run)).toBe('TARGET_BUSY')
    expect((await viewOf<RunView>(run)).summary).toContain('olga')
    expect(cloud.names()).toEqual([])
  })

  it('that a run waits for is given up when it is told to come to an end', async () => {
    const cloud = bench.cloud(down)
    const hold = holdOf(`host/${cloud.host}`)
    await governor.hold(hold)
    const run = await restart(cloud)
    await untilState(run, 'waiting')
    await run.signal(comeToAnEnd, { why: 'olga takes over' })
    expect(await endOf(run)).toBe('GAVE_WAY')
    const waiting = (await governor.state()).queue.flatMap(({ targets }) => targets)
    expect(waiting).not.toContain(`host/${cloud.host}`)
  })

  it('of a person can be made longer and given back, once', async () => {
    const hold = holdOf('host/long')
    await governor.hold(hold)
    await governor.extend(hold.id, 7_200_000, person('olga'))
    const [lease] = await holders('host/long')
    const endMs = Date.parse(lease?.grantedAt ?? '') + (lease?.request.expectedMs ?? 0)
    expect(Math.abs(endMs - Date.now() - 7_200_000)).toBeLessThan(10_000)
    await governor.release(hold.id, person('olga'))
    const again: unknown = await governor.release(hold.id, person('olga')).catch((error: unknown) => error)
    expect(codeOf(again)).toBe('LEASE_NOT_FOUND')
    expect(codeOf(await governor.extend(hold.id, 1, person('olga')).catch((error: unknown) => error))).toBe(
      'LEASE_NOT_FOUND',
    )
  })

  it('of a person is refused at once when somebody has it and the person does not want to wait', async () => {
    await governor.hold(holdOf('host/mine'))
    const refused = await governor.hold(holdOf('host/mine', { by: 'pia', waitUntil: new Date().toISOString() }))
    expect(refused).toMatchObject({ says: 'refused', code: 'TARGET_BUSY' })
    expect(refused.reason).toContain('olga')
  })
})

describe('the governor', () => {
  it('says what it would say, with every rule, and holds nothing by it', async () => {
    const request: LeaseRequest = { ...holdOf('host/asked'), requester: 'alert', runbook: 'restart-service' }
    const verdict = await governor.consult(request)
    expect(verdict.rulings.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['mode', 'fuse', 'budget', 'lease']))
    expect(await holders('host/asked')).toEqual([])
  })

  it('finds the runs at work when it was terminated, so that nobody else gets their host', async () => {
    const working = gate<typeof stable>()
    const cloud = bench.cloud({ ...down, awaitServiceUp: [() => working.opened, stable] })
    const run = await restart(cloud)
    await until(() => cloud.inputs('awaitServiceUp').length, 1)
    await bench.client.workflow.getHandle(`governor/${bench.taskQueue}`).terminate('a person did it')
    await until(async () => (await holders(`host/${cloud.host}`)).length, 1)
    const next = await restart(cloud)
    await until(async () => (await viewOf<RunView>(next)).notes.some(({ text }) => text.startsWith('waits: ')), true)
    expect(cloud.inputs('restartService')).toHaveLength(1)
    working.open(stable)
    expect(await Promise.all([endOf(run), endOf(next)])).toEqual(['succeeded', 'succeeded'])
  })

  it('tells every run its verdict, also where its history begins anew at that moment', async () => {
    const accepted = { status: 202, startedAt: new Date().toISOString() }
    const cloud = bench.cloud({ performCall: accepted, deleteTrust: undefined })
    const handles = await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        startAction(
          bench,
          actionOf(cloud.trust('a'), {
            call: { ...stopServer, path: `/servers/told-${at}/action` },
            dueInMs: 3_000,
            maxLatenessMs: 600_000,
          }),
        ),
      ),
    )
    // one that was not told would ask again after ten minutes
    const views = await Promise.all(handles.map((handle) => handle.result()))
    expect(new Set(views.map(({ state }) => state))).toEqual(new Set(['done']))
    expect(cloud.inputs('performCall')).toHaveLength(200)
  }, 90_000)

  it('decides a thousand requests in order, beginning its history anew meanwhile', async () => {
    const first = holdOf('host/wanted')
    await governor.hold(first)
    // people's holds, so that no run has to be there for each
    const wanted = Array.from({ length: 1000 }, (_, at) =>
      holdOf('host/wanted', {
        id: `burst-${at}`,
        requestedAt: new Date(Date.now() + at).toISOString(),
        waitUntil: new Date(Date.now() + 600_000).toISOString(),
      }),
    )
    for (let at = 0; at < 1000; at += 50) await Promise.all(wanted.slice(at, at + 50).map(governor.request))
    await until(async () => (await governor.state()).queue.length, 1000)
    await governor.release(first.id, person('olga'))
    const order: string[] = []
    for (let turn = 0; turn < 5; turn++) {
      const [lease] = await holders('host/wanted')
      order.push(lease?.request.id ?? 'nobody')
      await governor.release(lease?.request.id ?? '', person('olga'))
    }
    expect(order).toEqual(['burst-0', 'burst-1', 'burst-2', 'burst-3', 'burst-4'])
    const { historyLength } = await bench.client.workflow.getHandle(`governor/${bench.taskQueue}`).describe()
    expect(historyLength).toBeLessThan(2_000)
  }, 180_000)
})
