import { lookup as lookUp } from 'node:dns/promises'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { failure } from '../../core/errors.ts'
import type { HttpConfig } from '../../core/http-call.ts'
import { refusalOfUrl } from '../../core/receiver.ts'

/** An address a name leads to. */
export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** A way out that has been checked: connecting goes to these addresses, whatever the name leads to meanwhile. */
export interface Passage {
  readonly host: string
  readonly addresses: readonly Address[]
  readonly lookup: LookupFunction
}

const resolveTimeoutMs = 5_000

/**
 * Not for everybody: IANA's special-purpose registries, multicast and what is reserved.
 *
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry
 */
const special = listOf([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
])
/** Of IPv6 only 2000::/3 is in use; mapped IPv4, NAT64, ULA, link-local and multicast all lie outside. */
const global6 = listOf(['2000::/3'])
/** Teredo, ORCHID, documentation, 6to4: they lead elsewhere than they look, or nowhere. */
const special6 = listOf(['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'])
/** Opened by a range only, never by a name: whoever answers for the name would read the secrets of this machine's cloud. */
const neverByName4 = listOf([
  ...['0.0.0.0/8', '169.254.0.0/16', '100.100.100.200/32', '192.0.0.192/32', '224.0.0.0/4', '240.0.0.0/4'],
])
const neverByName6 = listOf([
  ...['::/128', 'fe80::/10', 'fd00:ec2::254/128', 'fd20:ce::254/128', 'ff00::/8', '::ffff:0:0/96', '64:ff9b::/96'],
])

/**
 * Says where HTTP calls of runbooks may go. A name is resolved once, all it leads to is judged, and what was judged is what
 * is connected to. One bad address among good ones refuses all: that is what a name under attack looks like.
 *
 * The function throws ADDRESS_REFUSED, or ENDPOINT_UNREACHABLE (retried) when the name leads nowhere at the moment.
 */
export function createEgress(
  { allow, allowHttp, ports }: Pick<HttpConfig, 'allow' | 'allowHttp' | 'ports'>,
  resolve: (host: string) => Promise<readonly Address[]> = resolveAll,
): (url: string) => Promise<Passage> {
  const ranges = listOf(allow.filter(isRange))
  const names = new Set(allow.filter((entry) => !isRange(entry)))
  const isAllowed = (one: Address, host: string) =>
    isPublic(one) ||
    isIn(ranges, one) ||
    (names.has(host) && !isIn(one.family === 4 ? neverByName4 : neverByName6, one))

  return async (url) => {
    const refusal = refusalOfUrl(url, allowHttp)
    if (refusal !== undefined) throw refused(`the url ${refusal}`)
    const { hostname, port, protocol } = new URL(url)
    const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
    const at = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
    if (!ports.includes(at)) throw refused(`port ${at} of ${host} is not in http.ports of steward.yaml`, host)
    const family = isIP(host)
    const addresses = family === 0 ? await resolve(host) : [{ address: host, family: family as 4 | 6 }]
    const bad = addresses.find((one) => !isAllowed(one, host))
    if (bad)
      throw refused(
        `${host} leads to ${bad.address}, which is not public; if it may be called, list it in http.allow of steward.yaml`,
        host,
      )
    return { host, addresses, lookup: pinnedTo(addresses) }
  }
}

const isRange = (entry: string) => entry.includes('/') || isIP(entry) !== 0

const isPublic = (one: Address) => (one.family === 4 ? !isIn(special, one) : isIn(global6, one) && !isIn(special6, one))

/** An address with a zone is on a link of this machine. */
const isIn = (list: BlockList, { address, family }: Address) =>
  !address.includes('%') && list.check(address, family === 4 ? 'ipv4' : 'ipv6')

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [net = '', bits] = range.split('/')
    const family = isIPv6(net) ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(net, family)
    else list.addSubnet(net, Number(bits), family)
  }
  return list
}

/** Answers every question with what has been checked. */
const pinnedTo =
  (addresses: readonly Address[]): LookupFunction =>
  (_host, options, answer) => {
    const wanted = addresses.filter(({ family }) => !options.family || options.family === family)
    const [first] = wanted
    if (options.all) answer(null, [...wanted])
    else answer(null, first?.address ?? '', first?.family)
  }

async function resolveAll(host: string): Promise<Address[]> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject({ code: 'ETIMEOUT' }), resolveTimeoutMs)
  })
  try {
    return (await Promise.race([lookUp(host, { all: true }), late])) as Address[]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw failure('ENDPOINT_UNREACHABLE', `the name ${host} leads nowhere at the moment: ${code}`, {
      host,
      reason: code,
    })
  } finally {
    clearTimeout(timer)
  }
}

const refused = (why: string, host?: string) => failure('ADDRESS_REFUSED', `not called: ${why}`, host ? { host } : {})
