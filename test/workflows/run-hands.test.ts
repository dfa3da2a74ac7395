import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createCloudReadActivities } from '../../activities/cloud-reads.ts'
import { createDeferredCallActivities } from '../../activities/deferred-call.ts'
import type { LeaseGrounds } from '../../core/governor.ts'
import { run } from '../../workflows/run.ts'
import { answerRun } from '../../workflows/sdk/questions.ts'
import type { RunView } from '../../workflows/sdk/record.ts'
import { passing, released, setUp } from '../activities/rig.ts'
import { untilState, useWorker, viewOf } from './engine.ts'
import type { Script } from './scripted.ts'

const bench = useWorker()
const accepted = { status: 202, startedAt: '2026-11-21T00:00:00.000Z' } as const
const grounds: LeaseGrounds = { requester: 'person', by: 'olga', why: 'a test', waitSeconds: 60 }
const server = (status: string) => ({ status: 200, body: { server: { status } } })
const serverId = randomUUID()

async function begin(runbook: string, input: object, script: Script, dryRun = false) {
  const cloud = bench.cloud(script)
  const handle = await bench.client.workflow.start(run, {
    workflowId: `run-${cloud.host}`,
    taskQueue: bench.taskQueue,
    args: [{ runbook, input, dryRun, by: 'olga', why: 'a test' }, grounds],
  })
  return { cloud, handle, view: () => viewOf<RunView>(handle) }
}

const patient = (script: Script, input: object = {}, dryRun?: boolean) =>
  begin('test-patient', { serverId, withinSeconds: 30, ...input }, { performCall: accepted, ...script }, dryRun)
const actions = (cloud: Awaited<ReturnType<typeof patient>>['cloud']) =>
  cloud.inputs('performCall').map((deed) => 'action' in deed && deed.action)

describe.concurrent('a run that waits', () => {
  it('looks again and again until it is so, then goes on', async () => {
    const { cloud, handle } = await patient({ readCloud: [server('BUILD'), { status: 404 }, server('ACTIVE')] })
    await untilState(handle, 'asking')
    expect(cloud.inputs('readCloud')).toHaveLength(3)
  })

  it('says RUN_TIMED_OUT when it does not come, having changed nothing', async () => {
    const { cloud, handle } = await patient({ readCloud: server('BUILD') }, { withinSeconds: 0.2 })
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'RUN_TIMED_OUT' } })
    expect(actions(cloud)).toEqual([])
  })

  it('does not wait when it is dry, and asks nobody', async () => {
    const { cloud, handle, view } = await patient({ readCloud: server('BUILD') }, {}, true)
    expect(await handle.result()).toMatchObject({ summary: 'off, says dry run' })
    expect(actions(cloud)).toEqual([])
    expect((await view()).steps?.map(({ title, state }) => [state, title])).toEqual([
      ['would', 'wait until the server is active'],
      ['would', `server.stop ${serverId}`],
      ['would', 'ask: Shall it stay off?'],
    ])
  })
})

describe.concurrent('a run that asks', () => {
  const asking = async () => {
    const begun = await patient({ readCloud: server('ACTIVE') })
    await untilState(begun.handle, 'asking')
    const { question } = await begun.view()
    if (!question) throw new Error('it asks nothing')
    const answer = (yes: boolean, questionId = question.id) =>
      begun.handle.executeUpdate(answerRun, { args: [{ questionId, by: 'otto', yes, why: 'so' }] })
    return { ...begun, question, answer }
  }

  it('shows its question, and goes on with a yes, which stands in its record', async () => {
    const { handle, question, answer, view } = await asking()
    expect(question).toMatchObject({ text: 'Shall it stay off?', until: expect.any(String) })
    await answer(true)
    expect(await handle.result()).toEqual({ summary: 'off, says otto' })
    const { memo } = await handle.describe()
    expect(memo?.evidence).toEqual({ before: { status: 'ACTIVE' } })
    expect(await view()).toMatchObject({ state: 'succeeded', answers: [{ by: 'otto', yes: true, why: 'so' }] })
    expect((await view()).question).toBeUndefined()
  })

  it('takes back what it did after a no', async () => {
    const { cloud, handle, answer, view } = await asking()
    await answer(false)
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'RUN_REFUSED' } })
    expect(actions(cloud)).toEqual(['server.stop', 'server.start'])
    expect(await view()).toMatchObject({
      state: 'stopped',
      code: 'RUN_REFUSED',
      summary: 'otto said no: Shall it stay off?',
    })
  })

  it('takes silence for a no', async () => {
    const { cloud, handle } = await patient({ readCloud: server('ACTIVE') }, { answerSeconds: 0.3 })
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'RUN_REFUSED' } })
    expect(actions(cloud)).toEqual(['server.stop', 'server.start'])
  })

  it('takes no answer to another question: QUESTION_CLOSED', async () => {
    const { handle, answer } = await asking()
    await expect(answer(true, randomUUID())).rejects.toMatchObject({ cause: { message: /does not ask/ } })
    await answer(true)
    await handle.result()
  })

  it('says in the end what could not be taken back', async () => {
    const { handle, view } = await patient(
      {
        readCloud: server('ACTIVE'),
        performCall: (deed) => {
          if ('action' in deed && deed.action === 'server.start') throw Object.assign(new Error('locked'))
          return accepted
        },
      },
      { answerSeconds: 0.3 },
    )
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'RUN_REFUSED' } })
    expect((await view()).summary).toMatch(/nobody answered.*not taken back: start it again/)
  })
})

describe('a runbook that', () => {
  const broken = (how: string, script: Script = {}) => begin('test-broken', { how }, script)

  it.each(['undeclared read', 'undeclared call', 'undeclared action', 'undeclared step'])(
    'makes an %s is stopped before anything happens: CALL_NOT_DECLARED',
    async (how) => {
      const { sessions, cloud } = await setUp()
      const { readCloud } = createCloudReadActivities(sessions)
      const { performCall } = createDeferredCallActivities(sessions, passing(), released)
      const { handle, view } = await broken(how, { readCloud, performCall })
      await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'CALL_NOT_DECLARED' } })
      expect(await view()).toMatchObject({ state: 'failed', code: 'CALL_NOT_DECLARED' })
      expect(cloud.received.filter(({ path }) => /servers|hypervisors/.test(path))).toEqual([])
    },
  )

  it.each([
    ['in prepare', 'RUNBOOK_INVALID', 'prepare'],
    ['without targets', 'TARGETS_MISSING', 'say `nothingToDo` if there is nothing to do'],
  ])('acts %s, where it has no lease, has done nothing: %s', async (how, code, says) => {
    for (const dryRun of [true, false]) {
      const { cloud, handle } = await begin('test-hasty', { serverId, how }, { performCall: accepted }, dryRun)
      await expect(handle.result()).rejects.toMatchObject({
        cause: { type: code, message: expect.stringContaining(says) },
      })
      expect(cloud.calls).toEqual([])
    }
  })

  it('throws a plain Error ends as RUN_FAILED with its words, at once', async () => {
    const { handle, view } = await broken('plain error')
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'RUN_FAILED', message: 'I have no code' } })
    expect(await view()).toMatchObject({ state: 'failed', code: 'RUN_FAILED' })
  })

  it('keeps 3 MB of evidence is told what is kept', async () => {
    const { handle } = await broken('large evidence')
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'RUNBOOK_INVALID', message: expect.stringContaining('65536 are kept') },
    })
  })
})

describe('a dry run', () => {
  it.each([
    ['undeclared', 'CALL_NOT_DECLARED', 'server.start'],
    ['unchecked', 'INPUT_INVALID', 'serverId'],
    ['for words', 'RUNBOOK_INVALID', 'run.sleep wants a number of seconds, and was given "20s"'],
  ])('is refused what the real one would be: %s', async (how, code, says) => {
    const { handle, view } = await begin('test-hasty', { serverId, how }, {}, true)
    await expect(handle.result()).rejects.toThrow()
    expect(await view()).toMatchObject({ state: 'failed', code, summary: expect.stringContaining(says) })
  })
})
