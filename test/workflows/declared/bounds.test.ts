import { describe, expect, it } from 'vitest'
import { useWorker } from '../engine.ts'
import type { Script } from '../scripted.ts'
import { beginWith, documentOf, servers } from './declared-bench.ts'

const begin = beginWith(useWorker())
const stop = (id: string) => `{ action: server.stop, with: { serverId: ${id} } }`

describe.concurrent('what a document may do', () => {
  it('is nothing to servers it has no lease on', async () => {
    const other = '11111111-1111-4111-8111-111111111111'
    const { handle, cloud } = await begin({}, `  - ${stop(other)}\n`)
    await expect(handle.result()).rejects.toMatchObject({
      cause: {
        type: 'CALL_NOT_DECLARED',
        message: `server/${other} is not among the targets that this run has a lease on`,
      },
    })
    expect(cloud.inputs('performCall')).toEqual([])
  })

  it('is nothing at all without targets', async () => {
    const { handle, cloud } = await begin({}, `  - ${stop(servers[0])}\n`, {
      input: { servers: [] },
      more: 'targets: input.servers.map(id, "server/" + id)\n',
    })
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'INPUT_INVALID', message: 'by-hand: its targets are none: there is nothing to do' },
    })
    expect(cloud.names()).toEqual([])
  })

  it('is nothing outside of the path it has written', async () => {
    const { handle, cloud } = await begin(
      { readCloud: { status: 200, body: {} } },
      "  - set: { id: 'a/../../os-services?x' }\n  - read: { service: compute, path: '/servers/${id}' }\n",
    )
    await handle.result()
    expect(cloud.inputs('readCloud')).toEqual([{ service: 'compute', path: '/servers/a%2F..%2F..%2Fos-services%3Fx' }])
  })

  it('is nothing that its needs do not say, whatever its steps say', async () => {
    const steps = `  - ${stop(servers[0])}\n`
    const document = { ...documentOf(steps), needs: { roles: [], calls: [], actions: ['server.start'], steps: [] } }
    const { handle, cloud } = await begin({}, steps, { document })
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'CALL_NOT_DECLARED', message: 'the runbook has not declared server.stop in its needs.actions' },
    })
    expect(cloud.names()).toEqual([])
  })

  it('is nothing when it is no document', async () => {
    const { handle } = await begin({}, '  - note: hi\n', { document: { name: 'by-hand' } as never })
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'RUNBOOK_INVALID' } })
  })
})

describe.concurrent('the limits of a run', () => {
  it('end a loop that does too much', async () => {
    const script: Script = { readCloud: { status: 200, body: {} } }
    const { handle, cloud, view } = await begin(
      script,
      `
  - set: { hundred: '\${"${'x,'.repeat(99)}x".split(",")}' }
  - forEach: { items: hundred, as: a, mayFail: 100, atOnce: 20, onError: continue, steps: [{ note: 1 }, { note: 2 }, { note: 3 }, { note: 4 }, { note: 5 }] }
`
        .replaceAll(/note: (\d)/g, 'note: "$1"')
        .replace(', onError: continue', ''),
    )
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'RUNBOOK_LIMIT', message: 'this run has done 500 steps, looks and tries included' },
    })
    expect(cloud.names()).toEqual([])
    expect((await view()).state).toBe('failed')
  })

  it('keep values small', async () => {
    const doubled = Array.from({ length: 18 }, () => "  - set: { x: '${x + x}' }\n").join('')
    const { handle } = await begin({}, `  - set: { x: '0123456789' }\n${doubled}`)
    await expect(handle.result()).rejects.toMatchObject({
      cause: {
        type: 'RUNBOOK_LIMIT',
        message: expect.stringMatching(/^x has \d+ characters of JSON; a value has at most 1048576$/),
      },
    })
  })
})
