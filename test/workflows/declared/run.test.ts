import { Worker } from '@temporalio/worker'
import { describe, expect, inject, it, vi } from 'vitest'
import { failure } from '../../../core/errors.ts'
import { createDataConverter } from '../../../temporal/data-converter.ts'
import { answerRun } from '../../../workflows/sdk/questions.ts'
import { untilState, useWorker } from '../engine.ts'
import { type Cloud, gate, type Script } from '../scripted.ts'
import { accepted, beginWith, servers } from './declared-bench.ts'

const bench = useWorker()
const begin = beginWith(bench)

const stopped = ({ inputs }: Cloud) =>
  inputs('performCall').map((deed) =>
    'action' in deed ? `${deed.action} ${String(deed.input.serverId)}` : deed.call.path,
  )
const textOf = (notes: readonly { text: string }[]) => notes.map(({ text }) => text)
const refused = failure('CLOUD_REFUSED', 'it is locked')
const stop = (id: string) => `{ action: server.stop, with: { serverId: ${id} } }`

describe.concurrent('a run of a document', () => {
  it('reads, decides and acts under one lease, in the order it is written', async () => {
    const { cloud, handle, view } = await begin(
      {
        readCloud: {
          status: 200,
          body: { servers: servers.map((id, n) => ({ id, status: n === 1 ? 'SHUTOFF' : 'ACTIVE' })) },
        },
        performCall: accepted,
      },
      `
  - { read: { service: compute, path: /servers/detail, list: servers }, saves: all }
  - set: { active: '\${all.body.servers.filter(s, s.status == "ACTIVE").map(s, s.id)}' }
  - { when: active.size() == 0, fail: nothing to do }
  - forEach: { items: active, as: id, steps: [{ action: server.stop, with: { serverId: '\${id}' } }] }
    saves: outcomes
`,
      {
        more: "summary: '${outcomes.size()} of ${input.servers.size()} stopped'\nresult: { ids: '${active}', next: '${input.count + 1}' }",
      },
    )
    expect(await handle.result()).toEqual({ summary: '2 of 3 stopped', ids: [servers[0], servers[2]], next: 3 })
    expect(cloud.names()).toEqual(['readCloud', 'performCall', 'performCall'])
    expect(cloud.calls.map(({ name }) => name).indexOf('requestLease')).toBe(0)
    expect(cloud.calls.at(-1)?.name).toBe('giveBackLease')
    expect(cloud.inputs('requestLease')[0]?.request.targets).toEqual(servers.map((id) => `server/${id}`))
    expect(stopped(cloud)).toEqual([`server.stop ${servers[0]}`, `server.stop ${servers[2]}`])
    expect(await view()).toMatchObject({ state: 'succeeded', summary: '2 of 3 stopped' })
  })

  it('refuses in its preparation, before it has a lease', async () => {
    const { cloud, handle, view } = await begin({ readCloud: { status: 404 } }, `  - ${stop(servers[0])}\n`, {
      more: "prepare:\n  - { read: { service: compute, path: '/servers/${input.servers[0]}' }, saves: server }\n  - { when: server.status == 404, fail: 'there is no server ${input.servers[0]}' }\n",
    })
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'RUN_FAILED', message: `there is no server ${servers[0]}` },
    })
    expect(cloud.names()).toEqual(['readCloud'])
    expect(cloud.inputs('requestLease')).toEqual([])
    expect(await view()).toMatchObject({ state: 'failed', code: 'RUN_FAILED' })
  })

  it('that is dry says what it would do, and what it cannot know yet', async () => {
    const { cloud, handle, view } = await begin(
      { readCloud: { status: 200, body: {} } },
      `
  - { action: server.snapshot, with: { serverId: ${servers[0]}, name: before }, saves: image }
  - { read: { service: image, path: '/v2/images/\${image.body.image_id}' } }
  - { when: image.status == 202, action: server.stop, with: { serverId: ${servers[0]} } }
  - { wait: { seconds: 60 } }
  - { note: 'kept as \${image.body.image_id}' }
  - forEach: { items: image.body.all, as: one, steps: [{ note: '\${one}' }] }
`,
      { dryRun: true, more: "summary: 'kept ${image.body.image_id}'" },
    )
    expect(await handle.result()).toEqual({ summary: 'By hand: would be done' })
    expect(cloud.names()).toEqual([])
    const { steps, notes } = await view()
    expect(steps?.map(({ title, state }) => `${state} ${title}`)).toEqual([
      expect.stringMatching(/^would server\.snapshot/),
      `would server.stop ${servers[0]}`,
      'would wait 60 s: as its runbook says',
    ])
    expect(textOf(notes)).toEqual([
      'would read /v2/images/${image.body.image_id}, which is known when it runs',
      'only if image.status == 202, which is known when it runs',
      '(known when it runs)',
      'for each of image.body.all, which is known when it runs',
      'dry run: By hand: would be done',
    ])
  })

  it('takes back what it did when it fails, the last thing first, but not what was so already', async () => {
    const { cloud, handle, view } = await begin(
      {
        performCall: [
          accepted,
          { ...accepted, note: 'nothing to do: it was so already' },
          { ...accepted, note: 'its answer was lost; that it took effect was seen by looking' },
          accepted,
        ],
      },
      `${servers.map((id) => `  - { action: server.stop, with: { serverId: ${id} }, undo: { action: server.start, with: { serverId: ${id} } } }`).join('\n')}
  - fail: 'this was not to be'
`,
    )
    await expect(handle.result()).rejects.toMatchObject({ cause: { message: 'this was not to be' } })
    expect(stopped(cloud).slice(3)).toEqual([`server.start ${servers[2]}`, `server.start ${servers[0]}`])
    expect(await view()).toMatchObject({ state: 'failed', summary: 'this was not to be' })
  })

  it('asks a person, and ends as stopped when the answer is no', async () => {
    const { handle, view, cloud } = await begin(
      {},
      `  - { ask: { question: 'stop \${input.count}?' } }\n  - ${stop(servers[0])}\n`,
    )
    await untilState(handle, 'asking')
    const { question } = await view()
    expect(question?.text).toBe('stop 2?')
    await handle.executeUpdate(answerRun, { args: [{ questionId: question?.id ?? '', by: 'otto', yes: false }] })
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'RUN_REFUSED' } })
    expect(cloud.inputs('performCall')).toEqual([])
    expect((await view()).state).toBe('stopped')
  })
})

describe.concurrent('a step that fails', () => {
  it('is tried again as often as it says', async () => {
    const { handle, cloud, view } = await begin(
      { performCall: [refused, refused, accepted] },
      `  - { action: server.stop, with: { serverId: ${servers[0]} }, retry: { times: 2, everySeconds: 1 } }\n`,
    )
    await handle.result()
    expect(cloud.inputs('performCall')).toHaveLength(3)
    expect((await view()).steps?.map(({ title }) => title)).toContain('Wait 1 s: before trying again: it is locked')
  })

  it('is not tried again when it may have taken effect', async () => {
    const { handle, cloud } = await begin(
      { performCall: failure('OUTCOME_UNKNOWN', 'nobody knows') },
      `  - { action: server.stop, with: { serverId: ${servers[0]} }, retry: { times: 2, everySeconds: 1 } }\n`,
    )
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'OUTCOME_UNKNOWN' } })
    expect(cloud.inputs('performCall')).toHaveLength(1)
  })

  it('lets the run go on, or other steps follow that know its error', async () => {
    const { handle, view } = await begin(
      { performCall: refused },
      `
  - { action: server.stop, with: { serverId: ${servers[0]} }, onError: continue, saves: first }
  - action: server.stop
    with: { serverId: ${servers[1]} }
    onError: [{ set: { why: '\${error.code}: \${error.message}' } }, { note: 'so \${error.code}' }]
  - { when: first == null, note: first is null }
`,
    )
    await handle.result()
    expect(textOf((await view()).notes)).toEqual([
      'goes on after CLOUD_REFUSED: it is locked',
      'goes on after CLOUD_REFUSED: it is locked',
      'so CLOUD_REFUSED',
      'first is null',
      'By hand: done',
    ])
  })

  it('ends the run all the same when it is the no of a person', async () => {
    const { handle, view } = await begin(
      {},
      `
  - onError: continue
    retry: { times: 3 }
    run: [{ ask: { question: 'go on?', withinSeconds: 1 } }]
`,
    )
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'RUN_REFUSED', message: 'nobody answered within 1 s: go on?' },
    })
    expect(await view()).toMatchObject({ state: 'stopped', code: 'RUN_REFUSED' })
  })

  it('says in which line an expression has no value', async () => {
    const { handle } = await begin(
      { readCloud: { status: 404 } },
      `  - { read: { service: compute, path: /servers/a }, saves: s }\n  - note: '\${s.body.server.name}'\n`,
    )
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'EXPRESSION_FAILED', message: expect.stringMatching(/^line 10: s\.body\.server\.name: /) },
    })
  })

  it('is given up after its time, once what was begun is seen through', async () => {
    const { handle, cloud } = await begin(
      { readCloud: { status: 200, body: { status: 'BUILD' } }, performCall: accepted },
      `
  - timeoutSeconds: 1
    onError: [${stop(servers[0])}, { fail: '\${error.code}' }]
    run:
      - wait: { until: answer.body.status == "ACTIVE", read: { service: compute, path: /servers/a }, withinSeconds: 600 }
      - note: never
`,
    )
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'RUN_FAILED', message: 'RUN_TIMED_OUT' } })
    expect(stopped(cloud)).toEqual([`server.stop ${servers[0]}`])
  })
})

describe.concurrent('a run that has begun', () => {
  it('is done by its own version of the document, by whatever worker, to the same end', async () => {
    const { handle } = await begin(
      { readCloud: { status: 200, body: { status: 'ACTIVE' } }, performCall: [refused, accepted] },
      `
  - { read: { service: compute, path: /servers/a }, saves: server }
  - { when: server.body.status == "ACTIVE", action: server.stop, with: { serverId: ${servers[0]} }, retry: { times: 1, everySeconds: 1 } }
  - forEach: { items: input.servers, as: id, atOnce: 2, steps: [{ note: '\${id} at \${now}' }] }
`,
    )
    await handle.result()
    const options = {
      workflowBundle: { codePath: inject('engine').bundle },
      dataConverter: createDataConverter(bench.keys),
    }
    await Worker.runReplayHistory(options, await handle.fetchHistory(), handle.workflowId)
  })
})

describe.concurrent('many at a time', () => {
  const loop = (options: string) =>
    `  - forEach: { items: input.servers, as: id, ${options}, gives: '\${done.status}', steps: [{ action: server.stop, with: { serverId: '\${id}' }, saves: done }] }\n    saves: outcomes\n`

  it('fail together when more of them fail than may', async () => {
    const { handle, cloud } = await begin({ performCall: [accepted, refused, accepted] }, loop('mayFail: 0'))
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'RUN_FAILED', message: 'line 9: 1 of 3 went well; CLOUD_REFUSED: it is locked' },
    })
    expect(cloud.inputs('performCall')).toHaveLength(2)
  })

  it('say what became of each', async () => {
    const { handle } = await begin({ performCall: [accepted, refused, accepted] }, loop('mayFail: 1'), {
      more: "result: { outcomes: '${outcomes}' }",
    })
    expect(await handle.result()).toMatchObject({
      outcomes: [
        { item: servers[0], outcome: 'done', result: 202 },
        { item: servers[1], outcome: 'failed', reason: 'CLOUD_REFUSED: it is locked' },
        { item: servers[2], outcome: 'done', result: 202 },
      ],
    })
  })

  it.each([
    ['loop', 'forEach: { items: input.servers, as: id, atOnce: 3, canary: 0, steps: [STEP] }', "'${id}'"],
    ['branches', 'parallel: [STEP0, STEP1, STEP2]', ''],
  ])('in a %s are seen through and taken back when the run is cancelled', async (_, text, idOf) => {
    const goOn = gate()
    const stepOn = (id: string) =>
      `{ action: server.stop, with: { serverId: ${id} }, undo: { action: server.start, with: { serverId: ${id} } } }`
    const script = {
      performCall: async (deed: { action: string }) => {
        if (deed.action === 'server.stop') await goOn.opened
        return accepted
      },
    } as unknown as Script
    const written = text.replaceAll(/STEP(\d?)/g, (_, n: string) =>
      stepOn(n === '' ? idOf : (servers[Number(n)] ?? '')),
    )
    const { handle, cloud, view } = await begin(script, `  - ${written}\n  - note: never\n`)
    await vi.waitFor(() => expect(cloud.inputs('performCall')).toHaveLength(3), 30_000)
    await handle.cancel()
    goOn.open()
    await expect(handle.result()).rejects.toThrow(/cancelled/i)
    const taken = stopped(cloud).slice(3)
    expect(new Set(taken)).toEqual(new Set(servers.map((id) => `server.start ${id}`)))
    expect(await view()).toMatchObject({ state: 'cancelled' })
    expect(textOf((await view()).notes)).not.toContain('never')
  })

  it('in branches are all seen through before the failure of one counts', async () => {
    const { handle, cloud } = await begin(
      {
        performCall: async ({ input }: { input: { serverId: string } }) => {
          if (input.serverId === servers[0]) throw refused
          await new Promise((resolve) => setTimeout(resolve, 300))
          return accepted
        },
      } as unknown as Script,
      `  - parallel:\n${servers.map((id) => `      - { action: server.stop, with: { serverId: ${id} }, undo: { action: server.start, with: { serverId: ${id} } } }`).join('\n')}\n`,
    )
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'CLOUD_REFUSED' } })
    await vi.waitFor(() => expect(stopped(cloud).filter((done) => done.startsWith('server.start'))).toHaveLength(2))
  })
})
