import { describe, expect, it } from 'vitest'
import type { Work } from '../../core/work.ts'
import { actionCatalogue } from '../../policies/catalogue/index.ts'
import { anything, callsOf } from '../../policies/work-calls.ts'
import { examples } from './catalogue/examples.ts'

const a = '7c2b6d1e-3f5a-4b7c-8d9e-0f1a2b3c4d5e'
const b = '11111111-3f5a-4b7c-8d9e-0f1a2b3c4d5e'
const told = (work: Work) => callsOf(work).calls.map(({ service, method, path }) => `${service} ${method} ${path}`)

describe('the calls of work', () => {
  it('are the call, the look at the server it changes, and the look whether it took effect', () => {
    const call = {
      service: 'compute',
      method: 'POST',
      path: `/servers/${a}/action`,
      body: { 'os-stop': null },
    } as const
    expect(told({ call }).toSorted()).toEqual([
      `compute GET /servers/${a}`,
      `compute GET /servers/${a}/os-instance-actions`,
      `compute POST /servers/${a}/action`,
    ])
  })

  it('are without queries, and each is there once', () => {
    const call = { service: 'network', method: 'GET', path: '/v2.0/ports?name=x' } as const
    expect(told({ call })).toEqual(['network GET /v2.0/ports'])
    const step = { action: call, with: {}, retries: 0, onFailure: 'stop' } as const
    const steps = [
      { id: 'one', ...step },
      { id: 'two', ...step },
    ]
    expect(told({ steps })).toEqual(['network GET /v2.0/ports'])
  })

  it('are those of every target, and finding them', () => {
    const work = { action: 'server.stop', with: {} }
    const named = told({ ...work, targets: { ids: [a, b] } })
    for (const id of [a, b]) expect(named).toContain(`compute POST /servers/${id}/action`)
    const found = told({ ...work, targets: { select: { tags: ['night-off'] } } })
    expect(found).toContain('compute GET /servers/detail')
    expect(found).toContain(`compute POST /servers/${anything}/action`)
  })

  it('are those that take a step back, where one asks for that', () => {
    const input = { serverId: a, volumeId: b }
    const step = (onFailure: 'stop' | 'undo') =>
      told({ steps: [{ id: 'on', action: 'volume.attach', with: input, retries: 0, onFailure }] })
    const detach = `compute DELETE /servers/${a}/os-volume_attachments/${b}`
    expect(step('stop')).not.toContain(detach)
    expect(step('undo')).toEqual(expect.arrayContaining([...step('stop'), detach]))
  })

  it('of a chain have anything in place of what an earlier step leaves', () => {
    const steps: Work['steps'] = [
      { id: 'snap', action: 'server.snapshot', with: { serverId: a, name: 'x' }, retries: 0, onFailure: 'stop' },
      {
        ...{ id: 'drop', action: 'image.delete', with: { imageId: { $from: 'snap', pointer: '/image_id' } } },
        ...{ retries: 0, onFailure: 'stop' },
      },
    ]
    expect(told({ steps })).toContain(`image DELETE /v2/images/${anything}`)
    expect(callsOf({ steps }).unforeseen).toEqual(['the looks that wait for the end of server.snapshot'])
  })

  it.each([...actionCatalogue.keys()])('%s are known, or it is said that they are not', (action) => {
    const [input] = examples[action] ?? []
    const { calls } = callsOf({ action, with: input as Work['with'] & {} })
    const { method, path } = actionCatalogue.get(action)?.calls(input) ?? {}
    expect(calls).toContainEqual(expect.objectContaining({ method, path: path?.split('?')[0] }))
  })
})
