import { describe, expect, it } from 'vitest'
import { actionNamed, type Known } from '../../../policies/catalogue/index.ts'
import { examples, id } from './examples.ts'
import { type Answer, attached, flavor, gone, power, provision, seenIn, server, stack, volume } from './states.ts'

/** In the order in which a service says them. */
const waits: [name: string, underWay: Answer[], done: Answer[], failed: Answer[], known?: Known][] = [
  ['server.stop', [server('ACTIVE', 'powering-off')], [server('SHUTOFF')], [server('ACTIVE'), server('ERROR'), gone]],
  ['server.start', [server('SHUTOFF', 'powering-on')], [server('ACTIVE')], [server('SHUTOFF'), server('ERROR')]],
  ['server.pause', [server('ACTIVE', 'pausing')], [server('PAUSED')], [server('ACTIVE')]],
  ['server.suspend', [server('ACTIVE', 'suspending')], [server('SUSPENDED')], [server('ACTIVE')]],
  ['server.reboot', [server('REBOOT', 'rebooting')], [server('ACTIVE')], [server('ERROR'), server('SHUTOFF')]],
  ['server.reset', [server('HARD_REBOOT', 'reboot_started_hard')], [server('ACTIVE')], [server('ERROR')]],
  [
    'server.shelve',
    [server('ACTIVE', 'shelving_image_uploading'), server('SHELVED', 'shelving_offloading')],
    [server('SHELVED'), server('SHELVED_OFFLOADED')],
    [server('ACTIVE'), server('ERROR')],
  ],
  [
    'server.unshelve',
    [server('SHELVED_OFFLOADED', 'spawning')],
    [server('ACTIVE')],
    [server('SHELVED_OFFLOADED'), server('SHELVED')],
  ],
  [
    'server.resize',
    [server('RESIZE', 'resize_migrating', flavor('m1.small')), server('VERIFY_RESIZE', 'x', flavor('m1.large'))],
    [server('VERIFY_RESIZE', null, flavor('m1.large')), server('ACTIVE', null, flavor('m1.large'))],
    [server('ACTIVE', null, flavor('m1.small')), server('ERROR', null, flavor('m1.large'))],
  ],
  ['server.confirm-resize', [server('VERIFY_RESIZE')], [server('ACTIVE'), server('SHUTOFF')], [server('ERROR')]],
  [
    'server.revert-resize',
    [server('REVERT_RESIZE', 'resize_reverting')],
    [server('ACTIVE')],
    [server('VERIFY_RESIZE')],
  ],
  ['server.rebuild', [server('REBUILD', 'rebuilding')], [server('ACTIVE'), server('SHUTOFF')], [server('ERROR')]],
  ['server.rescue', [server('ACTIVE', 'rescuing')], [server('RESCUE')], [server('ACTIVE')]],
  ['server.delete', [server('ACTIVE', 'deleting')], [gone, server('SOFT_DELETED')], [server('ERROR')]],
  ['server.force-delete', [server('SOFT_DELETED', 'deleting'), server('SOFT_DELETED')], [gone], [server('ERROR')]],
  [
    'server.live-migrate',
    [server('MIGRATING', 'migrating', { hostId: 'a' })],
    [server('ACTIVE', null, { hostId: 'b' }), server('PAUSED', null, { hostId: 'b' })],
    [server('ACTIVE', null, { hostId: 'a' }), server('ERROR', null, { hostId: 'b' })],
    { before: server('ACTIVE', null, { hostId: 'a' }) },
  ],
  [
    'server.live-migrate-to',
    [server('MIGRATING', 'migrating', { 'OS-EXT-SRV-ATTR:host': 'cmp-1' })],
    [server('ACTIVE', null, { 'OS-EXT-SRV-ATTR:host': 'cmp-2' })],
    [server('ACTIVE', null, { 'OS-EXT-SRV-ATTR:host': 'cmp-1' })],
    { before: server('ACTIVE', null, { 'OS-EXT-SRV-ATTR:host': 'cmp-1' }) },
  ],
  ['server.migrate', [server('RESIZE', 'resize_migrating')], [server('VERIFY_RESIZE')], [server('ACTIVE')]],
  [
    'volume.attach',
    [volume('reserved'), volume('attaching')],
    [volume('in-use', attached)],
    [volume('available'), gone],
  ],
  ['volume.detach', [volume('detaching', attached)], [volume('available'), gone], [volume('in-use', attached)]],
  ['volume.extend', [volume('extending', { size: 10 })], [volume('in-use', { size: 20 })], [volume('error_extending')]],
  ['volume.retype', [volume('retyping')], [volume('available', { volume_type: 'fast' })], [volume('in-use')]],
  ['volume.revert', [volume('reverting')], [volume('available')], [volume('error')]],
  ['volume.delete', [volume('deleting')], [gone], [volume('error_deleting'), volume('available')]],
  ['backup.restore', [volume('restoring-backup')], [volume('available')], [volume('error_restoring')]],
  [
    'volume.backup',
    [{ backup: { status: 'creating' } }],
    [{ backup: { status: 'available' } }],
    [{ backup: { status: 'error' } }, gone],
  ],
  [
    'volume.snapshot',
    [{ snapshot: { status: 'creating' } }],
    [{ snapshot: { status: 'available' } }],
    [{ snapshot: { status: 'error' } }],
  ],
  [
    'server.snapshot',
    [{ status: 'queued' }, { status: 'saving' }],
    [{ status: 'active' }],
    [{ status: 'killed' }, gone],
  ],
  ['stack.suspend', [stack('SUSPEND_IN_PROGRESS')], [stack('SUSPEND_COMPLETE')], [stack('SUSPEND_FAILED'), gone]],
  [
    'stack.update',
    [stack('UPDATE_IN_PROGRESS'), stack('ROLLBACK_IN_PROGRESS')],
    [stack('UPDATE_COMPLETE')],
    [stack('UPDATE_FAILED'), stack('ROLLBACK_COMPLETE')],
  ],
  [
    'stack.cancel-update',
    [stack('UPDATE_IN_PROGRESS')],
    [stack('ROLLBACK_COMPLETE')],
    [stack('ROLLBACK_FAILED'), stack('UPDATE_COMPLETE')],
  ],
  ['stack.delete', [stack('DELETE_IN_PROGRESS')], [stack('DELETE_COMPLETE'), gone], [stack('DELETE_FAILED')]],
  [
    'stack.snapshot',
    [{ snapshot: { status: 'IN_PROGRESS' } }],
    [{ snapshot: { status: 'COMPLETE' } }],
    [{ snapshot: { status: 'FAILED' } }],
  ],
  [
    'load-balancer.failover',
    [{ loadbalancer: { provisioning_status: 'PENDING_UPDATE' } }],
    [{ loadbalancer: { provisioning_status: 'ACTIVE' } }],
    [{ loadbalancer: { provisioning_status: 'ERROR' } }, gone],
  ],
  [
    'member.drain',
    [{ member: { provisioning_status: 'PENDING_UPDATE' } }],
    [{ member: { provisioning_status: 'ACTIVE' } }],
    [{ member: { provisioning_status: 'ERROR' } }],
  ],
  [
    'node.power-on',
    [power('power off', 'power on')],
    [power('power on')],
    [power('power off', null, 'BMC is away'), power('power off'), gone],
  ],
  ['node.shut-down', [power('power on', 'power off')], [power('power off')], [power('power on', null, 'timeout')]],
  ['node.reset', [power('power on', 'power on')], [power('power on')], [power('power on', null, 'BMC is away')]],
  ['node.manage', [provision('verifying', 'manageable')], [provision('manageable')], [provision('enroll')]],
  [
    'node.provide',
    [provision('cleaning', 'available'), provision('clean wait', 'available')],
    [provision('available')],
    [provision('clean failed', 'available')],
  ],
  [
    'node.rebuild',
    [provision('deploying', 'active'), provision('wait call-back', 'active')],
    [provision('active')],
    [provision('deploy failed', 'active')],
  ],
]

describe('the end of the work behind a call', () => {
  it.each(waits)(
    'of %s is told from what comes before, and from a failure',
    (name, underWay, done, failed, known = {}) => {
      const { waitFor } = actionNamed(name)
      const input = examples[name]?.[0]
      const tell = (answer: Answer) =>
        waitFor?.done(seenIn(answer), input, known)
          ? 'done'
          : waitFor?.failed(seenIn(answer), input, known)
            ? 'failed'
            : 'under way'
      expect(underWay.map(tell)).toEqual(underWay.map(() => 'under way'))
      expect(done.map(tell)).toEqual(done.map(() => 'done'))
      expect(failed.map(tell)).toEqual(failed.map(() => 'failed'))
    },
  )

  it('of a live migration is not guessed when nobody looked where the server was', () => {
    const { waitFor } = actionNamed('server.live-migrate')
    const seen = { status: 200, body: server('ACTIVE', null, { hostId: 'a' }) }
    const input = { serverId: id.server }
    expect([waitFor?.done(seen, input, {}), waitFor?.failed(seen, input, {})]).toEqual([false, false])
  })

  it.each([
    ['server.snapshot', { image_id: id.image }, `/v2/images/${id.image}`],
    ['volume.snapshot', { snapshot: { id: id.snapshot } }, `/snapshots/${id.snapshot}`],
    ['volume.backup', { backup: { id: id.backup } }, `/backups/${id.backup}`],
    ['backup.restore-new', { restore: { volume_id: id.volume } }, `/volumes/${id.volume}`],
    ['volume.upload', { 'os-volume_upload_image': { image_id: id.image } }, `/v2/images/${id.image}`],
    ['stack.snapshot', { snapshot: { id: id.snapshot } }, `/stacks/web-1/${id.stack}/snapshots/${id.snapshot}`],
  ])('of %s is looked for where the answer says, and nowhere if it says nothing sensible', (name, result, path) => {
    const { waitFor } = actionNamed(name)
    const input = examples[name]?.[0]
    expect(waitFor?.read(input, { result })?.path).toBe(path)
    const twisted = JSON.parse(JSON.stringify(result).replace(/"([^"]{36})"/, '"../$1"'))
    for (const bad of [undefined, null, {}, twisted]) expect(waitFor?.read(input, { result: bad })).toBeUndefined()
  })
})
