import { describe, expect, it } from 'vitest'
import { actionNamed, type Known } from '../../../policies/catalogue/index.ts'
import { examples, id } from './examples.ts'
import { type Answer, attached, flavor, gone, power, seenIn, server, stack, volume } from './states.ts'

const network = (kind: string, more: object) => ({ [kind]: more })
const settled: [name: string, nothingToDo: Answer[], needed: Answer[]][] = [
  [
    'server.stop',
    [server('SHUTOFF')],
    [server('ACTIVE'), server('SHUTOFF', 'powering-on'), gone, { server: { status: 'SHUTOFF' } }],
  ],
  ['server.start', [server('ACTIVE')], [server('SHUTOFF'), server('ACTIVE', 'powering-off')]],
  ['server.reboot', [], [server('ACTIVE')]],
  ['server.shelve', [server('SHELVED'), server('SHELVED_OFFLOADED')], [server('ACTIVE')]],
  ['server.resize', [server('ACTIVE', null, flavor('m1.large'))], [server('ACTIVE', null, flavor('m1.small'))]],
  ['server.rename', [server('ACTIVE', null, { name: 'nightly' })], [server('ACTIVE', null, { name: 'x' })]],
  [
    'server.lock',
    [server('ACTIVE', null, { locked: true })],
    [server('ACTIVE', null, { locked: false }), server('ACTIVE')],
  ],
  [
    'server.unlock',
    [server('ACTIVE', null, { locked: false })],
    [server('ACTIVE', null, { locked: true }), server('ACTIVE')],
  ],
  ['server.delete', [gone, server('SOFT_DELETED')], [server('ACTIVE')]],
  ['server.live-migrate', [], [server('ACTIVE', null, { hostId: 'a' })]],
  [
    'compute-service.disable',
    [{ services: [{ id: id.service, status: 'disabled' }] }],
    [{ services: [{ id: id.volume, status: 'disabled' }] }],
  ],
  ['volume.attach', [volume('in-use', attached)], [volume('available'), volume('detaching', attached)]],
  ['volume.detach', [volume('available')], [volume('in-use', attached), gone]],
  [
    'volume.extend',
    [volume('in-use', { size: 20 })],
    [volume('available', { size: 30 }), volume('extending', { size: 20 })],
  ],
  ['port.attach', [{ interfaceAttachment: { port_id: id.port } }], [{ interfaceAttachment: {} }, gone]],
  ['server.remove-security-group', [{ security_groups: [] }], [{ security_groups: [{ id: id.group }] }, {}, gone]],
  ['image.deactivate', [{ status: 'deactivated' }], [{ status: 'active' }]],
  ['floating-ip.associate', [network('floatingip', { port_id: id.port })], [network('floatingip', { port_id: null })]],
  [
    'floating-ip.disassociate',
    [network('floatingip', { port_id: null })],
    [network('floatingip', { port_id: id.port }), {}],
  ],
  ['router.down', [network('router', { admin_state_up: false })], [network('router', { admin_state_up: true }), {}]],
  ['router.clear-gateway', [network('router', { external_gateway_info: null })], [{ router: {} }]],
  [
    'port.set-security-groups',
    [network('port', { security_groups: [id.group] })],
    [network('port', { security_groups: [id.group, id.rule] }), network('port', { security_groups: [] })],
  ],
  ['stack.suspend', [stack('SUSPEND_COMPLETE')], [stack('RESUME_COMPLETE'), stack('SUSPEND_FAILED')]],
  ['stack.check', [], [stack('CHECK_COMPLETE')]],
  [
    'member.drain',
    [{ member: { weight: 0, provisioning_status: 'ACTIVE' } }],
    [
      { member: { weight: 0, provisioning_status: 'PENDING_UPDATE' } },
      { member: { weight: 1, provisioning_status: 'ACTIVE' } },
    ],
  ],
  [
    'load-balancer.down',
    [{ loadbalancer: { admin_state_up: false, provisioning_status: 'ACTIVE' } }],
    [
      { loadbalancer: { admin_state_up: false, provisioning_status: 'PENDING_UPDATE' } },
      { loadbalancer: { admin_state_up: true, provisioning_status: 'ACTIVE' } },
    ],
  ],
  ['node.power-off', [power('power off')], [power('power on'), power('power off', 'power on')]],
  ['node.reset', [], [power('power on')]],
  ['user.disable', [{ user: { enabled: false } }], [{ user: { enabled: true } }, { user: {} }]],
  ['role.unassign', [{ roles: [] }], [{ roles: [{ id: id.role }] }, {}, gone]],
  ['role.assign', [{ roles: [{ id: id.role }] }], [{ roles: [] }]],
]

describe('what is written on a copy', () => {
  const marks = { steward_of: 'x' }
  it.each([
    ['server.snapshot', { serverId: id.server, name: 'n', marks }, { createImage: { name: 'n', metadata: marks } }],
    [
      'volume.snapshot',
      { volumeId: id.volume, name: 'n', marks },
      { snapshot: { volume_id: id.volume, name: 'n', force: true, metadata: marks } },
    ],
  ])('goes along with %s', (name, input, body) => {
    expect(actionNamed(name).calls(input)).toMatchObject({ body })
  })
})

describe('a look before the call', () => {
  it.each(settled)('of %s tells whether there is anything left to do', (name, nothingToDo, needed) => {
    const { alreadyDone } = actionNamed(name)
    const tell = (answer: Answer) =>
      alreadyDone?.when(seenIn(answer), examples[name]?.[0]) ? 'nothing to do' : 'needed'
    expect(nothingToDo.map(tell)).toEqual(nothingToDo.map(() => 'nothing to do'))
    expect(needed.map(tell)).toEqual(needed.map(() => 'needed'))
  })
})

const undone: [name: string, known: Known, back: string | undefined, input?: object][] = [
  ['server.stop', { before: server('ACTIVE') }, 'server.start', { serverId: id.server }],
  ['server.stop', { before: server('SHUTOFF') }, undefined],
  ['server.stop', { before: server('ERROR') }, undefined],
  ['server.shelve', { before: server('ACTIVE') }, 'server.unshelve'],
  ['server.shelve', { before: server('SHUTOFF') }, undefined],
  ['server.resize', {}, 'server.revert-resize'],
  ['server.snapshot', { result: { image_id: id.image } }, 'image.delete', { imageId: id.image }],
  ['server.snapshot', { result: { image_id: '../x' } }, undefined],
  [
    'server.rename',
    { before: server('ACTIVE', null, { name: 'old' }) },
    'server.rename',
    { serverId: id.server, name: 'old' },
  ],
  ['server.lock', { before: server('ACTIVE', null, { locked: true }) }, undefined],
  ['volume.detach', { before: volume('in-use', attached) }, 'volume.attach'],
  [
    'volume.retype',
    { before: volume('available', { volume_type: 'slow' }) },
    'volume.retype',
    { volumeId: id.volume, type: 'slow', mayMove: false },
  ],
  [
    'floating-ip.associate',
    { before: network('floatingip', { port_id: id.router }) },
    'floating-ip.associate',
    { floatingIpId: id.floatingIp, portId: id.router },
  ],
  ['floating-ip.associate', { before: network('floatingip', { port_id: null }) }, 'floating-ip.disassociate'],
  ['floating-ip.associate', { before: {} }, undefined],
  ['router.set-gateway', { before: { router: {} } }, undefined],
  ['router.set-gateway', { before: network('router', { external_gateway_info: null }) }, 'router.clear-gateway'],
  ['router.down', { before: network('router', { admin_state_up: true }) }, 'router.up', { routerId: id.router }],
  ['router.down', { before: network('router', { admin_state_up: false }) }, undefined],
  [
    'port.set-security-groups',
    { before: network('port', { security_groups: [id.rule] }) },
    'port.set-security-groups',
    { portId: id.port, securityGroupIds: [id.rule] },
  ],
  [
    'member.drain',
    { before: { member: { weight: 3 } } },
    'member.set-weight',
    { poolId: id.pool, memberId: id.member, weight: 3 },
  ],
  ['member.down', { before: { member: { admin_state_up: true } } }, 'member.up'],
  ['member.down', { before: { member: { admin_state_up: false } } }, undefined],
  ['node.power-on', { before: power('power off') }, 'node.power-off'],
  ['node.power-on', { before: power('error') }, undefined],
  ['user.disable', { before: { user: { enabled: true } } }, 'user.enable'],
  ['role.assign', { before: { roles: [] } }, 'role.unassign'],
  ['role.assign', { before: { roles: [{ id: id.role }] } }, undefined],
  [
    'security-group.remove-rule',
    {
      before: {
        security_group_rule: {
          ...{ security_group_id: id.group, direction: 'ingress', ethertype: 'IPv4', protocol: 'tcp' },
          ...{ port_range_min: 22, port_range_max: 22, remote_ip_prefix: '10.0.0.0/8', remote_group_id: null },
        },
      },
    },
    'security-group.allow',
  ],
  ['security-group.remove-rule', { before: { security_group_rule: { protocol: 'vrrp' } } }, undefined],
]

describe('the way back', () => {
  it.each(undone)('from %s with %j is %s', (name, known, back, input) => {
    const reference = actionNamed(name).undo?.(examples[name]?.[0], known)
    expect(reference?.action).toBe(back)
    if (input) expect(reference?.input).toEqual(input)
    if (reference) actionNamed(reference.action).calls(reference.input)
  })
})

describe('inputs that contradict themselves', () => {
  const rule = { securityGroupId: id.group }
  it.each([
    ['ports without a protocol that has them', { ...rule, fromPort: 22, toPort: 22 }],
    ['one port of two', { ...rule, protocol: 'tcp', fromPort: 22 }],
    ['ports the wrong way round', { ...rule, protocol: 'tcp', fromPort: 23, toPort: 22 }],
    ['addresses and a group', { ...rule, remoteCidr: '10.0.0.0/8', remoteGroupId: id.group }],
    ['addresses of the other family', { ...rule, remoteCidr: 'fe80::/10' }],
  ])('are refused: %s', (_what, input) => {
    expect(() => actionNamed('security-group.allow').calls(input)).toThrow(/security-group\.allow: /)
  })
})

describe('what a choice in the input changes', () => {
  it('rebuilds a volume only when told to', () => {
    const call = actionNamed('server.rebuild').calls({ serverId: id.server, imageId: id.image, replaceVolume: true })
    expect(call.microversion).toBe('2.93')
  })

  it('locks with a reason where Nova keeps one', () => {
    const call = actionNamed('server.lock').calls({ serverId: id.server, reason: 'audit' })
    expect(call).toMatchObject({ body: { lock: { locked_reason: 'audit' } }, microversion: '2.73' })
  })

  it('moves the data of a volume only when told to', () => {
    const call = actionNamed('volume.retype').calls({ volumeId: id.volume, type: 'fast', mayMove: true })
    expect(call.body).toEqual({ 'os-retype': { new_type: 'fast', migration_policy: 'on-demand' } })
  })
})
