import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ChainStep } from '../../core/chain.ts'
import type { PlanWishes } from '../../core/cloud-plan.ts'
import { connectClient } from '../../temporal/connection.ts'
import { loadKeys } from '../../temporal/keys.ts'
import { relieveHost } from '../../workflows/runbooks/relieve-host.ts'
import { actionOf, startAction } from './action-bench.ts'
import { sharedEngine, until } from './engine.ts'
import type { MortalWorkerOptions } from './mortal-worker.ts'
import { askFor, planIn, tell } from './plan-bench.ts'

const script = fileURLToPath(new URL('mortal-worker.ts', import.meta.url))
const taskQueue = `killed-${randomUUID()}`
let client: Client
let journal: string
let close: () => Promise<void>
const workers: ChildProcess[] = []

function startWorker(): ChildProcess {
  const { address, keysFile, bundle } = inject('engine')
  const options: MortalWorkerOptions = { address, keysFile, bundle, taskQueue, journal }
  const worker = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], { stdio: 'ignore' })
  workers.push(worker)
  return worker
}

const done = async () => (await readFile(journal, 'utf8')).trim().split('\n')
const doneWith = async (path: string) => (await done()).filter((line) => line.endsWith(` ${path}`))

beforeAll(async () => {
  journal = join(inject('engine').dataDir, `journal-${randomUUID()}`)
  await writeFile(journal, '')
  const connected = await connectClient(sharedEngine(), await loadKeys(inject('engine').keysFile))
  client = connected.client
  close = connected.close
})

afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL')
  await close()
})

const post = (path: string) => ({ service: 'compute', method: 'POST', path, body: {} }) as const
const chained = (...paths: string[]) => paths.map((path, at) => ChainStep.parse({ id: `s${at}`, action: post(path) }))
const stop = ChainStep.parse({ id: 'stop', action: 'server.stop', with: { serverId: randomUUID() } })
/** Steps one after the other: some calls, and the stop of a server at the end. */
function actInSteps(...paths: string[]) {
  const action = actionOf(`trust-of-${paths[0]}`, { more: { steps: [...chained(...paths), stop] } })
  const { call: _none, ...view } = action.view
  return startAction({ client, taskQueue }, { ...action, view })
}
/** A plan of three moves, one after the other. */
const approvedPlan = () => approved({ movesAtOnce: 1 })
/** A plan that moves one server, which is off. */
const approvedColdPlan = (server: string) => approved({ cold: 'stopped', drain: [server] })

async function approved(options: PlanWishes) {
  const handle = await askFor({ client, taskQueue }, { host: randomUUID() }, { options })
  const { digest } = await planIn(handle, 'proposed')
  await tell(handle, 'approve', 'paul', { planId: digest?.id ?? '' })
  return handle
}
const act = (path: string, dueInMs: number) =>
  startAction({ client, taskQueue }, actionOf(`trust-of-${path}`, { call: post(path), dueInMs }))

describe('a worker that is killed', () => {
  it('costs no call and doubles none: the next worker ends what it had begun', async () => {
    const killed = startWorker()
    const [before, during, waiting, inSteps, atTheEnd, relief, plan, ...cold] = await Promise.all([
      act('/killed-before', 1),
      act('/killed-during', 1),
      act('/due-later', 12_000),
      actInSteps('/step', '/killed-during-step', '/last-step'),
      actInSteps('/only-step'),
      client.workflow.start(relieveHost, {
        workflowId: `relieve-${randomUUID()}`,
        taskQueue,
        args: [{ host: 'cmp-hot', resource: 'vcpu', limit: 0.8, maxMoves: 10 }],
      }),
      approvedPlan(),
      approvedColdPlan('c-a'),
      approvedColdPlan('c-b'),
    ])
    // each of them is in the middle of its step
    const reached = [
      ...['asked /killed-before', 'POST /killed-during', 'migrate b', 'migrate p-b'],
      ...['POST /killed-during-step', 'waited for /server.stop'],
      ...['POST /server.migrate-to/c-a', 'POST /server.confirm-resize/c-b'],
    ]
    await until(async () => {
      const lines = await done()
      return reached.filter((line) => !lines.includes(line))
    }, [])
    killed.kill('SIGKILL')
    await new Promise((resolve) => killed.once('exit', resolve))
    startWorker()

    expect(await before.result()).toMatchObject({ state: 'done', trustDeleted: true })
    expect(await doneWith('/killed-before')).toEqual([
      'asked /killed-before',
      'looked /killed-before',
      'asked /killed-before',
      'POST /killed-before',
    ])
    expect(await during.result()).toMatchObject({
      state: 'done',
      result: { note: expect.stringContaining('seen by looking') },
    })
    expect(await doneWith('/killed-during')).toEqual([
      'asked /killed-during',
      'POST /killed-during',
      'looked /killed-during',
    ])
    expect(await waiting.result()).toMatchObject({ state: 'done' })
    expect(await doneWith('/due-later')).toEqual(['asked /due-later', 'POST /due-later'])

    // a chain goes on where it was, and makes no step twice
    for (const chain of [inSteps, atTheEnd]) {
      const view = await chain.result()
      expect([view.state, view.progress?.map(({ state }) => state)]).toEqual(['done', view.steps?.map(() => 'done')])
    }
    for (const path of ['/step', '/killed-during-step', '/last-step', '/only-step'])
      expect((await doneWith(path)).filter((line) => line.startsWith('POST'))).toEqual([`POST ${path}`])
    expect((await doneWith('/server.stop')).filter((line) => line.startsWith('POST'))).toHaveLength(2)

    expect((await relief.result()).moved.map(({ serverId }) => serverId)).toEqual(['a', 'b', 'c'])
    const about = ['planned', 'asked for host/cmp-hot', 'migrate a', 'migrate b', 'waited on for b', 'migrate c']
    expect((await done()).filter((line) => about.includes(line))).toEqual(about)
    expect(await plan.result()).toMatchObject({ state: 'done', waves: [{ moved: 3 }], disabled: ['cmp-full'] })
    const ofPlan = [
      ...['planned for many', 'asked for host/cmp-full', 'the wave holds', 'disabled cmp-full', 'migrate p-a'],
      ...['migrate p-b', 'waited on for p-b', 'migrate p-c', 'looked where they are'],
    ]
    expect((await done()).filter((line) => ofPlan.includes(line))).toEqual(ofPlan)

    // what was moved cold was moved once and confirmed once, whatever the worker had not lived to hear
    for (const each of cold) expect(await each.result()).toMatchObject({ state: 'done', waves: [{ moved: 1 }] })
    const asked = (path: string) => [`asked ${path}`, `POST ${path}`]
    const lost = (path: string) => [...asked(path), `looked ${path}`]
    expect((await done()).filter((line) => line.endsWith('/c-a'))).toEqual([
      ...[...lost('/server.migrate-to/c-a'), ...asked('/server.confirm-resize/c-a')],
    ])
    expect((await done()).filter((line) => line.endsWith('/c-b'))).toEqual([
      ...[...asked('/server.migrate-to/c-b'), ...lost('/server.confirm-resize/c-b')],
    ])
    expect((await done()).filter((line) => line === 'told how it went')).toHaveLength(3)

    // held through the death of the worker, and given back once: of the relief, of the three plans and of the two stops
    expect((await done()).filter((line) => line === 'gave the lease back')).toHaveLength(6)
  })
})
