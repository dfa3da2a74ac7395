import { z } from 'zod'
import { codeOf, failure, messageOf } from '../../../core/errors.ts'
import type { Target } from '../../../core/governor.ts'
import { at } from '../../../policies/catalogue/entry.ts'
import {
  type Copy,
  copiesInImages,
  copiesInSnapshots,
  copyName,
  isLost,
  isWell,
  marksOf,
  type Series,
  surplus,
} from '../../../policies/rotation.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { failedOnes, inNumbers } from '../../sdk/outcomes.ts'

const Ids = z.array(z.uuid()).min(1).max(200).optional()
const Input = z
  .strictObject({
    servers: Ids.describe('ids of servers: images are made of them'),
    volumes: Ids.describe('ids of volumes: snapshots are made of them'),
    prefix: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_]{0,39}$/)
      .describe('of the names; each prefix is a series of its own'),
    keep: z.int().min(1).max(365).describe('how many of the series to keep of each, the new one included'),
    atOnce: z.int().min(1).max(20).default(2),
  })
  .refine(({ servers, volumes }) => (servers === undefined) !== (volumes === undefined), 'give servers or volumes')
type Input = z.output<typeof Input>

/** A copy that was asked for and is not in the list after so long will not come. */
const appearsWithinSeconds = 120
const copiedWithinSeconds = 14_400

/** What differs between the two. */
interface Kind {
  /** @throws TARGET_UNFIT */
  check(run: RunContext, id: string): Promise<void>
  take(run: RunContext, id: string, named: { name: string; marks: Record<string, string> }): Promise<unknown>
  list(run: RunContext, id: string): Promise<readonly Copy[]>
  delete(run: RunContext, id: string): Promise<unknown>
}

const ofServers: Kind = {
  async check(run, id) {
    const { status, body } = await run.read({ service: 'compute', path: `/servers/${id}` })
    if (status === 404) throw unfit(id, 'there is no such server')
    const image = at(body, 'server', 'image')
    if (image === '') throw unfit(id, 'it runs from a volume, whose snapshots nobody would rotate: name its volumes')
    if (at(body, 'server', 'OS-EXT-STS:task_state') !== null) throw unfit(id, 'something is being done to it')
  },
  take: (run, serverId, named) => run.action('server.snapshot', { serverId, ...named }),
  async list(run, id) {
    const { body } = await run.read({ service: 'image', path: `/v2/images?steward_of=${id}&limit=1000` })
    // Glance links on with a path that leads out of endpoints with a prefix
    if (at(body, 'next') !== undefined) throw unfit(id, 'it has over 1000 images')
    return copiesInImages(body)
  },
  delete: (run, imageId) => run.action('image.delete', { imageId }),
}

const ofVolumes: Kind = {
  async check(run, id) {
    const { status, body } = await run.read({ service: 'block-storage', path: `/volumes/${id}` })
    if (status === 404) throw unfit(id, 'there is no such volume')
    const state = at(body, 'volume', 'status')
    if (state !== 'available' && state !== 'in-use') throw unfit(id, `it is ${state}`)
  },
  take: (run, volumeId, named) => run.action('volume.snapshot', { volumeId, ...named }),
  async list(run, id) {
    const path = `/snapshots/detail?volume_id=${id}`
    return copiesInSnapshots((await run.read({ service: 'block-storage', path, list: 'snapshots' })).body)
  },
  delete: (run, snapshotId) => run.action('snapshot.delete', { snapshotId }),
}

const unfit = (id: string, why: string) => failure('TARGET_UNFIT', `${id}: ${why}`, { id })

/** Makes a copy of each, and deletes the oldest of its own copies once the new one is there. */
export const snapshotRotate = defineRunbook({
  name: 'snapshot-rotate',
  title: 'Make snapshots and delete the oldest ones',
  description:
    'Makes an image of each server, or a snapshot of each volume, waits until it is whole, and then deletes the oldest of its own series beyond `keep`. Touches only copies that bear its name, its marks and its owner, and deletes nothing when the new one has failed. Refuses servers that run from a volume. Fails when one of them failed; the others are done.',
  input: Input,
  risk: 'destructive',
  needs: {
    roles: ['member'],
    actions: ['server.snapshot', 'image.delete', 'volume.snapshot', 'snapshot.delete'],
    calls: [
      'compute GET /servers/{server}',
      'image GET /v2/images',
      'block-storage GET /volumes/{volume}',
      'block-storage GET /snapshots/detail',
    ],
  },
  targets: ({ servers, volumes }: Input) => [
    ...(servers ?? []).map((id): Target => `server/${id}`),
    ...(volumes ?? []).map((id): Target => `volume/${id}`),
  ],
  expectedMinutes: ({ servers, volumes, atOnce }: Input) =>
    10 + Math.ceil(((servers ?? volumes ?? []).length / atOnce) * 10),
  async run(run: RunContext, { servers, volumes, prefix, keep, atOnce }: Input) {
    const kind = servers ? ofServers : ofVolumes
    const ids = servers ?? volumes ?? []
    const outcomes = await run.forEach(ids, { atOnce, mayFail: ids.length }, async (of) => {
      await kind.check(run, of)
      return rotate(run, kind, { prefix, of }, keep)
    })
    const summary = `${inNumbers(outcomes)} rotated`
    run.evidence('rotation', outcomes)
    const [first] = failedOnes(outcomes)
    if (first) throw failure('EFFECT_FAILED', `${summary}; ${first.item}: ${first.reason ?? first.outcome}`)
    return { summary }
  },
})

async function rotate(run: RunContext, kind: Kind, series: Series, keep: number) {
  const name = copyName(series.prefix, Date.now())
  await take(run, kind, series, name)
  const copies = await kind.list(run, series.of)
  const old = surplus(copies, series, keep, run.dryRun ? undefined : name)
  for (const { id } of old) await kind.delete(run, id)
  return { made: name, deleted: old.map((copy) => copy.name) }
}

/** Makes the copy and sees it whole; one that failed is not left behind. */
async function take(run: RunContext, kind: Kind, series: Series, name: string): Promise<void> {
  const find = async () => (await kind.list(run, series.of)).find((copy) => copy.name === name)
  try {
    await kind.take(run, series.of, { name, marks: marksOf(series, name) })
  } catch (error) {
    if (codeOf(error) !== 'OUTCOME_UNKNOWN') throw await cleared(error)
    await waitFor(error)
  }

  /** Its name tells whether it was made after all. */
  async function waitFor(lost: unknown): Promise<void> {
    try {
      await run.waitFor(`${name} is listed`, find, { withinSeconds: appearsWithinSeconds })
    } catch (error) {
      throw codeOf(error) === 'RUN_TIMED_OUT' ? lost : error
    }
    const isOver = async () => {
      const copy = await find()
      if (!copy || isLost(copy)) throw await cleared(failure('EFFECT_FAILED', `${name} has failed`))
      return isWell(copy)
    }
    await run.waitFor(`${name} is whole`, isOver, { withinSeconds: copiedWithinSeconds })
  }

  async function cleared(why: unknown): Promise<unknown> {
    try {
      const copy = await find()
      if (copy && !isWell(copy)) await kind.delete(run, copy.id)
      return why
    } catch (error) {
      return failure(codeOf(why) ?? 'EFFECT_FAILED', `${messageOf(why)}; ${name} is left behind: ${messageOf(error)}`)
    }
  }
}
