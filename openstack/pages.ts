import { failure } from '../core/errors.ts'
import { isBelow } from './catalog.ts'

export interface Page {
  readonly url: string
  readonly endpoint: string
  readonly body: unknown
}

export interface PageSource {
  readonly service: string
  /** The name of the list: `servers`. */
  readonly key: string
  readonly first: () => Promise<Page>
  readonly next: (url: string) => Promise<Page>
}

/** More pages than this is a service that links in circles. */
const mostPages = 1000

/**
 * Follows the links of a list to its end.
 *
 * @throws CLOUD_ANSWER_UNREADABLE when a link leaves the endpoint, leads back to its own page, or pages do not end
 * @see https://specs.openstack.org/openstack/api-sig/guidelines/pagination_filter_sort.html
 */
export async function* pagesOf({ service, key, first, next }: PageSource): AsyncGenerator<Page, void, undefined> {
  let page = await first()
  for (let count = 1; ; count += 1) {
    yield page
    const link = nextLink(page.body, key)
    if (link === undefined) return
    const refuse = (why: string) =>
      failure('CLOUD_ANSWER_UNREADABLE', `a page of ${key} of ${service} ${why}`, { service })
    if (count === mostPages) throw refuse(`follows after ${mostPages} others`)
    const url = resolve(link, page)
    if (url === undefined) throw refuse('links out of the endpoint')
    if (url === page.url) throw refuse('links to itself')
    page = await next(url)
  }
}

/** The forms in use: `servers_links: [{rel, href}]`, `links: [{rel, href}]`, `links: {next}` and `next`. */
function nextLink(body: unknown, key: string): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const fields = body as Record<string, unknown>
  for (const links of [fields[`${key}_links`], fields.links, fields]) {
    const link = Array.isArray(links) ? links.find((each) => field(each, 'rel') === 'next') : links
    const href = field(link, Array.isArray(links) ? 'href' : 'next')
    if (typeof href === 'string' && href) return href
  }
  return undefined
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** Where a link leads, if that is below the endpoint. */
function resolve(link: string, { url, endpoint }: Page): string | undefined {
  if (!URL.canParse(link, url)) return undefined
  const target = new URL(link, url)
  const base = new URL(endpoint)
  // behind a TLS proxy many services write http links; the host must still be ours, and the request goes by our scheme
  if (/^https?:$/.test(target.protocol) && target.host === base.host) target.protocol = base.protocol
  return isBelow(endpoint, target) ? target.href : undefined
}
