"""The hosts' virt driver: Nova's own fake driver, made to outlive its process and to fail on demand.

Everything around it (API, databases, messages, scheduler, Placement,
notifications, logs) is unmodified Nova. This file adds to nova.virt.fake:

* a host's size comes from its configuration file;
* guests survive a restart of nova-compute, as they do on a real hypervisor
  where only the service restarts: they are kept in guests.json below state_path
  (Nova's other fake drivers refuse to start a second time on a host);
* a snapshot of a server uploads an image;
* a live migration takes time, can be aborted and forced to complete, and takes
  the guest away from its source;
* faults on demand from faults.json below state_path, read at each operation:
  {"live_migration": "message", "delay": {"spawn": 5}}.
"""
import functools
import io
import json
import os
import time

from oslo_config import cfg
from oslo_log import log as logging

from nova import exception
from nova.image import glance
from nova.virt import fake

LOG = logging.getLogger(__name__)
CONF = cfg.CONF
CONF.register_opts([
    cfg.IntOpt('vcpus', default=8),
    cfg.IntOpt('memory_mb', default=8192),
    cfg.IntOpt('local_gb', default=100),
    cfg.FloatOpt('live_migration_seconds', default=1.0),
], group='testcloud_fake')


def _state_file(name):
    return os.path.join(CONF.state_path, name)


def _injected_fault(operation):
    """Wait and fail as faults.json says."""
    try:
        with open(_state_file('faults.json')) as file:
            faults = json.load(file)
    except FileNotFoundError:
        return
    time.sleep(faults.get('delay', {}).get(operation, 0))
    if operation in faults:
        raise exception.NovaException(f'{operation}: {faults[operation]}')


def _faulty_and_kept(method):
    @functools.wraps(method)
    def wrapper(self, *args, **kwargs):
        _injected_fault(method.__name__)
        try:
            return method(self, *args, **kwargs)
        finally:
            self._save_guests()
    return wrapper


class SizedPersistentFakeDriver(fake.FakeDriverWithoutFakeNodes):

    def __init__(self, virtapi, read_only=False):
        size = CONF.testcloud_fake
        self.vcpus, self.memory_mb, self.local_gb = size.vcpus, size.memory_mb, size.local_gb
        super().__init__(virtapi, read_only)
        self._migrations = {}

    def init_host(self, host):
        super().init_host(host)
        self._set_nodes([host])
        try:
            with open(_state_file('guests.json')) as file:
                guests = json.load(file)
        except FileNotFoundError:
            return
        for uuid, (name, state) in guests.items():
            self.instances[uuid] = fake.FakeInstance(name, state, uuid)

    def _save_guests(self):
        # Written whole or not at all: this process may be killed at any time.
        # Named by thread time, because several operations may end at once.
        temporary = _state_file(f'guests.json.{time.monotonic_ns()}')
        with open(temporary, 'w') as file:
            json.dump({uuid: [guest.name, guest.state] for uuid, guest in list(self.instances.items())}, file)
        os.replace(temporary, _state_file('guests.json'))

    spawn = _faulty_and_kept(fake.FakeDriver.spawn)
    destroy = _faulty_and_kept(fake.FakeDriver.destroy)
    power_on = _faulty_and_kept(fake.FakeDriver.power_on)
    power_off = _faulty_and_kept(fake.FakeDriver.power_off)
    reboot = _faulty_and_kept(fake.FakeDriver.reboot)
    pre_live_migration = _faulty_and_kept(fake.FakeDriver.pre_live_migration)
    finish_migration = _faulty_and_kept(fake.FakeDriver.finish_migration)

    def snapshot(self, context, instance, image_id, update_task_state):
        super().snapshot(context, instance, image_id, update_task_state)
        # nova.virt.fake uploads nothing: the image would stay queued for ever.
        images = glance.API()
        formats = {'disk_format': 'raw', 'container_format': 'bare'}
        name = images.get(context, image_id)['name']
        images.update(context, image_id, {'name': name, **formats}, io.BytesIO(bytes(1024)))

    def live_migration(self, context, instance, dest, post_method, recover_method,
                       block_migration=False, migrate_data=None):
        migration = self._migrations[instance.uuid] = {'force': False, 'abort': False}
        try:
            end = time.monotonic() + CONF.testcloud_fake.live_migration_seconds
            while time.monotonic() < end and not (migration['force'] or migration['abort']):
                time.sleep(0.1)
            try:
                _injected_fault('live_migration')
            except exception.NovaException as error:
                LOG.error('Live Migration failure: %s', error, instance=instance)
                recover_method(context, instance, dest, migrate_data)
                return
            if migration['abort']:
                recover_method(context, instance, dest, migrate_data, migration_status='cancelled')
            else:
                post_method(context, instance, dest, block_migration, migrate_data)
        finally:
            self._migrations.pop(instance.uuid, None)

    def live_migration_force_complete(self, instance):
        if instance.uuid in self._migrations:
            self._migrations[instance.uuid]['force'] = True

    def live_migration_abort(self, instance):
        if instance.uuid in self._migrations:
            self._migrations[instance.uuid]['abort'] = True

    def post_live_migration(self, context, instance, block_device_info, migrate_data=None):
        if instance.uuid in self.instances:
            self.destroy(context, instance, network_info=None, block_device_info=block_device_info)

    def get_host_uptime(self):
        # nova.virt.fake has none; every GET /os-hypervisors/detail from 2.88 on
        # would log an error at each host.
        up = int(time.monotonic())
        return (f'{time.strftime("%H:%M:%S")} up {up // 86400} days, {up % 86400 // 3600:2d}:{up % 3600 // 60:02d},'
                '  0 users,  load average: 0.00, 0.00, 0.00')
