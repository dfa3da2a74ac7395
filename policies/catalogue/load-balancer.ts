import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, isGone, type Seen } from './entry.ts'
import { Uuid } from './inputs.ts'

const apiRef = 'https://docs.openstack.org/api-ref/load-balancer/v2/#'
const octavia = { service: 'load-balancer', needsRole: 'member' } as const
const busyNote = 'A load balancer in a PENDING status answers 409: one change at a time.'
const Balancer = z.strictObject({ loadBalancerId: Uuid.describe('the load balancer') })
const Amphora = z.strictObject({ amphoraId: Uuid.describe('the amphora') })
const Member = z.strictObject({ poolId: Uuid.describe('its pool'), memberId: Uuid.describe('the member') })
type Member = z.infer<typeof Member>

const call = (method: Call['method'], path: string, body?: Call['body']): Call => ({
  service: 'load-balancer',
  method,
  path: `/v2/${path}`,
  ...(body && { body }),
})
const provisioning = (body: unknown, kind: string) => at(body, kind, 'provisioning_status')
const isSettled = (body: unknown, kind: string) => provisioning(body, kind) === 'ACTIVE'

/** Octavia writes PENDING_UPDATE before it answers. */
const becomesActive = <I>(read: (input: I) => Call, kind: string, typicalSeconds: number) => ({
  read,
  done: ({ body }: Seen) => isSettled(body, kind),
  failed: (seen: Seen) => isGone(seen) || provisioning(seen.body, kind) === 'ERROR',
  typicalSeconds,
  limitSeconds: 1800,
})

const things = {
  loadbalancer: {
    name: 'load-balancer',
    title: 'load balancer',
    below: 'loadbalancers',
    key: 'loadBalancerId',
    anchor: 'update-a-load-balancer',
  },
  listener: { name: 'listener', title: 'listener', below: 'listeners', key: 'listenerId', anchor: 'update-a-listener' },
  pool: { name: 'pool', title: 'pool', below: 'pools', key: 'poolId', anchor: 'update-a-pool' },
} as const

function administer(kind: keyof typeof things, up: boolean): ActionSpec {
  const { name, title, below, key, anchor } = things[kind]
  const path = (input: Record<string, string>) => `lbaas/${below}/${input[key] ?? ''}`
  const isUp = (body: unknown) => at(body, kind, 'admin_state_up')
  const read = (input: Record<string, string>) => call('GET', path(input))
  return define({
    ...octavia,
    name: `${name}.${up ? 'up' : 'down'}`,
    title: `Turn a ${title} ${up ? 'on' : 'off'}`,
    see: apiRef + anchor,
    input: z.strictObject({ [key]: Uuid.describe(`the ${title}`) }),
    notes: up ? [busyNote] : [busyNote, 'Connections that stand are cut.'],
    calls: (input) => call('PUT', path(input), { [kind]: { admin_state_up: up } }),
    alreadyDone: { read, when: ({ body }) => isUp(body) === up && isSettled(body, kind) },
    waitFor: becomesActive(read, kind, 15),
    undo: (input, { before }) =>
      isUp(before) === !up ? { action: `${name}.${up ? 'down' : 'up'}`, input } : undefined,
    targets: (input) => [`${name}/${input[key] ?? ''}`],
  })
}

const memberPath = ({ poolId, memberId }: Member) => `lbaas/pools/${poolId}/members/${memberId}`
const showMember = (input: Member) => call('GET', memberPath(input))
const Weight = z.int().min(0).max(256)
const weightOf = (body: unknown) => Weight.safeParse(at(body, 'member', 'weight')).data

/** The load balancer is what cannot take two changes at once, but only Octavia knows which one a pool has. */
const memberTarget = ({ poolId }: Member) => [`pool/${poolId}`]
const undoWeight = ({ poolId, memberId }: Member, { before }: { before?: unknown }) => {
  const weight = weightOf(before)
  return weight === undefined ? undefined : { action: 'member.set-weight', input: { poolId, memberId, weight } }
}
const member = (
  name: string,
  title: string,
  notes: readonly string[],
  set: { readonly weight: number } | { readonly admin_state_up: boolean },
) => {
  const isSet = (body: unknown) => Object.entries(set).every(([key, value]) => at(body, 'member', key) === value)
  const back = 'admin_state_up' in set && { true: 'member.down', false: 'member.up' }[`${set.admin_state_up}`]
  return define({
    ...octavia,
    name,
    title,
    see: `${apiRef}update-a-member`,
    input: Member,
    notes: [busyNote, ...notes],
    calls: (input) => call('PUT', memberPath(input), { member: set }),
    alreadyDone: { read: showMember, when: ({ body }) => isSet(body) && isSettled(body, 'member') },
    waitFor: becomesActive(showMember, 'member', 10),
    undo: (input, known) => {
      if (!back) return undoWeight(input, known)
      const wasUp = at(known.before, 'member', 'admin_state_up')
      return typeof wasUp === 'boolean' && !isSet(known.before) ? { action: back, input } : undefined
    },
    targets: memberTarget,
  })
}

/** Octavia. */
export const loadBalancer: readonly ActionSpec[] = [
  ...(['loadbalancer', 'listener', 'pool'] as const).flatMap((kind) => [
    administer(kind, true),
    administer(kind, false),
  ]),
  define({
    ...octavia,
    name: 'load-balancer.failover',
    title: 'Replace the machines of a load balancer by new ones',
    see: `${apiRef}failover-a-load-balancer`,
    input: Balancer,
    needsRole: 'admin',
    repeatable: false,
    notes: [
      busyNote,
      'With the topology SINGLE it is away for the time a new machine needs.',
      'Not every provider can.',
    ],
    calls: ({ loadBalancerId }) => call('PUT', `lbaas/loadbalancers/${loadBalancerId}/failover`),
    waitFor: becomesActive(
      ({ loadBalancerId }: z.infer<typeof Balancer>) => call('GET', `lbaas/loadbalancers/${loadBalancerId}`),
      'loadbalancer',
      300,
    ),
    targets: ({ loadBalancerId }) => [`load-balancer/${loadBalancerId}`],
  }),
  define({
    ...octavia,
    name: 'amphora.failover',
    title: 'Replace one machine of a load balancer by a new one',
    see: `${apiRef}failover-amphora`,
    input: Amphora,
    needsRole: 'admin',
    repeatable: false,
    notes: [busyNote, 'The new machine has another id, so the end shows in the load balancer only.'],
    calls: ({ amphoraId }) => call('PUT', `octavia/amphorae/${amphoraId}/failover`),
    targets: ({ amphoraId }) => [`amphora/${amphoraId}`],
  }),
  member(
    'member.drain',
    'Give a member of a pool no new connections',
    ['Connections that stand go on; its operating status becomes DRAINING.'],
    { weight: 0 },
  ),
  define({
    ...octavia,
    name: 'member.set-weight',
    title: 'Set the share of a member in the work of its pool',
    see: `${apiRef}update-a-member`,
    input: Member.extend({ weight: Weight.describe('0 drains it; 1 is usual') }),
    notes: [busyNote],
    calls: (input) => call('PUT', memberPath(input), { member: { weight: input.weight } }),
    alreadyDone: {
      read: showMember,
      when: ({ body }, { weight }) => weightOf(body) === weight && isSettled(body, 'member'),
    },
    waitFor: becomesActive(showMember, 'member', 10),
    undo: undoWeight,
    targets: memberTarget,
  }),
  member('member.up', 'Turn a member of a pool on', [], { admin_state_up: true }),
  member('member.down', 'Turn a member of a pool off', ['Its connections are cut; `member.drain` lets them end.'], {
    admin_state_up: false,
  }),
]
