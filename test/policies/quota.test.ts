import { describe, expect, it } from 'vitest'
import type { Call } from '../../core/call.ts'
import type { Work } from '../../core/work.ts'
import { quotaLooks } from '../../policies/quota.ts'

const id = '5c7d0f3e-8a1b-4c2d-9e3f-0000000000aa'
const post = (service: string, path: string, body?: Call['body']): Work => ({
  call: { service, method: 'POST', path, ...(body && { body }) },
})
const server = (more: Record<string, number> = {}) =>
  post('compute', '/servers', { server: { name: 'x', flavorRef: 'https://nova/v2.1/flavors/4', ...more } })
const limits = (absolute: Record<string, number>) => ({ limits: { absolute } })

/** What the only look at a quota says, given what its reads answer and how the project stands. */
function said(work: Work, seen: readonly unknown[], standing: unknown) {
  const [look] = quotaLooks(work)
  const [need] = look?.needs ?? []
  return {
    reads: [...(need?.reads ?? []), ...(look ? [look.standing('p1')] : [])].map(({ path }) => path),
    short: look?.shortages(new Map(Object.entries(need?.takes(seen) ?? {})), standing),
  }
}

describe('work that takes of a quota', () => {
  const large = { flavor: { vcpus: 4, ram: 2048 } }
  const nova = limits({
    ...{ maxTotalInstances: 10, totalInstancesUsed: 9, maxTotalCores: 20, totalCoresUsed: 13 },
    ...{ maxTotalRAMSize: -1, totalRAMUsed: 1_000_000 },
  })

  it('needs room for each server, its cores and its memory', () => {
    expect(said(server(), [large], nova)).toEqual({ reads: ['/flavors/4', '/limits'], short: [] })
    expect(said(server({ min_count: 2 }), [large], nova).short).toEqual([
      'compute instances: 9 in use of 10, 2 wanted',
      'compute cores: 13 in use of 20, 8 wanted',
    ])
  })

  it('needs what a larger flavor has more than the present one, and nothing for a smaller one', () => {
    const resize: Work = { action: 'server.resize', with: { serverId: id, flavorId: '4' } }
    const now = (vcpus: number) => ({ server: { flavor: { vcpus, ram: 512 } } })
    const full = limits({ maxTotalCores: 20, totalCoresUsed: 19, maxTotalRAMSize: 51_200, totalRAMUsed: 600 })
    expect(said(resize, [large, now(2)], full).short).toEqual(['compute cores: 19 in use of 20, 2 wanted'])
    expect(said(resize, [large, now(8)], full).short).toEqual([])
  })

  it('needs gigabytes at Cinder', () => {
    const cinder = limits({
      ...{ maxTotalVolumeGigabytes: 100, totalGigabytesUsed: 90, maxTotalSnapshots: 5, totalSnapshotsUsed: 5 },
      ...{ maxTotalVolumes: 10, totalVolumesUsed: 1, maxTotalBackups: 10, totalBackupsUsed: 10 },
    })
    const volume = { volume: { size: 10 } }
    const extend = (sizeGiB: number): Work => ({ action: 'volume.extend', with: { volumeId: id, sizeGiB } })
    expect(said(extend(20), [volume], cinder).short).toEqual([])
    expect(said(extend(21), [volume], cinder)).toEqual({
      reads: [`/volumes/${id}`, '/limits'],
      short: ['block-storage gigabytes: 90 in use of 100, 11 wanted'],
    })
    const copy = (kind: string): Work => ({ action: `volume.${kind}`, with: { volumeId: id, name: 'x' } })
    expect(said(copy('snapshot'), [volume], cinder).short).toEqual(['block-storage snapshots: 5 in use of 5, 1 wanted'])
    expect(said(copy('backup'), [volume], cinder).short).toEqual(['block-storage backups: 10 in use of 10, 1 wanted'])
    const made = post('block-storage', '/volumes', { volume: { size: 11 } })
    expect(said(made, [], cinder).short).toEqual(['block-storage gigabytes: 90 in use of 100, 11 wanted'])
  })

  it('needs one more at Neutron', () => {
    const neutron = { quota: { floatingip: { used: 3, limit: 3, reserved: 0 }, port: { used: 500, limit: -1 } } }
    expect(said(post('network', '/v2.0/floatingips', { floatingip: {} }), [], neutron)).toEqual({
      reads: ['/v2.0/quotas/p1/details'],
      short: ['network floatingip: 3 in use of 3, 1 wanted'],
    })
    expect(said(post('network', '/v2.0/ports', { port: {} }), [], neutron).short).toEqual([])
    expect(said(post('network', '/v2.0/routers', { router: {} }), [], neutron).short).toEqual([])
  })

  it('is counted together for all its steps at a service', () => {
    const step = (at: number) => ({
      ...{ id: `s${at}`, action: post('network', '/v2.0/floatingips').call ?? '', with: {} },
      ...{ retries: 0, onFailure: 'stop' as const },
    })
    expect(quotaLooks({ steps: [step(1), step(2)] }).map(({ needs }) => needs.length)).toEqual([2])
  })

  it('is not looked for where nothing is taken, or nobody can know yet', () => {
    expect(quotaLooks({ action: 'server.stop', with: { serverId: id } })).toEqual([])
    expect(quotaLooks(post('compute', `/servers/${id}/action`, { 'os-stop': null }))).toEqual([])
    expect(quotaLooks({ action: 'server.resize', with: { flavorId: '4' }, targets: { ids: [id] } })).toEqual([])
  })
})
