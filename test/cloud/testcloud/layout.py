"""One cloud: its ports, paths, users, hosts and programs, and the files that tell others about them."""
import getpass
import json
import pathlib
import re
import secrets

from . import commands
from .console import TestcloudError

DEFAULT_DIR = '.cloud/default'
DEFAULT_BASE_PORT = 21100
DEFAULT_HOSTS = 'compute1:8:8192:100,compute2:4:4096:80,compute3:16:16384:200'
REGION = 'RegionOne'
REPORT_INTERVAL = 2
SERVICE_DOWN_TIME = 6

# What a supervisor configuration, an sshd_config and a command line all take unquoted.
SAFE_PATH = re.compile(r'[A-Za-z0-9/_.+-]+')
# A UNIX socket's path may have 107 characters; ours adds "/run/mariadb.sock".
LONGEST_DIR = 88

PORT_OFFSETS = {'keystone': 0, 'placement': 1, 'glance': 2, 'neutron': 3, 'nova': 4, 'rabbitmq': 5,
                'mariadb': 6, 'sshd': 8, 'epmd': 9, 'erlang': 10, 'supervisor': 11}
ENDPOINT_PATHS = {'keystone': '/v3', 'placement': '', 'glance': '', 'neutron': '', 'nova': '/v2.1'}
DATABASES = ('keystone', 'placement', 'glance', 'neutron', 'nova_api', 'nova', 'nova_cell0')

# name, project, role. `steward` has no power of its own: what it may do beyond
# reading its own empty project must come from a trust.
USERS = (('admin', 'admin', 'admin'), ('olga', 'admin', 'admin'), ('alice', 'demo', 'member'),
         ('bob', 'demo', 'reader'), ('carol', 'demo2', 'member'), ('steward', 'service', 'reader'))


def parse_hosts(text):
    """'name:vcpus:memory in MiB:disk in GiB,…'"""
    hosts = []
    for part in text.split(','):
        match = re.fullmatch(r'([a-z][a-z0-9-]*):(\d+):(\d+):(\d+)', part)
        if not match:
            raise TestcloudError(f'host {part!r} is not name:vcpus:memory_mb:local_gb')
        hosts.append({'name': match[1], 'vcpus': int(match[2]), 'memory_mb': int(match[3]), 'local_gb': int(match[4])})
    if not 1 <= len(hosts) <= 9 or len({host['name'] for host in hosts}) != len(hosts):
        raise TestcloudError('give one to nine hosts of different names')
    return hosts


class Cloud:
    """Knows where everything is; starts nothing and writes only its two description files."""

    def __init__(self, directory, base_port=None, hosts=None):
        self.dir = pathlib.Path(directory).resolve()
        if not SAFE_PATH.fullmatch(str(self.dir)) or len(str(self.dir)) > LONGEST_DIR:
            raise TestcloudError(f'{self.dir}: use a folder of at most {LONGEST_DIR} letters, digits and /_.+- only')
        self.description = self.dir / 'cloud.json'
        known = json.loads(self.description.read_text()) if self.description.exists() else {}
        self.exists = bool(known)
        for given, kept, option in ((base_port, known.get('base_port'), '--base-port'), (hosts, known.get('hosts'), '--hosts')):
            if given and kept and given != kept:
                raise TestcloudError(f'{self.dir} holds a cloud with another {option}: destroy it first, or leave the option out')
        self.base_port = base_port or known.get('base_port') or DEFAULT_BASE_PORT
        self.hosts = hosts or known.get('hosts') or parse_hosts(DEFAULT_HOSTS)
        self.password = known.get('password') or secrets.token_hex(12)
        self.venv = pathlib.Path(known['venv']) if 'venv' in known else None
        self.etc, self.log, self.run, self.data = (self.dir / name for name in ('etc', 'log', 'run', 'data'))

    @property
    def complete(self):
        """A file that tells whether the first start has come to its end."""
        return self.data / '.complete'

    def require_existing(self):
        if not self.exists:
            raise TestcloudError(f'there is no cloud in {self.dir}: make one with "up"')

    def port(self, name):
        return self.base_port + PORT_OFFSETS[name]

    def ports(self):
        return {name: self.port(name) for name in PORT_OFFSETS}

    def url(self, service):
        return f'http://127.0.0.1:{self.port(service)}'

    def transport(self, scheme='rabbit'):
        return f'{scheme}://openstack:{self.password}@127.0.0.1:{self.port("rabbitmq")}/'

    def bin(self, name):
        return self.venv / 'bin' / name

    @property
    def mariadb_socket(self):
        return self.run / 'mariadb.sock'

    def computes(self):
        """The programs of the hosts: 'nova-compute-1' belongs to the first host, and so on."""
        return {f'nova-compute-{number}': host for number, host in enumerate(self.hosts, 1)}

    def programs(self):
        return ['epmd', 'rabbitmq', 'mariadb', 'sshd', 'keystone', 'placement', 'glance', 'neutron',
                'nova-api', 'nova-conductor', 'nova-scheduler', *self.computes()]

    def log_file(self, program):
        """The OpenStack services write a log of their own; of the others we have what they print."""
        own = program in ('keystone', 'placement', 'glance', 'neutron') or program.startswith('nova-')
        return self.log / f'{program}.{"log" if own else "out"}'

    def logs(self):
        computes = self.computes()
        named = {program: program for program in self.programs() if program not in computes}
        named |= {f'nova-compute@{host["name"]}': program for program, host in computes.items()}
        files = {name: str(self.log_file(program)) for name, program in named.items()}
        files['supervisord'] = str(self.log / 'supervisord.log')
        return files

    def save(self):
        """Write cloud.json and clouds.yaml."""
        ssh = self.etc / 'ssh'
        commands.write(self.description, json.dumps({
            'base_port': self.base_port, 'region': REGION, 'password': self.password, 'venv': str(self.venv),
            'endpoints': {service: self.url(service) + path for service, path in ENDPOINT_PATHS.items()},
            'rabbit': self.transport('amqp'),
            'ports': self.ports(),
            'users': [{'name': name, 'project': project, 'role': role} for name, project, role in USERS],
            'hosts': self.hosts,
            'report_interval': REPORT_INTERVAL, 'service_down_time': SERVICE_DOWN_TIME,
            'ssh': {'host': '127.0.0.1', 'port': self.port('sshd'), 'user': getpass.getuser(),
                    'key': str(ssh / 'client_key'), 'known_hosts': str(ssh / 'known_hosts')},
            'programs': self.programs(), 'logs': self.logs(), 'clouds_yaml': str(self.dir / 'clouds.yaml')}, indent=1) + '\n')
        commands.write(self.dir / 'clouds.yaml', 'clouds:\n' + ''.join(f'''\
  {name}:
    auth_type: password
    auth:
      auth_url: {self.url('keystone')}/v3
      username: {name}
      password: {self.password}
      project_name: {project}
      user_domain_name: Default
      project_domain_name: Default
    region_name: {REGION}
    interface: public
    identity_api_version: 3
    compute_api_version: '2.96'
''' for name, project, _ in USERS))
        self.exists = True

    def openrc(self, user):
        """Shell exports for one user."""
        for name, project, _ in USERS:
            if name == user:
                values = {'AUTH_URL': self.url('keystone') + '/v3', 'USERNAME': name, 'PASSWORD': self.password,
                          'PROJECT_NAME': project, 'USER_DOMAIN_NAME': 'Default', 'PROJECT_DOMAIN_NAME': 'Default',
                          'REGION_NAME': REGION, 'IDENTITY_API_VERSION': '3', 'COMPUTE_API_VERSION': '2.96'}
                return ''.join(f'export OS_{key}={value}\n' for key, value in values.items())
        raise TestcloudError(f'no user {user!r}; there are: {", ".join(name for name, _, _ in USERS)}')
