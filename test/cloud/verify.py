#!/usr/bin/env python3
"""Does a running test cloud do what Steward's tests rely on?   verify.py [DIR]

Creates servers, moves them, hurts hosts and services, and puts all of it right
again. Stops with exit code 1 at the first thing that is not as expected.
"""
import datetime
import subprocess
import sys
import time

from testcloud import commands, faults, processes
from testcloud.console import TestcloudError, say
from testcloud.layout import DEFAULT_DIR, Cloud
from testcloud.rest import Client


class Verification:

    def __init__(self, directory):
        self.cloud = Cloud(directory)
        self.cloud.require_existing()
        self.olga = Client(self.cloud, 'olga', 'admin')
        self.alice = Client(self.cloud, 'alice', 'demo')
        self.image = self.alice.must('glance', 'GET', '/v2/images')['images'][0]['id']
        self.hosts = [host['name'] for host in self.cloud.hosts]
        self.servers = []

    def run(self):
        steps = (self.users, self.server, self.trust, self.live_migration, self.failed_migration, self.aborted_migration,
                 self.failed_and_slow_spawn, self.dead_host, self.program_outage, self.ssh_refuses)
        try:
            for step in steps:
                began = time.monotonic()
                step()
                say(f'ok: {step.__name__.replace("_", " ")} ({time.monotonic() - began:.1f} s)')
        finally:
            for host in self.hosts:
                faults.put(self.cloud, host, 'clear')
            for server in self.servers:
                self.olga.request('nova', 'DELETE', f'/v2.1/servers/{server}')

    # What the steps are made of

    def expect(self, condition, text):
        if not condition:
            raise TestcloudError(f'not as expected: {text}')

    def create(self, client, host=None):
        wanted = {'name': 'verify', 'imageRef': self.image, 'flavorRef': '1', 'networks': 'none'}
        server = client.must('nova', 'POST', '/v2.1/servers', {'server': wanted | ({'host': host} if host else {})})['server']['id']
        self.servers.append(server)
        return server

    def show(self, server):
        return self.olga.must('nova', 'GET', f'/v2.1/servers/{server}')['server']

    def settled(self, server, status):
        def reached():
            shown = self.show(server)
            return shown if shown['status'] == status and not shown['OS-EXT-STS:task_state'] else None
        return commands.wait_for(f'server {status}', reached, 30)

    def migrations(self, server):
        found = self.olga.must('nova', 'GET', f'/v2.1/os-migrations?instance_uuid={server}')['migrations']
        return {migration['id']: migration['status'] for migration in found}

    def begin_migration(self, server, host=None):
        """Answers the id. Nova accepts the request before it has a record of the migration."""
        before = self.migrations(server)
        self.olga.must('nova', 'POST', f'/v2.1/servers/{server}/action', {'os-migrateLive': {'host': host, 'block_migration': 'auto'}})
        return commands.wait_for('a new migration', lambda: max(self.migrations(server).keys() - before.keys(), default=None), 30)

    def migration_ends(self, server, migration, expected):
        ends = ('completed', 'failed', 'error', 'cancelled')
        status = commands.wait_for('end of the migration', lambda: (found := self.migrations(server)[migration]) in ends and found, 30)
        self.expect(status == expected, f'migration {status} instead of {expected}')
        self.settled(server, 'ACTIVE')

    def migrate(self, server, expected, host=None):
        began = time.monotonic()
        self.migration_ends(server, self.begin_migration(server, host), expected)
        say(f'live migration: {expected} after {time.monotonic() - began:.1f} s')

    def other_host(self, host):
        return next(name for name in self.hosts if name != host)

    def host_state(self, host):
        services = self.olga.must('nova', 'GET', f'/v2.1/os-services?host={host}')['services']
        return services[0]['state']

    def ssh(self, command):
        keys = self.cloud.etc / 'ssh'
        return subprocess.run(
            ['ssh', '-q', '-F', 'none', '-i', keys / 'client_key', '-p', str(self.cloud.port('sshd')),
             '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes', '-o', f'UserKnownHostsFile={keys}/known_hosts',
             '-o', 'StrictHostKeyChecking=yes', '127.0.0.1', command],
            capture_output=True, text=True, timeout=60, check=False)

    # The steps

    def users(self):
        for user, project, allowed in (('bob', 'demo', False), ('steward', 'service', False), ('carol', 'demo2', True)):
            status, answer = Client(self.cloud, user, project).request('nova', 'POST', '/v2.1/servers', {'server': {
                'name': 'verify', 'imageRef': self.image, 'flavorRef': '1', 'networks': 'none'}})
            if status == 202:
                self.servers.append(answer['server']['id'])
            self.expect(status == (202 if allowed else 403), f'{user} creating a server: {status}')

    def server(self):
        server = self.create(self.alice)
        self.settled(server, 'ACTIVE')
        for action, status in (('os-stop', 'SHUTOFF'), ('os-start', 'ACTIVE')):
            self.alice.must('nova', 'POST', f'/v2.1/servers/{server}/action', {action: None})
            self.settled(server, status)
        self.kept = server

    def trust(self):
        users = {user['name']: user['id'] for user in self.olga.must('keystone', 'GET', '/v3/users')['users']}
        project = next(found['id'] for found in self.olga.must('keystone', 'GET', '/v3/projects')['projects'] if found['name'] == 'demo')
        expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)
        trust = self.alice.must('keystone', 'POST', '/v3/OS-TRUST/trusts', {'trust': {
            'trustor_user_id': users['alice'], 'trustee_user_id': users['steward'], 'project_id': project, 'impersonation': True,
            'roles': [{'name': 'member'}], 'expires_at': expiry.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}})['trust']['id']
        steward = Client(self.cloud, 'steward', scope={'OS-TRUST:trust': {'id': trust}})
        status, _ = steward.request('nova', 'GET', f'/v2.1/servers/{self.kept}')
        self.expect(status == 200, f'steward with the trust of alice sees her server: {status}')
        self.alice.must('keystone', 'DELETE', f'/v3/OS-TRUST/trusts/{trust}')
        status, _ = steward.request('nova', 'GET', f'/v2.1/servers/{self.kept}')
        self.expect(status == 401, f'steward after the trust was deleted: {status}')

    def live_migration(self):
        source = self.show(self.kept)['OS-EXT-SRV-ATTR:host']
        target = self.other_host(source)
        self.migrate(self.kept, 'completed', target)
        self.expect(self.show(self.kept)['OS-EXT-SRV-ATTR:host'] == target, 'the server has moved')

    def failed_migration(self):
        source = self.show(self.kept)['OS-EXT-SRV-ATTR:host']
        faults.put(self.cloud, source, '{"live_migration": "guest memory is dirtied too fast"}')
        self.migrate(self.kept, 'failed')
        faults.put(self.cloud, source, 'clear')
        self.expect(self.show(self.kept)['OS-EXT-SRV-ATTR:host'] == source, 'the server has stayed')

    def aborted_migration(self):
        source = self.show(self.kept)['OS-EXT-SRV-ATTR:host']
        faults.put(self.cloud, source, '{"delay": {"live_migration": 3}}')
        migration = self.begin_migration(self.kept)
        commands.wait_for('a running migration', lambda: self.migrations(self.kept)[migration] == 'running', 30, every=0.1)
        self.olga.must('nova', 'DELETE', f'/v2.1/servers/{self.kept}/migrations/{migration}')
        self.migration_ends(self.kept, migration, 'cancelled')
        faults.put(self.cloud, source, 'clear')
        self.expect(self.show(self.kept)['OS-EXT-SRV-ATTR:host'] == source, 'the server has stayed')

    def failed_and_slow_spawn(self):
        host = self.hosts[0]
        faults.put(self.cloud, host, '{"spawn": "no space left"}')
        self.settled(self.create(self.olga, host), 'ERROR')
        faults.put(self.cloud, host, '{"delay": {"spawn": 3}}')
        began = time.monotonic()
        self.settled(self.create(self.olga, host), 'ACTIVE')
        self.expect(time.monotonic() - began > 3, 'a delayed spawn lasts')
        faults.put(self.cloud, host, 'clear')

    def dead_host(self):
        number = len(self.hosts)
        host, program = self.hosts[-1], f'nova-compute-{number}'
        alive = self.ssh(f'show {program}').stdout
        self.expect(alive.startswith('pid=') and not alive.startswith('pid=0'), f'show of a running host: {alive!r}')
        began = time.monotonic()
        processes.kill(self.cloud, program)
        self.expect(self.ssh(f'show {program}').stdout == 'pid=0 started=0\n', 'show of a dead host')
        commands.wait_for(f'{host} down', lambda: self.host_state(host) == 'down', 30)
        say(f'{host} is down {time.monotonic() - began:.1f} s after kill -9')
        began = time.monotonic()
        restarted = self.ssh(f'restart {program}')
        self.expect(restarted.returncode == 0 and f'{program}: started' in restarted.stdout, f'restart over ssh: {restarted}')
        commands.wait_for(f'{host} up', lambda: self.host_state(host) == 'up', 60)
        say(f'{host} is up {time.monotonic() - began:.1f} s after the restart over ssh')
        again = self.ssh(f'show {program}').stdout
        self.expect(again.startswith('pid=') and again not in (alive, 'pid=0 started=0\n'), f'show after the restart: {again!r}')

    def program_outage(self):
        processes.stop(self.cloud, 'placement')
        self.expect(not processes.running(self.cloud, 'placement'), 'placement has stopped')
        processes.start(self.cloud, 'placement')
        commands.wait_for('placement', lambda: self.olga.request('placement', 'GET', '/resource_providers')[0] == 200, 30)

    def ssh_refuses(self):
        for command in ('rm -rf /nothing', 'restart nova-api', 'show nova-compute-1; id', 'restart nova-compute-10', ''):
            self.expect(self.ssh(command).returncode == 126, f'ssh refuses {command!r}')


if __name__ == '__main__':
    try:
        Verification(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_DIR).run()
    except TestcloudError as error:
        sys.exit(f'verify: {error}')
    say('all as expected')
