"""Bringing a cloud up, waiting until it is usable, and taking it down."""
import os
import pathlib
import shutil
import time

from . import (commands, config_infrastructure, config_nova, config_programs, config_services, environment, ports,
               prerequisites, processes, rest, schema, seed)
from .console import Phases, TestcloudError, say
from .rest import Client

CONTROLLERS = ('nova-conductor', 'nova-scheduler')
CONTROLLED = {(program, 'controller') for program in CONTROLLERS}
FOLDERS = ('etc', 'log', 'run', 'data', 'tmp')
FILES = ('cloud.json', 'clouds.yaml')


def up(cloud):
    """Install, configure and start; what an earlier call has done already is left out."""
    if not cloud.exists and cloud.dir.exists() and any(cloud.dir.iterdir()):
        raise TestcloudError(f'{cloud.dir} is neither empty nor a cloud: name another folder')
    phases = Phases()
    with phases.phase('prerequisites'):
        prerequisites.ensure()
    with phases.phase('Python environment'):
        cloud.venv = environment.ensure()
    if not cloud.complete.exists():
        processes.stop_all(cloud, orderly=False)
    if not processes.supervisor_pid(cloud):
        processes.stop_all(cloud)  # what a killed supervisor may have left
        ports.require_free(cloud.ports())
        with phases.phase('configuration'):
            configure(cloud)
    _start(cloud, phases)


def start(cloud):
    """Start a stopped cloud as it is."""
    if not cloud.complete.exists():
        raise TestcloudError(f'the cloud in {cloud.dir} has never been complete: use "up"')
    if not processes.supervisor_pid(cloud):
        processes.stop_all(cloud)
        ports.require_free(cloud.ports())
    _start(cloud, Phases())


def configure(cloud):
    if not cloud.complete.exists():
        # A half-made database is of no use: an interrupted first start begins anew.
        shutil.rmtree(cloud.data, ignore_errors=True)
    cloud.save()
    for name in FOLDERS:
        (cloud.dir / name).mkdir(exist_ok=True)
    cloud.etc.chmod(0o700)
    config_infrastructure.write_rabbitmq(cloud)
    config_infrastructure.write_ssh(cloud)
    config_services.write_keystone(cloud)
    config_services.write_placement(cloud)
    config_services.write_glance(cloud)
    config_services.write_neutron(cloud)
    config_nova.write_nova(cloud)
    config_programs.write_supervisor(cloud)


def _start(cloud, phases):
    """Start what is not running, wait until servers can be created, and fill a new cloud on the way."""
    new = not cloud.complete.exists()
    began = time.monotonic()
    if os.geteuid() == 0:
        pathlib.Path('/run/sshd').mkdir(exist_ok=True)  # sshd insists on it when root starts it
    processes.start_supervisor(cloud)
    commands.parallel(lambda: _database_and_keystone(cloud, new, phases), lambda: _messages(cloud, phases))
    processes.start(cloud, 'placement', 'nova-api')
    if new:
        with phases.phase('users and catalogue'):
            seed.identity(cloud)
    # These end at once if they cannot log in to Keystone.
    processes.start(cloud, *CONTROLLERS)
    with phases.phase('Nova controllers'):
        _wait_api(cloud, 'placement')
        _wait_api(cloud, 'nova')
        admin = Client(cloud)
        commands.wait_for('Nova controllers', lambda: _up(admin) >= CONTROLLED, 60)
    # A host that asks the conductor before it listens waits 10 s before it asks again.
    processes.start(cloud, *cloud.computes(), 'glance', 'neutron')
    with phases.phase('hosts, image and flavors' if new else 'hosts'):
        commands.parallel(lambda: wait(cloud), *([lambda: seed.flavors(cloud), lambda: _image(cloud)] if new else []))
    cloud.complete.touch()
    say(f'ready {time.monotonic() - began:.1f} s after the first process was started ({phases.summary()})')
    say(f'credentials: {cloud.dir}/clouds.yaml; all else about it: {cloud.description}')


def _database_and_keystone(cloud, new, phases):
    with phases.phase('MariaDB'):
        if new:
            schema.initialise(cloud)
        processes.start(cloud, 'mariadb')
        processes.wait_port(cloud, 'mariadb', 'mariadb')
    if new:
        with phases.phase('database schemas'):
            schema.fill(cloud)
    with phases.phase('Keystone'):
        # It reads the database only when it is asked, so both load at the same time.
        processes.start(cloud, 'keystone')
        if new:
            seed.bootstrap(cloud)
        _wait_api(cloud, 'keystone')


def _messages(cloud, phases):
    with phases.phase('RabbitMQ'):
        processes.start(cloud, 'epmd', 'sshd')
        processes.wait_port(cloud, 'epmd', 'epmd')
        processes.start(cloud, 'rabbitmq')
        processes.wait_port(cloud, 'rabbitmq', 'rabbitmq')


def _wait_api(cloud, service):
    program = 'nova-api' if service == 'nova' else service

    def answers():
        processes.require_alive(cloud, program)
        return rest.call('GET', cloud.url(service) + '/', seconds=15)[0] in (200, 300)
    commands.wait_for(program, answers, 90)


def _image(cloud):
    _wait_api(cloud, 'glance')
    seed.image(cloud)


def wait(cloud):
    """Wait until every host is up, mapped into the cell and known to Placement with its size."""
    admin = Client(cloud)
    wanted = {host['name'] for host in cloud.hosts}
    # The first query must not be one for ports: Neutron 29 answers 500 to it
    # until another one has made its database mappers complete.
    _wait_api(cloud, 'glance')
    commands.wait_for('neutron', lambda: admin.request('neutron', 'GET', '/v2.0/networks')[0] == 200)

    def usable():
        processes.require_alive(cloud, *cloud.programs())
        if not _up(admin, reported=True) >= CONTROLLED | {('nova-compute', host) for host in wanted}:
            return False
        mapped = admin.must('nova', 'GET', '/v2.1/os-hypervisors')['hypervisors']
        sized = admin.must('placement', 'GET', '/resource_providers?resources=VCPU:1',
                           headers={'OpenStack-API-Version': 'placement 1.4'})['resource_providers']
        return ({hypervisor['hypervisor_hostname'] for hypervisor in mapped} >= wanted
                and {provider['name'] for provider in sized} >= wanted)
    commands.wait_for('hosts', usable, 120, every=0.5)


def _up(admin, reported=False):
    """The services Nova takes for running. A new one counts as up before its first report, and may then go down for a moment."""
    services = admin.must('nova', 'GET', '/v2.1/os-services')['services']
    return {(service['binary'], service['host']) for service in services
            if service['state'] == 'up' and (service['updated_at'] or not reported)}


def stop(cloud, orderly=True):
    processes.stop_all(cloud, orderly)
    if remaining := processes.left_over(cloud):
        raise TestcloudError(f'processes that could not be ended: {remaining}')
    say('stopped')


def destroy(cloud):
    """Stop it and delete all that up() made; other files in the folder stay."""
    stop(cloud, orderly=False)
    for name in FOLDERS:
        shutil.rmtree(cloud.dir / name, ignore_errors=True)
    for name in FILES:
        (cloud.dir / name).unlink(missing_ok=True)
    try:
        cloud.dir.rmdir()
    except OSError:
        say(f'{cloud.dir} holds other files, so the folder stays')
    say('destroyed')


def status(cloud):
    for name, record in processes.state(cloud).items():
        print(f'{name:<16} {record["statename"]:<9} {record["description"]}')
    for service in Client(cloud).must('nova', 'GET', '/v2.1/os-services')['services']:
        print(f'{service["binary"]:<16} {service["host"]:<12} {service["status"]:<9} {service["state"]:<5}'
              f' forced_down={service["forced_down"]} {service["updated_at"]}')
