import { describe, expect, it } from 'vitest'
import { type ActionSpec, actionCatalogue } from '../../../policies/catalogue/index.ts'

const namesOf = (is: (spec: ActionSpec) => unknown) => [...actionCatalogue.values()].filter(is).map(({ name }) => name)

describe('what the catalogue promises of its actions', () => {
  it('keeps those apart that must not be made twice', () => {
    expect(namesOf(({ repeatable }) => !repeatable)).toEqual([
      ...['server.reboot', 'server.reset', 'server.resize', 'server.snapshot', 'server.backup', 'server.rebuild'],
      ...['server.live-migrate', 'server.live-migrate-to', 'server.migrate', 'server.migrate-to'],
      ...['volume.attach', 'port.attach', 'server.rescue', 'server.crash-dump'],
      ...['volume.snapshot', 'volume.backup', 'backup.restore', 'backup.restore-new'],
      ...['volume.extend', 'volume.retype', 'volume.revert', 'volume.upload'],
      ...['stack.update', 'stack.snapshot', 'stack.restore-snapshot', 'load-balancer.failover', 'amphora.failover'],
      ...['node.reset', 'node.reboot', 'node.manage', 'node.provide', 'node.inspect'],
      ...['node.rebuild', 'node.undeploy', 'node.unrescue'],
    ])
  })

  it('warns of those that may lose data', () => {
    expect(namesOf(({ destructive }) => destructive)).toEqual([
      ...['server.revert-resize', 'server.backup', 'server.rebuild', 'server.delete', 'server.force-delete'],
      ...['server.crash-dump', 'snapshot.delete', 'backup.delete', 'backup.restore', 'volume.revert', 'volume.delete'],
      ...['image.delete', 'floating-ip.release', 'port.delete', 'security-group.delete'],
      ...['stack.update', 'stack.restore-snapshot', 'stack.delete-snapshot', 'stack.delete'],
      ...['node.provide', 'node.rebuild', 'node.undeploy', 'application-credential.delete'],
    ])
  })

  it('asks for more than a member only where OpenStack does', () => {
    expect(namesOf(({ needsRole }) => needsRole === 'manager')).toEqual([
      ...['server.live-migrate', 'server.abort-live-migration', 'server.force-live-migration', 'server.migrate'],
    ])
    expect(namesOf(({ needsRole }) => needsRole === 'admin')).toEqual([
      ...['server.shelve-offload', 'server.live-migrate-to', 'server.migrate-to', 'server.reset-state'],
      ...['compute-service.disable', 'compute-service.enable', 'volume.reset-status'],
      ...['load-balancer.failover', 'amphora.failover'],
      ...['user.enable', 'user.disable', 'project.enable', 'project.disable', 'role.assign', 'role.unassign'],
    ])
  })

  it('says which ones no delegated token may make', () => {
    expect(namesOf(({ notDelegable }) => notDelegable)).toEqual(['application-credential.delete'])
  })
})
