import { randomUUID } from 'node:crypto'
import { type Answer, field, type Request } from './listener.ts'
import { authenticated, isCaller, microversionOf } from './rights.ts'
import type { World } from './world.ts'

/** A node as Ironic has it in its database; it shows this, and not what the BMC would say. */
export interface Node {
  readonly id: string
  readonly name: string
  power: string | null
  target: string | null
  lastError: string | null
  maintenance: boolean
  /** Until an order has its effect. */
  settleMs: number
  /** Set to have orders fail after they were taken. */
  powerFault?: string | undefined
  pending?: { readonly to: string; readonly atMs: number } | undefined
}

export const newNode = (name: string): Node => ({
  ...{ id: randomUUID(), name, power: 'power on', target: null, lastError: null, maintenance: false, settleMs: 2_000 },
})

/** From this one on it knows `soft power off`. */
const softFrom = 27
const targets: Readonly<Record<string, string>> = {
  'power on': 'power on',
  'power off': 'power off',
  'soft power off': 'power off',
}

/**
 * Ironic's nodes and their power, after its source (api/controllers/v1/node.py, conductor/utils.py).
 *
 * @see https://docs.openstack.org/api-ref/baremetal/#change-node-power-state
 */
export const createIronic = (world: World) => {
  return (request: Request): Answer => {
    const caller = authenticated(world, request)
    if (!isCaller(caller)) return caller
    const { path, method, query, body } = request
    const [, ident, below] = /^\/v1\/nodes\/([^/]+)(\/states\/power)?$/.exec(path) ?? []
    const node = world.nodes.find(({ id, name }) => ident === id || ident === name)
    if (!node || !caller.roles.includes('admin')) return fault(404, `Node ${ident} could not be found.`)
    settle(node, world.now())
    if (below === undefined && method === 'GET') return { status: 200, body: shown(node, query.get('fields')) }
    if (below === undefined || method !== 'PUT') return fault(404, 'Not found')
    const { minor = 1 } = microversionOf(request, 'baremetal') ?? {}
    return order(world, node, field(body, 'target'), { minor, request, userId: caller.user.id })
  }
}

function settle(node: Node, nowMs: number): void {
  if (!node.pending || nowMs < node.pending.atMs) return
  if (node.powerFault === undefined) node.power = node.pending.to
  else node.lastError = `Failed to change power state to '${node.pending.to}': ${node.powerFault}`
  node.target = null
  node.pending = undefined
}

function shown(node: Node, fields: string | null) {
  const all: Record<string, unknown> = {
    ...{ uuid: node.id, name: node.name, power_state: node.power, target_power_state: node.target },
    ...{ last_error: node.lastError, maintenance: node.maintenance, provision_state: 'active' },
  }
  const wanted = fields?.split(',') ?? Object.keys(all)
  return { ...Object.fromEntries(wanted.map((name) => [name, all[name]])), links: [] }
}

interface Order {
  readonly minor: number
  readonly request: Request
  readonly userId: string
}

function order({ now, effects }: World, node: Node, target: unknown, { minor, request, userId }: Order): Answer {
  if (target === 'soft power off' && minor < softFrom) return fault(406, 'Request not acceptable.')
  const to = typeof target === 'string' ? targets[target] : undefined
  if (to === undefined) return fault(400, `The requested action "${target}" can not be performed on node "${node.id}"`)
  if (node.target !== null)
    return fault(
      409,
      `Node ${node.id} is locked by host conductor1, please retry after the current operation is completed.`,
    )
  const sent = request.headers['x-openstack-request-id']
  const sentRequestId = typeof sent === 'string' ? sent : undefined
  effects.push({ kind: `ironic ${target}`, target: node.id, userId, sentRequestId })
  Object.assign(node, { target: to, lastError: null, pending: { to, atMs: now() + node.settleMs } })
  return { status: 202 }
}

/** Its message is JSON in a string, as WSME had it. */
const fault = (status: number, faultstring: string): Answer => ({
  status,
  body: { error_message: JSON.stringify({ faultstring, faultcode: 'Client', debuginfo: null }) },
})
