import { describe, expect, it } from 'vitest'
import { createCloudReadActivities } from '../../activities/cloud-reads.ts'
import { codeOf } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { setUp } from './rig.ts'

const begin = async () => {
  const rig = await setUp()
  return { ...rig, ...createCloudReadActivities(rig.sessions) }
}

describe('a runbook reads', () => {
  it('all pages of a list', async () => {
    const { run, readCloud, cloud } = await begin()
    for (let i = 0; i < 5; i++) cloud.addServer({ host: 'compute1' })
    const path = '/servers/detail?all_tenants=true&limit=2'
    const { body } = await run(() => readCloud({ service: 'compute', path, list: 'servers' }))
    expect((body as { servers: unknown[] }).servers).toHaveLength(5)
  })

  it('that there is no such thing, which is an answer', async () => {
    const { run, readCloud } = await begin()
    const path = '/servers/6f1c0000-0000-4000-8000-000000000000'
    expect(await run(() => readCloud({ service: 'compute', path }))).toEqual({ status: 404 })
  })

  it('nothing that is too large for a history: ANSWER_TOO_LARGE', async () => {
    const { run, readCloud, cloud } = await begin()
    const server = cloud.addServer({ host: 'compute1' })
    cloud.fail({ service: 'compute', times: 1 }, () => ({ status: 200, body: { server: 'x'.repeat(2 << 20) } }))
    const error = await rejection(run(() => readCloud({ service: 'compute', path: `/servers/${server.id}` })))
    expect(codeOf(error)).toBe('ANSWER_TOO_LARGE')
  })
})
