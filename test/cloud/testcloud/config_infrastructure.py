"""MariaDB, RabbitMQ with its port mapper, and sshd: their files, commands and environments."""
import getpass
import os
import shlex

from . import commands, prerequisites


def rabbitmq_environment(cloud):
    """A node, cookie, port mapper and data folder of its own, all on 127.0.0.1."""
    etc = cloud.etc / 'rabbitmq'
    return {
        'HOME': str(cloud.data / 'rabbitmq'),
        'RABBITMQ_NODENAME': f'testcloud{cloud.base_port}@localhost',
        'RABBITMQ_MNESIA_BASE': str(cloud.data / 'rabbitmq'),
        'RABBITMQ_LOG_BASE': str(cloud.log),
        'RABBITMQ_CONFIG_FILE': str(etc / 'rabbitmq.conf'),
        'RABBITMQ_CONF_ENV_FILE': str(etc / 'rabbitmq-env.conf'),
        'RABBITMQ_ENABLED_PLUGINS_FILE': str(etc / 'enabled_plugins'),
        'RABBITMQ_PID_FILE': str(cloud.run / 'rabbitmq.pid'),
        'RABBITMQ_DIST_PORT': str(cloud.port('erlang')),
        'ERL_EPMD_PORT': str(cloud.port('epmd')),
        'ERL_EPMD_ADDRESS': '127.0.0.1',
        # No busy waiting of idle schedulers: the machine is small and shared.
        'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS':
            '+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
    }


def write_rabbitmq(cloud):
    etc = cloud.etc / 'rabbitmq'
    (cloud.data / 'rabbitmq').mkdir(parents=True, exist_ok=True)
    commands.write(etc / 'rabbitmq.conf', f'''\
listeners.tcp.1 = 127.0.0.1:{cloud.port("rabbitmq")}
default_user = openstack
default_pass = {cloud.password}
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
log.file.level = warning
''')
    commands.write(etc / 'enabled_plugins', '[].\n')
    commands.write(etc / 'rabbitmq-env.conf', '')


def epmd_command(cloud):
    # In the foreground and before RabbitMQ, which would otherwise start one that outlives it.
    return [prerequisites.program('epmd'), '-port', str(cloud.port('epmd')), '-address', '127.0.0.1']


def mariadb_command(cloud):
    """Durability is off: this database lives for a test run."""
    return [prerequisites.program('mariadbd'), '--no-defaults', *as_root(), f'--datadir={cloud.data}/mariadb',
            '--bind-address=127.0.0.1', f'--port={cloud.port("mariadb")}', f'--socket={cloud.mariadb_socket}',
            f'--pid-file={cloud.run}/mariadb.pid', '--skip-log-bin', '--innodb-flush-log-at-trx-commit=0',
            '--innodb-flush-method=nosync', '--innodb-doublewrite=0', '--innodb-buffer-pool-size=192M',
            '--innodb-log-file-size=64M', '--performance-schema=OFF', '--max-connections=1000',
            '--skip-name-resolve', '--character-set-server=utf8mb3']


def as_root():
    """MariaDB refuses to run as root unless it is told that this is meant."""
    return ['--user=root'] if os.geteuid() == 0 else []


def sshd_command(cloud):
    return [prerequisites.program('sshd'), '-D', '-e', '-f', str(cloud.etc / 'ssh/sshd_config')]


def write_ssh(cloud):
    """An sshd that takes one key, and with it only the commands of ssh_command.py."""
    ssh = cloud.etc / 'ssh'
    ssh.mkdir(parents=True, exist_ok=True)
    ssh.chmod(0o700)
    for name in ('host_key', 'client_key'):
        if not (ssh / name).exists():
            commands.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', ssh / name])
    kind, host_key, *_ = (ssh / 'host_key.pub').read_text().split()
    commands.write(ssh / 'known_hosts', f'[127.0.0.1]:{cloud.port("sshd")} {kind} {host_key}\n')
    commands.write(ssh / 'authorized_keys',
                   f'restrict,command="{ssh}/forced-command" {(ssh / "client_key.pub").read_text()}')
    package = os.path.dirname(os.path.abspath(__file__))
    commands.write(ssh / 'forced-command',
                   f'#!/bin/sh\nexec {shlex.join([str(cloud.bin("python")), package, "ssh-command", str(cloud.dir)])}\n', 0o700)
    commands.write(ssh / 'sshd_config', f'''\
ListenAddress 127.0.0.1
Port {cloud.port("sshd")}
HostKey {ssh}/host_key
AuthorizedKeysFile {ssh}/authorized_keys
PidFile {cloud.run}/sshd.pid
AllowUsers {getpass.getuser()}
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin forced-commands-only
UsePAM no
StrictModes no
''')
