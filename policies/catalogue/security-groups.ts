import { z } from 'zod'
import type { Call } from '../../core/call.ts'
import { type ActionSpec, at, define, isGone, listAt } from './entry.ts'
import { Uuid, uuidIn } from './inputs.ts'

const apiRef = 'https://docs.openstack.org/api-ref/network/v2/#'
const groups = { service: 'network', needsRole: 'member' } as const
const Group = z.strictObject({ securityGroupId: Uuid.describe('the security group') })
const RuleInput = z.strictObject({ ruleId: Uuid.describe('the rule') })

const Port = z.int().min(1).max(65_535)
const Rule = Group.extend({
  direction: z.enum(['ingress', 'egress']).default('ingress'),
  etherType: z.enum(['IPv4', 'IPv6']).default('IPv4'),
  protocol: z.enum(['tcp', 'udp', 'icmp', 'ipv6-icmp']).optional().describe('any when left out'),
  fromPort: Port.optional().describe('first port; all when left out'),
  toPort: Port.optional().describe('last port'),
  remoteCidr: z
    .union([z.cidrv4(), z.cidrv6()])
    .optional()
    .describe('from or to these addresses; anywhere when left out'),
  remoteGroupId: Uuid.optional().describe('from or to servers of this security group'),
}).check(({ value: { protocol, fromPort, toPort, remoteCidr, remoteGroupId, etherType }, issues }) => {
  const refuse = (message: string) => issues.push({ code: 'custom', message, input: undefined })
  if ((fromPort === undefined) !== (toPort === undefined)) refuse('give both fromPort and toPort, or neither')
  if (fromPort !== undefined && protocol !== 'tcp' && protocol !== 'udp') refuse('ports need the protocol tcp or udp')
  if (fromPort !== undefined && toPort !== undefined && fromPort > toPort) refuse('fromPort is above toPort')
  if (remoteCidr !== undefined && remoteGroupId !== undefined) refuse('give remoteCidr or remoteGroupId, not both')
  if (remoteCidr !== undefined && remoteCidr.includes(':') !== (etherType === 'IPv6'))
    refuse('remoteCidr is not of etherType')
})
type Rule = z.infer<typeof Rule>

/** A rule as Neutron writes it; what is left out is null there. */
const written = (rule: Rule) => ({
  security_group_id: rule.securityGroupId,
  direction: rule.direction,
  ethertype: rule.etherType,
  protocol: rule.protocol ?? null,
  port_range_min: rule.fromPort ?? null,
  port_range_max: rule.toPort ?? null,
  remote_ip_prefix: rule.remoteCidr ?? null,
  remote_group_id: rule.remoteGroupId ?? null,
})

/** A rule of Neutron as the input that makes it, if it is one of those that can be made here. */
function ruleIn(body: unknown): Rule | undefined {
  const of = (key: string) => at(body, 'security_group_rule', key) ?? undefined
  return Rule.safeParse({
    securityGroupId: of('security_group_id'),
    direction: of('direction'),
    etherType: of('ethertype'),
    protocol: of('protocol'),
    fromPort: of('port_range_min'),
    toPort: of('port_range_max'),
    remoteCidr: of('remote_ip_prefix'),
    remoteGroupId: of('remote_group_id'),
  }).data
}

const call = (method: Call['method'], path: string, body?: Call['body']): Call => ({
  service: 'network',
  method,
  path: `/v2.0/${path}`,
  ...(body && { body }),
})
const groupTarget = ({ securityGroupId }: z.infer<typeof Group>) => [`security-group/${securityGroupId}`]

/** Security groups and their rules. */
export const securityGroups: readonly ActionSpec[] = [
  define({
    ...groups,
    name: 'security-group.allow',
    title: 'Add a rule to a security group',
    see: `${apiRef}create-security-group-rule`,
    input: Rule,
    notes: [
      'The rule holds for every server with the group at once.',
      'The same rule twice answers 409; there are no rules that forbid.',
    ],
    leaves: { '/security_group_rule/id': Uuid },
    calls: (input) => call('POST', 'security-group-rules', { security_group_rule: written(input) }),
    alreadyDone: {
      read: ({ securityGroupId }) => call('GET', `security-groups/${securityGroupId}`),
      when: ({ body }, input) =>
        listAt(body, 'security_group', 'security_group_rules').some((rule) =>
          Object.entries(written(input)).every(([key, value]) => at(rule, key) === value),
        ),
    },
    undo: (_input, { result }) => {
      const ruleId = uuidIn(at(result, 'security_group_rule', 'id'))
      return ruleId === undefined ? undefined : { action: 'security-group.remove-rule', input: { ruleId } }
    },
    targets: groupTarget,
  }),
  define({
    ...groups,
    name: 'security-group.remove-rule',
    title: 'Remove a rule from a security group',
    see: `${apiRef}delete-security-group-rule`,
    input: RuleInput,
    notes: ['Connections that stand may stay until they end.'],
    calls: ({ ruleId }) => call('DELETE', `security-group-rules/${ruleId}`),
    alreadyDone: { read: ({ ruleId }) => call('GET', `security-group-rules/${ruleId}`), when: isGone },
    undo: (_input, { before }) => {
      const input = ruleIn(before)
      return input && { action: 'security-group.allow', input }
    },
    targets: ({ ruleId }) => [`security-group-rule/${ruleId}`],
  }),
  define({
    ...groups,
    name: 'security-group.delete',
    title: 'Delete a security group',
    see: `${apiRef}delete-security-group`,
    input: Group,
    destructive: true,
    notes: ['Refused (409) while a port has it; the group `default` always.'],
    calls: ({ securityGroupId }) => call('DELETE', `security-groups/${securityGroupId}`),
    alreadyDone: {
      read: ({ securityGroupId }) => call('GET', `security-groups/${securityGroupId}`),
      when: isGone,
    },
    targets: groupTarget,
  }),
]
