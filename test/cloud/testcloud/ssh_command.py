"""What one may do over ssh: look at the programs, and restart a nova-compute.

sshd runs this for every login, whatever command was asked for; the request is
in SSH_ORIGINAL_COMMAND and never reaches a shell.
"""
import os
import re
import sys
import xmlrpc.client

from . import processes

REFUSED = 126
NOT_RUNNING = 3


def main(cloud):
    request = os.environ.get('SSH_ORIGINAL_COMMAND', '')
    if request == 'status':
        for record in processes.state(cloud).values():
            _print_state(record)
        return 0
    match = re.fullmatch(r'(start|stop|restart|status|show) (nova-compute-[1-9])', request)
    if not match or match[2] not in cloud.computes():
        print(f'refused: {request}', file=sys.stderr)
        return REFUSED
    action, program = match.groups()
    try:
        return _ACTIONS[action](cloud, program)
    except xmlrpc.client.Fault as fault:
        print(f'{program}: ERROR ({fault.faultString})')
        return 1


def _print_state(record):
    print(f'{record["name"]:<32} {record["statename"]:<9} {record["description"]}')


def _start(cloud, program):
    if processes.running(cloud, program):
        print(f'{program}: ERROR (already started)')
        return 1
    processes.start(cloud, program)
    print(f'{program}: started')
    return 0


def _stop(cloud, program):
    if not processes.running(cloud, program):
        print(f'{program}: ERROR (not running)')
        return 1
    processes.stop(cloud, program)
    print(f'{program}: stopped')
    return 0


def _restart(cloud, program):
    """A dead program is started all the same, so that the outcome counts and not the way to it."""
    _stop(cloud, program)
    return _start(cloud, program)


def _status(cloud, program):
    record = processes.state(cloud, program)[program]
    _print_state(record)
    return 0 if record['statename'] == 'RUNNING' else NOT_RUNNING


def _show(cloud, program):
    """Lets the caller of an interrupted restart see whether it has happened."""
    record = processes.state(cloud, program)[program]
    alive = record['statename'] == 'RUNNING'
    print(f'pid={record["pid"] if alive else 0} started={record["start"] if alive else 0}')
    return 0


_ACTIONS = {'start': _start, 'stop': _stop, 'restart': _restart, 'status': _status, 'show': _show}
