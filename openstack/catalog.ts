import { z } from 'zod'
import { failure } from '../core/errors.ts'

export type Interface = 'public' | 'internal' | 'admin'

export interface EndpointChoice {
  readonly interface?: Interface
  /** Needed when the catalogue has the service in several regions. */
  readonly region?: string | undefined
}

/** Where the services of one project are, as its token says. */
export interface Catalog {
  /** The service types the catalogue holds, as it spells them. */
  readonly types: readonly string[]
  /** How the catalogue spells a service, or its aliases. */
  spellings(serviceType: string): readonly string[]
  /**
   * Finds the URL of a service, without a trailing slash. Takes official types and the aliases clouds use for them.
   *
   * @throws SERVICE_UNKNOWN when there is none, or several regions and none named; CLOUD_ANSWER_UNREADABLE for a bad URL
   * @see https://service-types.openstack.org/
   */
  endpoint(serviceType: string, choice?: EndpointChoice): string
}

export const CatalogEntries = z.array(
  z.object({
    type: z.string(),
    endpoints: z.array(
      z.object({
        interface: z.string(),
        url: z.string(),
        region: z.string().nullish(),
        region_id: z.string().nullish(),
      }),
    ),
  }),
)
export type CatalogEntries = z.infer<typeof CatalogEntries>

/** Types that mean one API. Older majors (volumev2, share v1) are other APIs, so they stand for themselves only. */
const aliases: readonly (readonly string[])[] = [
  ['compute'],
  ['block-storage', 'volumev3', 'block-store', 'volume'],
  ['image'],
  ['network'],
  ['placement'],
  ['identity'],
  ['orchestration'],
  ['load-balancer'],
  ['baremetal', 'bare-metal'],
  ['baremetal-introspection'],
  ['shared-file-system', 'sharev2'],
  ['object-store'],
  ['key-manager'],
  ['dns'],
  ['alarm', 'alarming'],
  ['metric'],
  ['workflow', 'workflowv2'],
  ['instance-ha', 'ha'],
  ['resource-optimization', 'infra-optim'],
  ['container-infrastructure-management', 'container-infrastructure', 'container-infra'],
  ['application-container', 'container'],
  ['message', 'messaging'],
  ['clustering', 'resource-cluster', 'cluster'],
  ['root-cause-analysis', 'rca'],
  ['reservation'],
  ['database'],
]

/** Reads a catalogue; entries keep the order Keystone gave them. */
export function createCatalog(entries: CatalogEntries): Catalog {
  const types = [...new Set(entries.map(({ type }) => type))]
  const spellings = (serviceType: string) => {
    const names = aliases.find((group) => group.includes(serviceType)) ?? []
    return [...new Set([serviceType, ...names])].filter((name) => types.includes(name))
  }
  return {
    types,
    spellings,
    endpoint(serviceType, { interface: face = 'public', region } = {}) {
      const [type] = spellings(serviceType)
      const faced = entries
        .filter((entry) => entry.type === type)
        .flatMap(({ endpoints }) => endpoints)
        .filter((endpoint) => endpoint.interface.replace(/URL$/, '') === face)
        .map((endpoint) => ({ url: endpoint.url, region: endpoint.region_id ?? endpoint.region ?? '' }))
      const found = faced.filter((endpoint) => region === undefined || endpoint.region === region)
      const [first] = found
      const details = { service: serviceType, interface: face, region }
      if (!first) {
        const where = region === undefined ? '' : ` in region ${region}`
        throw failure('SERVICE_UNKNOWN', `the catalogue has no ${face} endpoint of ${serviceType}${where}`, details)
      }
      const regions = [...new Set(found.map((endpoint) => endpoint.region))]
      if (regions.length > 1) {
        const all = regions.join(', ')
        throw failure('SERVICE_UNKNOWN', `${serviceType} is in several regions, name one of ${all}`, details)
      }
      return checkEndpoint(first.url, serviceType)
    },
  }
}

/**
 * Refuses a path that could lead anywhere but below an endpoint. A query is allowed.
 *
 * @throws PATH_REFUSED
 */
export function checkPath(path: string): void {
  const refuse = (why: string): never => {
    throw failure('PATH_REFUSED', `the path ${why}`, { path: path.slice(0, 200).replace(/[\p{C}\p{Z}]/gu, '?') })
  }
  if (!path.startsWith('/')) refuse('does not begin with /')
  if (/[\p{C}\p{Z}\s]/u.test(path)) refuse('holds whitespace or control characters')
  if (/[#\\]/.test(path)) refuse('holds a fragment or a backslash')

  // services and the proxies before them decode once more than one thinks, so every layer has to be clean
  let layer = path.split('?', 1)[0] ?? ''
  for (let depth = 0; ; depth += 1) {
    if (layer.includes('//')) refuse('has an empty segment')
    if (layer.includes('\\') || /\p{Cc}/u.test(layer)) refuse('holds an encoded backslash or control character')
    // `..;x` is `..` to servers that strip path parameters
    if (layer.split('/').some((segment) => /^\.{1,2}(;|$)/.test(segment))) refuse('has a . or .. segment')
    const decoded = decode(layer)
    if (decoded === undefined && depth === 0) refuse('has a broken percent-encoding')
    if (decoded === undefined || decoded === layer) return
    if (depth === 3) refuse('is percent-encoded too many times')
    layer = decoded
  }
}

/**
 * Puts a path below an endpoint. A version that both end and begin with (`/v2.0`) is written once, because clouds
 * differ in whether the catalogue has it.
 *
 * @throws PATH_REFUSED
 */
export function joinPath(endpoint: string, path: string): string {
  checkPath(path)
  const base = endpoint.replace(/\/+$/, '')
  const version = /\/v\d+(\.\d+)?$/.exec(base)?.[0]
  const isRepeated = version !== undefined && (path === version || path.startsWith(`${version}/`))
  const joined = new URL(base + (isRepeated ? path.slice(version.length) : path))
  if (!isBelow(base, joined)) throw failure('PATH_REFUSED', 'the path leads out of the endpoint', {})
  return joined.href
}

/** Whether a URL has the endpoint's origin and its path, or one below that. */
export function isBelow(endpoint: string, url: URL): boolean {
  const base = new URL(endpoint)
  const prefix = base.pathname.replace(/\/+$/, '')
  const isInside = url.pathname === prefix || url.pathname.startsWith(`${prefix}/`)
  return url.origin === base.origin && isInside && !url.username && !url.password && !url.hash
}

function checkEndpoint(url: string, service: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const isHttp = parsed?.protocol === 'http:' || parsed?.protocol === 'https:'
  if (!parsed || !isHttp || parsed.username || parsed.password || parsed.search || parsed.hash)
    throw failure('CLOUD_ANSWER_UNREADABLE', `the catalogue has no usable URL for ${service}`, { service })
  return parsed.href.replace(/\/+$/, '')
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
