import { describe, expect, it } from 'vitest'
import type { Brake } from '../../activities/brake.ts'
import { createComputeHosts } from '../../activities/compute-hosts.ts'
import { codeOf, failure } from '../../core/errors.ts'
import { rejection } from '../openstack/server.ts'
import { released, setUp } from './rig.ts'

const reason = 'steward plan/1'

async function hosts(brake: Brake = released) {
  const rig = await setUp()
  const activities = createComputeHosts(rig.sessions, brake)
  const run = <T>(act: (of: typeof activities) => Promise<T>) => rig.run(() => act(activities))
  const service = (host: string) => rig.cloud.service('nova-compute', host)
  const changes = () => rig.cloud.received.filter(({ method, service: of }) => of === 'compute' && method === 'PUT')
  return { ...rig, run, service, changes }
}

describe('a host', () => {
  it('is disabled with the reason, once, and found by it', async () => {
    const { run, service, changes, requestId } = await hosts()
    for (let attempt = 1; attempt <= 2; attempt++)
      expect(await run((of) => of.disableHost({ host: 'compute2', reason }))).toEqual({ ours: true })
    expect(service('compute2')).toMatchObject({ status: 'disabled', disabledReason: reason })
    expect(changes().map(({ headers }) => headers['x-openstack-request-id'])).toEqual([requestId])
    expect(await run((of) => of.findDisabled({ reason }))).toEqual({ hosts: ['compute2'] })
    expect(await run((of) => of.findDisabled({ reason: 'steward plan/2' }))).toEqual({ hosts: [] })
  })

  it('is enabled again, once', async () => {
    const { run, service, changes } = await hosts()
    await run((of) => of.disableHost({ host: 'compute2', reason }))
    expect(await run((of) => of.enableHost({ host: 'compute2', reason }))).toEqual({ enabled: true })
    expect(await run((of) => of.enableHost({ host: 'compute2', reason }))).toEqual({ enabled: false })
    expect(service('compute2')).toMatchObject({ status: 'enabled', disabledReason: null })
    expect(changes()).toHaveLength(2)
  })

  it('that somebody else has disabled is left to them', async () => {
    const { run, service, changes } = await hosts()
    Object.assign(service('compute2'), { status: 'disabled', disabledReason: 'a new disk, olga' })
    expect(await run((of) => of.disableHost({ host: 'compute2', reason }))).toEqual({ ours: false })
    expect(await run((of) => of.enableHost({ host: 'compute2', reason }))).toEqual({ enabled: false })
    expect([changes(), service('compute2').disabledReason]).toEqual([[], 'a new disk, olga'])
  })

  it('that Nova does not know is said to be unknown', async () => {
    const { run } = await hosts()
    const nowhere = { host: 'compute9', reason }
    expect(codeOf(await rejection(run((of) => of.disableHost(nowhere))))).toBe('HOST_UNKNOWN')
    expect(codeOf(await rejection(run((of) => of.enableHost(nowhere))))).toBe('HOST_UNKNOWN')
  })

  it('is left alone while the stop button is pressed', async () => {
    const { run, service, changes } = await hosts(async () => {
      throw failure('STOPPED', 'olga pressed the stop button')
    })
    expect(codeOf(await rejection(run((of) => of.disableHost({ host: 'compute2', reason }))))).toBe('STOPPED')
    Object.assign(service('compute2'), { status: 'disabled', disabledReason: reason })
    expect(codeOf(await rejection(run((of) => of.enableHost({ host: 'compute2', reason }))))).toBe('STOPPED')
    expect(changes()).toEqual([])
  })
})
