"""What the operating system must provide, and getting it with apt-get."""
import contextlib
import os
import pathlib
import shutil

from . import commands
from .console import TestcloudError, say

RABBITMQ_SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server'
# program -> Debian package
NEEDED = {RABBITMQ_SERVER: 'rabbitmq-server', 'epmd': 'rabbitmq-server', 'mariadbd': 'mariadb-server',
          'mariadb-install-db': 'mariadb-server', 'mariadb': 'mariadb-server', 'mariadb-dump': 'mariadb-server',
          'sshd': 'openssh-server', 'ssh': 'openssh-client', 'ssh-keygen': 'openssh-client'}
POLICY = pathlib.Path('/usr/sbin/policy-rc.d')


def program(name):
    """The program's full path, or None. Servers live in /usr/sbin, which is not on everybody's PATH."""
    return shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin:/usr/bin:/sbin:/bin')


def missing():
    return {name: package for name, package in NEEDED.items() if not program(name)}


def ensure():
    """Install what is missing where we can; else name each missing program with its remedy."""
    lacking = missing()
    if lacking and os.geteuid() == 0 and program('apt-get'):
        _install(sorted(set(lacking.values())))
        lacking = missing()
    if lacking:
        raise TestcloudError('this machine lacks:\n' + ''.join(
            f'  {name}: install the package {package} (Debian, as root: apt-get install {package})\n'
            for name, package in lacking.items()) + 'Run again as root on Debian to have them installed.')


def _install(packages):
    env = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'}
    # Other package managers may be at work: wait for their lock instead of failing.
    apt = ['apt-get', '-o', 'DPkg::Lock::Timeout=300']
    say('apt-get update')
    commands.run([*apt, 'update'], env=env)
    say(f'apt-get install {" ".join(packages)}')
    with _packages_stay_stopped():
        commands.run([*apt, 'install', '-y', '--no-install-recommends', *packages], env=env, seconds=600)


@contextlib.contextmanager
def _packages_stay_stopped():
    """Keep apt from starting the machine-wide servers of the packages: we run our own on other ports."""
    if POLICY.exists():
        yield
        return
    commands.write(POLICY, '#!/bin/sh\nexit 101\n', 0o755)
    try:
        yield
    finally:
        POLICY.unlink()
