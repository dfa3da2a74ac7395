import { at, listAt } from './catalogue/entry.ts'

/** A copy of a server or a volume, an image or a snapshot, as far as rotation looks at it. */
export interface Copy {
  readonly id: string
  readonly name: string
  readonly status: string
  /** Project it belongs to. */
  readonly owner: string
  readonly isProtected: boolean
  /** What it is a copy of, by its service. */
  readonly of: string
  readonly marks: Readonly<Record<string, unknown>>
}

/** Which series of copies: those with this prefix, of this server or volume. */
export interface Series {
  readonly prefix: string
  readonly of: string
}

/** `nightly-20261121T173000Z`: sorts by time, and no person writes one by chance. */
export const copyName = (prefix: string, nowMs: number): string =>
  `${prefix}-${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')}`

/**
 * What is written on a copy. An image of a server that was itself made from one of ours inherits its marks, so the name
 * is among them: an inherited one is another than the image's own.
 */
export const marksOf = ({ prefix, of }: Series, name: string) => ({
  ...{ steward_series: prefix, steward_of: of, steward_name: name },
})

/** Whether a copy is one of the series, by name, by marks and by what its service says it was made of. */
export function isOurs({ name, marks, of }: Copy, series: Series): boolean {
  const isNamed = name.startsWith(`${series.prefix}-`) && /^\d{8}T\d{6}Z$/.test(name.slice(series.prefix.length + 1))
  return (
    isNamed && of === series.of && Object.entries(marksOf(series, name)).every(([key, value]) => marks[key] === value)
  )
}

const wellStatuses: ReadonlySet<string> = new Set(['active', 'available'])
const lostStatuses: ReadonlySet<string> = new Set(['error', 'killed', 'deleted'])
export const isWell = ({ status }: Copy): boolean => wellStatuses.has(status)
export const isLost = ({ status }: Copy): boolean => lostStatuses.has(status)

/**
 * Those of the series to delete so that `keep` are left, the oldest first. Only copies that are well count and go, so that
 * a failed one never displaces a good one; only of the owner of the newest one, because images of others can look like
 * ours; never a protected one; and none at all when the new one is not among them and well. `made` is left out of a dry run.
 */
export function surplus(copies: readonly Copy[], series: Series, keep: number, made?: string): readonly Copy[] {
  const ours = copies
    .filter((copy) => isOurs(copy, series) && isWell(copy))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1))
  const newest = made === undefined ? ours.at(-1) : ours.find(({ name }) => name === made)
  if (!newest) return []
  const counted = ours.filter(({ owner }) => owner === newest.owner)
  const left = made === undefined ? keep - 1 : keep
  return counted.slice(0, Math.max(0, counted.length - left)).filter((copy) => copy !== newest && !copy.isProtected)
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Images as Glance lists them: marks stand among their fields. */
export const copiesInImages = (body: unknown): Copy[] =>
  listAt(body, 'images').map((image) => ({
    ...{ id: text(at(image, 'id')), name: text(at(image, 'name')), status: text(at(image, 'status')) },
    owner: text(at(image, 'owner')),
    isProtected: at(image, 'protected') !== false,
    of: text(at(image, 'instance_uuid')),
    marks: (image ?? {}) as Record<string, unknown>,
  }))

/** Snapshots as Cinder lists them. */
export const copiesInSnapshots = (body: unknown): Copy[] =>
  listAt(body, 'snapshots').map((snapshot) => ({
    ...{ id: text(at(snapshot, 'id')), name: text(at(snapshot, 'name')), status: text(at(snapshot, 'status')) },
    owner: text(at(snapshot, 'os-extended-snapshot-attributes:project_id')),
    isProtected: false,
    of: text(at(snapshot, 'volume_id')),
    marks: (at(snapshot, 'metadata') ?? {}) as Record<string, unknown>,
  }))
