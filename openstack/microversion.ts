import { z } from 'zod'
import { failure } from '../core/errors.ts'

/** Both ends included: `{ min: '2.1', max: '2.96' }`. */
export interface VersionRange {
  readonly min: string
  readonly max: string
}

/** What services offer, remembered per root for a while. */
export interface Versions {
  /** @returns undefined when the service knows no microversions */
  range(root: string, service: string, read: () => Promise<unknown>): Promise<VersionRange | undefined>
}

const Version = z.object({
  id: z.string(),
  status: z.string().optional(),
  min_version: z.string().nullish(),
  version: z.string().nullish(),
  max_version: z.string().nullish(),
})
const Document = z.union([
  z.object({ version: Version }).transform(({ version }) => [version]),
  z.object({ versions: z.array(Version) }).transform(({ versions }) => versions),
])

/** Remembers ranges for ten minutes, so that an upgrade of the cloud is noticed. A failed look-up is not remembered. */
export function createVersions({
  now = Date.now,
  keepMs = 600_000,
}: {
  now?: () => number
  keepMs?: number
} = {}): Versions {
  const known = new Map<string, { range: VersionRange | undefined; until: number }>()
  return {
    async range(root, service, read) {
      const kept = known.get(root)
      if (kept && now() < kept.until) return kept.range
      const range = parseRange(await read(), root, service)
      known.set(root, { range, until: now() + keepMs })
      return range
    },
  }
}

/** Where a service describes its versions: its endpoint, without the project id some catalogues append. */
export function versionRoot(endpoint: string): string {
  const url = new URL(endpoint)
  const version = /^.*?\/v\d+(\.\d+)?(?=\/|$)/.exec(url.pathname)?.[0]
  url.pathname = `${(version ?? url.pathname).replace(/\/+$/, '')}/`
  return url.href
}

/**
 * Picks the highest microversion that both sides know.
 *
 * @throws MICROVERSION_UNSUPPORTED, with `details.offered` and `details.wanted`
 */
export function chooseMicroversion(service: string, offered: VersionRange | undefined, wanted: VersionRange): string {
  const max = offered && lower(offered.max, wanted.max)
  const isCommon = max !== undefined && compare(max, wanted.min) >= 0 && compare(max, offered?.min ?? max) >= 0
  if (isCommon) return max
  const has = offered ? `${offered.min} to ${offered.max}` : 'no microversions'
  const message = `${service} offers ${has}; ${wanted.min} to ${wanted.max} is needed`
  throw failure('MICROVERSION_UNSUPPORTED', message, { service, offered: offered ?? null, wanted })
}

/** The headers that ask for a microversion; Ironic and Manila read only one of their own. */
export function microversionHeaders(serviceType: string, microversion: string): Record<string, string> {
  switch (serviceType) {
    case 'block-storage':
    case 'block-store':
    case 'volumev3':
    case 'volume':
      return { 'openstack-api-version': `volume ${microversion}` }
    case 'baremetal':
    case 'bare-metal':
      return { 'openstack-api-version': `baremetal ${microversion}`, 'x-openstack-ironic-api-version': microversion }
    case 'shared-file-system':
    case 'sharev2':
      return {
        'openstack-api-version': `shared-file-system ${microversion}`,
        'x-openstack-manila-api-version': microversion,
      }
    default:
      return { 'openstack-api-version': `${serviceType} ${microversion}` }
  }
}

/** Takes the version the root itself is about, else the current one: a root may list v2.0 beside v2.1. */
function parseRange(document: unknown, root: string, service: string): VersionRange | undefined {
  const parsed = Document.safeParse(document)
  if (!parsed.success)
    throw failure('CLOUD_ANSWER_UNREADABLE', `the root of ${service} is no versions document`, { service })
  const segment = new URL(root).pathname.split('/').at(-2)
  const [version] = parsed.data.toSorted((a, b) => rank(b, segment) - rank(a, segment))
  const max = version?.max_version || version?.version
  const min = version?.min_version
  if (!max || !min) return undefined
  if (!isMicroversion(max) || !isMicroversion(min))
    throw failure('CLOUD_ANSWER_UNREADABLE', `${service} offers microversions of an unknown form`, { service })
  return { min, max }
}

function rank({ id, status }: z.infer<typeof Version>, segment: string | undefined): number {
  const isRoots = segment !== undefined && segment !== '' && (id === segment || id === `${segment}.0`)
  return (isRoots ? 2 : 0) + (status === 'CURRENT' ? 1 : 0)
}

function isMicroversion(text: string): boolean {
  return /^\d{1,4}\.\d{1,5}$/.test(text)
}

function compare(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number)
  const [majorB = 0, minorB = 0] = b.split('.').map(Number)
  return majorA - majorB || minorA - minorB
}

function lower(a: string, b: string): string {
  return compare(a, b) <= 0 ? a : b
}
