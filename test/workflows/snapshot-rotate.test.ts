import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { failure } from '../../core/errors.ts'
import { copyName, marksOf } from '../../policies/rotation.ts'
import { useRunbooks } from './run-bench.ts'
import type { Script } from './scripted.ts'

const { begin } = useRunbooks('snapshot-rotate')
const startedAt = '2026-11-21T00:00:00.000Z'
type Image = Record<string, unknown> & { id: string; name: string; status: string }
type Given = { action: string; input: { serverId: string; imageId: string; name: string; marks: object } }

/** A cloud with servers and images of them, as far as rotation sees it. */
function glance(servers: readonly string[], taken: (image: Image) => unknown = () => undefined) {
  const imageOf = (of: string, name: string, more: object = {}): Image => ({
    ...{ id: randomUUID(), name, status: 'active', owner: 'p1', protected: false, instance_uuid: of },
    ...marksOf({ prefix: 'nightly', of }, name),
    ...more,
  })
  const old = (of: string, day: number, more?: object) =>
    imageOf(of, copyName('nightly', Date.parse('2026-11-01T02:00:00Z') + day * 86_400_000), more)
  const images: Image[] = servers.flatMap((of) => [1, 2, 3].map((day) => old(of, day)))
  const deleted: string[] = []
  const script: Script = {
    readCloud: ({ path }) => {
      if (path.startsWith('/servers/'))
        return { status: 200, body: { server: { image: { id: 'x' }, 'OS-EXT-STS:task_state': null } } }
      const of = new URLSearchParams(path.split('?')[1]).get('steward_of')
      return { status: 200, body: { images: images.filter((image) => image.instance_uuid === of) } }
    },
    performCall: (deed) => {
      const { action, input } = deed as unknown as Given
      if (action === 'image.delete') {
        deleted.push(input.imageId)
        images.splice(
          images.findIndex(({ id }) => id === input.imageId),
          1,
        )
        return { status: 204, startedAt }
      }
      const image = imageOf(input.serverId, input.name, input.marks)
      images.push(image)
      const said = taken(image)
      if (said instanceof Error) throw said
      return { status: 202, startedAt, body: { image_id: image.id }, goesOn: true }
    },
    awaitEffect: { outcome: 'done', detail: 'seen' },
    reconcileCall: { verdict: 'unknown' },
  }
  return { images, deleted, script, old }
}

const input = (servers: readonly string[], keep = 2) => ({ servers, keep, prefix: 'nightly' })
const namesOf = (images: readonly Image[]) => images.map(({ name }) => name)
const fresh = /^nightly-20(2[6-9]|[3-9]\d)\d{4}T\d{6}Z$/

describe.concurrent('snapshot-rotate', () => {
  it('makes a marked image of each server, and then deletes the oldest of its own', async () => {
    const servers = [randomUUID(), randomUUID()]
    const { images, deleted, script, old } = glance(servers)
    const byHand = old(servers[0] ?? '', 0, { steward_name: 'other' })
    images.push(byHand)
    const oldest = images.filter(({ name }) => /-2026110[23]T/.test(name)).map(({ id }) => id)
    const { cloud, handle, evidence } = await begin(input(servers), script)
    expect(await handle.result()).toEqual({ summary: '2 of 2 rotated' })
    expect(new Set(deleted)).toEqual(new Set(oldest))
    expect(images).toContain(byHand)
    expect(images).toHaveLength(5)
    const made = cloud.inputs('performCall').map((deed) => (deed as unknown as Given).input)
    expect(made[0]).toMatchObject({ marks: { steward_of: servers[0], steward_series: 'nightly' } })
    expect(made[0]?.name).toMatch(fresh)
    expect(cloud.inputs('requestLease').map(({ request }) => [request.targets, request.risk])).toEqual([
      [servers.map((id) => `server/${id}`), 'destructive'],
    ])
    expect(await evidence()).toMatchObject({ rotation: [{ outcome: 'done' }, { outcome: 'done' }] })
  })

  it('deletes nothing when the new one fails, and leaves no failed one behind', async () => {
    const servers = [randomUUID()]
    const { images, script } = glance(servers, (image) => {
      image.status = 'killed'
    })
    const before = namesOf(images)
    const { handle, failed } = await begin(input(servers), {
      ...script,
      awaitEffect: { outcome: 'failed', detail: 'the upload was cut' },
    })
    expect(await failed()).toBe('EFFECT_FAILED')
    await expect(handle.result()).rejects.toMatchObject({
      cause: { message: `0 of 1 rotated; ${servers[0]}: EFFECT_FAILED: the upload was cut` },
    })
    expect(namesOf(images)).toEqual(before)
  })

  it('finds by its name an image whose answer was lost, and makes no second one', async () => {
    const servers = [randomUUID()]
    const { images, deleted, script } = glance(servers, () => failure('OUTCOME_UNKNOWN', 'the answer was lost'))
    const { cloud, handle } = await begin(input(servers), script)
    expect(await handle.result()).toEqual({ summary: '1 of 1 rotated' })
    expect(
      cloud.inputs('performCall').filter((deed) => 'action' in deed && deed.action === 'server.snapshot'),
    ).toHaveLength(1)
    expect([deleted.length, images.length]).toEqual([2, 2])
  })

  it.each([
    ['runs from a volume', { image: '', 'OS-EXT-STS:task_state': null }],
    ['is being worked on', { image: { id: 'x' }, 'OS-EXT-STS:task_state': 'image_uploading' }],
  ])('does not touch a server that %s', async (_what, server) => {
    const { cloud, failed } = await begin(input([randomUUID()]), { readCloud: { status: 200, body: { server } } })
    expect(await failed()).toBe('EFFECT_FAILED')
    expect(cloud.names()).toEqual(['readCloud'])
  })

  it('does the others when a later one fails, and then fails itself', async () => {
    const servers = [randomUUID(), randomUUID(), randomUUID()]
    const { script, deleted } = glance(servers)
    const readCloud = script.readCloud as (given: { path: string }) => { status: number; body?: unknown }
    const { handle } = await begin(input(servers), {
      ...script,
      readCloud: (given) => (given.path === `/servers/${servers[1]}` ? { status: 404 } : readCloud(given)),
    })
    await expect(handle.result()).rejects.toMatchObject({
      cause: { message: `2 of 3 rotated; ${servers[1]}: TARGET_UNFIT: ${servers[1]}: there is no such server` },
    })
    expect(deleted).toHaveLength(4)
  })

  it('says in a dry run what it would make and delete', async () => {
    const servers = [randomUUID()]
    const { images, script } = glance(servers)
    const { cloud, handle, view } = await begin(input(servers), script, { dryRun: true })
    await handle.result()
    expect((await view()).steps?.map(({ title, state }) => [title, state])).toEqual([
      [`server.snapshot ${servers[0]}`, 'would'],
      ...images.slice(0, 2).map(({ id }) => [`image.delete ${id}`, 'would']),
    ])
    expect(cloud.inputs('performCall')).toEqual([])
  })

  it('makes snapshots of volumes in the same way', async () => {
    const volumes = [randomUUID()]
    const [of = ''] = volumes
    const marks = (day: number) => {
      const name = copyName('nightly', Date.parse('2026-11-01T02:00:00Z') + day * 86_400_000)
      return {
        id: randomUUID(),
        name,
        status: 'available',
        volume_id: of,
        metadata: marksOf({ prefix: 'nightly', of }, name),
      }
    }
    const snapshots = [marks(1), marks(2)]
    const [oldest] = snapshots
    const { cloud, handle } = await begin(
      { volumes, keep: 2, prefix: 'nightly' },
      {
        readCloud: ({ path }) =>
          path.startsWith('/volumes/')
            ? { status: 200, body: { volume: { status: 'in-use' } } }
            : { status: 200, body: { snapshots } },
        performCall: (deed) => {
          const { action, input: given } = deed as unknown as Given
          if (action === 'volume.snapshot')
            snapshots.push({ ...marks(3), name: given.name, metadata: given.marks as never })
          return { status: 202, startedAt }
        },
      },
    )
    expect(await handle.result()).toEqual({ summary: '1 of 1 rotated' })
    expect(cloud.inputs('performCall').map((deed) => 'action' in deed && [deed.action, deed.input.snapshotId])).toEqual(
      [
        ['volume.snapshot', undefined],
        ['snapshot.delete', oldest?.id],
      ],
    )
  })

  it('takes servers or volumes, not both and not neither', async () => {
    const both = { servers: [randomUUID()], volumes: [randomUUID()], keep: 1, prefix: 'x' }
    expect(await (await begin(both, {})).failed()).toBe('INPUT_INVALID')
    expect(await (await begin({ keep: 1, prefix: 'x' }, {})).failed()).toBe('INPUT_INVALID')
  })
})
