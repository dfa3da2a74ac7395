import { describe, expect, it, vi } from 'vitest'
import { failure } from '../../core/errors.ts'
import { useRunbooks } from './run-bench.ts'
import { gate, unlessCancelled } from './scripted.ts'

const { begin } = useRunbooks('http-call')
const url = 'https://tickets.example.com/v1/tickets?team=ops'
const post = { method: 'POST', url, body: { title: 'disk' } }
const here = { host: 'tickets.example.com', addresses: ['93.184.215.14'] }
const title = 'POST https://tickets.example.com/v1/tickets'

describe.concurrent('http-call', () => {
  it('checks where it goes, then calls once under a lease on that endpoint, and keeps the answer', async () => {
    const { cloud, handle, view, evidence } = await begin(post, {
      checkHttpCall: here,
      callHttp: { status: 201, body: { id: 7 } },
    })
    expect(await handle.result()).toEqual({ summary: `${title} answered 201`, status: 201, body: { id: 7 } })
    expect(cloud.names()).toEqual(['checkHttpCall', 'callHttp'])
    expect(cloud.inputs('callHttp')).toEqual([{ ...post, headers: {}, expectStatus: [200, 201, 202, 204] }])
    expect((await view()).targets).toEqual(['endpoint/tickets.example.com'])
    expect(await evidence()).toEqual({ answer: { id: 7 } })
  })

  it('says in a dry run what it would send, after it has looked whether it may', async () => {
    const { cloud, handle, view } = await begin(post, { checkHttpCall: here }, { dryRun: true })
    expect(await handle.result()).toEqual({ summary: `would be sent: ${title}` })
    expect(cloud.names()).toEqual(['checkHttpCall'])
    expect((await view()).steps).toMatchObject([{ title, state: 'would' }])
  })

  it.each(['ADDRESS_REFUSED', 'SECRET_UNKNOWN'] as const)('sends nothing after %s', async (code) => {
    const { cloud, failed } = await begin(post, { checkHttpCall: failure(code, 'no') })
    expect(await failed()).toBe(code)
    expect(cloud.names()).toEqual(['checkHttpCall'])
  })

  it('says no to a secret in its headers before anything is asked', async () => {
    const { cloud, failed } = await begin({ ...post, headers: { authorization: 'Bearer x' } }, {})
    expect(await failed()).toBe('INPUT_INVALID')
    expect(cloud.names()).toEqual([])
  })

  it('tries what may be repeated again, and what may not be is sent once', async () => {
    const away = failure('ENDPOINT_UNREACHABLE', 'tickets.example.com answered 503 to PUT')
    const put = await begin({ ...post, method: 'PUT' }, { checkHttpCall: here, callHttp: [away, { status: 200 }] })
    await put.handle.result()
    expect(put.cloud.inputs('callHttp')).toHaveLength(2)
    const once = await begin(post, { checkHttpCall: here, callHttp: [away, { status: 200 }] })
    expect(await once.failed()).toBe('ENDPOINT_UNREACHABLE')
    expect(once.cloud.inputs('callHttp')).toHaveLength(1)
  })

  it('that is cancelled while it is on its way hears the answer first', async () => {
    const answer = gate()
    const { cloud, handle, view } = await begin(post, {
      checkHttpCall: here,
      callHttp: async () => {
        await unlessCancelled(answer.opened)
        return { status: 201 }
      },
    })
    await vi.waitFor(() => expect(cloud.inputs('callHttp')).toHaveLength(1), 30_000)
    await handle.cancel()
    answer.open()
    await expect(handle.result()).rejects.toThrow(/cancelled/i)
    expect(await view()).toMatchObject({ state: 'cancelled', steps: [{ title, state: 'done' }] })
  })
})
