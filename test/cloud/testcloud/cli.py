"""The command line."""
import argparse
import contextlib
import os
import signal
import sys

from . import cache, commands, faults, lifecycle, processes, ssh_command
from .console import TestcloudError, say
from .layout import DEFAULT_BASE_PORT, DEFAULT_DIR, DEFAULT_HOSTS, Cloud, parse_hosts


class Interrupted(BaseException):
    """A signal asks us to give up. Not an Exception: nothing on the way may swallow it."""


def _parser():
    parser = argparse.ArgumentParser(
        prog='testcloud', description='A small real OpenStack on this machine, for tests. DIR is always optional: '
                                      f'{DEFAULT_DIR} if left out.')
    actions = parser.add_subparsers(dest='action', required=True, metavar='ACTION')

    def add(name, text, operands=()):
        action = actions.add_parser(name, help=text, description=text)
        action.set_defaults(operands=operands)
        action.add_argument('values', nargs='*', metavar=' '.join(['[DIR]', *operands]))
        return action

    up = add('up', 'install what is missing, configure, start, and wait until it is usable')
    up.add_argument('--base-port', type=int, help=f'first of twelve ports (default {DEFAULT_BASE_PORT})')
    up.add_argument('--hosts', type=parse_hosts, metavar='NAME:VCPUS:MEMORY_MB:LOCAL_GB,…',
                    help=f'one to nine hosts (default {DEFAULT_HOSTS})')
    add('start', 'start a stopped cloud and wait until it is usable')
    add('wait', 'wait until a started cloud is usable')
    add('stop', 'stop all of it, keep its data')
    add('destroy', 'stop it and delete its files')
    add('status', 'show its programs and Nova services')
    add('openrc', 'print shell exports for a user').add_argument('--user', default='admin')
    add('compute', 'ACTION is kill (SIGKILL), start, stop or restart; N counts the hosts from 1', ('ACTION', 'N'))
    add('program', 'ACTION is stop or start; NAME as in the status, such as rabbitmq or nova-api', ('ACTION', 'NAME'))
    add('fault', "let a host's operations fail or last long; FAULTS is a JSON object or the word clear", ('HOST', 'FAULTS'))
    add('ssh-command', 'what the sshd runs for its callers')
    return parser


def main():
    parser = _parser()
    arguments = parser.parse_args()
    count = len(arguments.operands)
    if len(arguments.values) not in (count, count + 1):
        parser.error(f'{arguments.action} takes {" ".join(["[DIR]", *arguments.operands])}')
    directory = arguments.values[0] if len(arguments.values) > count else DEFAULT_DIR
    operands = arguments.values[len(arguments.values) - count:]
    try:
        with _alone(arguments.action, directory):
            cloud = Cloud(directory, getattr(arguments, 'base_port', None), getattr(arguments, 'hosts', None))
            return _act(arguments, cloud, operands) or 0
    except TestcloudError as error:
        print(f'testcloud: {error}', file=sys.stderr)
        return 1


def _alone(action, directory):
    """Two commands that start or stop the same cloud follow one another."""
    if action not in ('up', 'start', 'stop', 'destroy'):
        return contextlib.nullcontext()
    directory = os.path.realpath(directory)
    return cache.locked(f'cloud-{cache.key(directory)}', f'another command on {directory}')


def _act(arguments, cloud, operands):
    action = arguments.action
    if action == 'up':
        return _undone_on_failure(cloud, lambda: lifecycle.up(cloud))
    if action == 'destroy' and not cloud.exists:
        return say(f'there is no cloud in {cloud.dir}')
    cloud.require_existing()
    if action == 'start':
        return _undone_on_failure(cloud, lambda: lifecycle.start(cloud))
    if action == 'openrc':
        return print(cloud.openrc(arguments.user), end='')
    if action == 'compute':
        return _hurt(cloud, operands[0], f'nova-compute-{operands[1]}', ('kill', 'start', 'stop', 'restart'))
    if action == 'program':
        return _hurt(cloud, *operands, ('start', 'stop'))
    if action == 'fault':
        return faults.put(cloud, *operands)
    if action == 'ssh-command':
        return ssh_command.main(cloud)
    return {'wait': lifecycle.wait, 'stop': lifecycle.stop, 'destroy': lifecycle.destroy, 'status': lifecycle.status}[action](cloud)


def _hurt(cloud, action, program, allowed):
    if action not in allowed:
        raise TestcloudError(f'{action!r} is none of: {", ".join(allowed)}')
    if action == 'kill':
        return print(f'{program}: killed, it was process {processes.kill(cloud, program)}')
    if action in ('stop', 'restart'):
        processes.stop(cloud, program)
    if action in ('start', 'restart'):
        processes.start(cloud, program)
    return print(f'{program}: {processes.state(cloud, program)[program]["statename"]}')


def _undone_on_failure(cloud, job):
    """Run a job that starts processes; if it fails or is interrupted, none of them stays."""
    before = processes.supervisor_pid(cloud)
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number, _frame):
        commands.cancel()
        raise Interrupted(number)

    for number in signals:
        signal.signal(number, interrupt)
    try:
        job()
    except BaseException as error:
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        commands.resume()
        if not before and (processes.supervisor_pid(cloud) or processes.left_over(cloud)):
            say('stopping what was started')
            lifecycle.stop(cloud, orderly=False)
        if isinstance(error, Interrupted):
            print('testcloud: interrupted', file=sys.stderr)
            return 128 + error.args[0]
        raise
    return 0
