"""The supervisor and its programs: starting, stopping, killing, and leaving nothing behind."""
import contextlib
import os
import pathlib
import re
import signal
import time
import xmlrpc.client

from . import commands, ports
from .console import Hopeless, TestcloudError, say

# These keep data that they should write out at the end; all others are killed
# outright, which takes no time.
ORDERLY = ('rabbitmq', 'mariadb')
STOP_SECONDS = 60


def environment(cloud):
    """What every process of the cloud gets: nothing of the caller's, above all no proxy settings."""
    return {'PATH': f'{cloud.venv}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
            'HOME': f'{cloud.dir}/tmp', 'TMPDIR': f'{cloud.dir}/tmp', 'LANG': 'C.UTF-8', 'PYTHONWARNINGS': 'ignore'}


def _supervisor(cloud):
    address = f'http://testcloud:{cloud.password}@127.0.0.1:{cloud.port("supervisor")}/RPC2'
    return xmlrpc.client.ServerProxy(address).supervisor


def supervisor_pid(cloud):
    """The process id of this cloud's supervisor, or None. Another cloud's refuses our password."""
    with contextlib.suppress(OSError, xmlrpc.client.Error):
        return _supervisor(cloud).getPID()
    return None


def start_supervisor(cloud):
    if supervisor_pid(cloud):
        return
    commands.run([cloud.bin('supervisord'), '-c', cloud.etc / 'supervisord.conf'], env=environment(cloud), seconds=20)
    commands.wait_for('supervisor', lambda: supervisor_pid(cloud), 20)


def state(cloud, program=None):
    """{program: supervisor's record}, of one or of all programs."""
    if not supervisor_pid(cloud):
        raise TestcloudError(f'the cloud in {cloud.dir} is not running: start it with "start"')
    if program and program not in cloud.programs():
        raise TestcloudError(f'no program {program!r}; there are: {", ".join(cloud.programs())}')
    every = {record['name']: record for record in _supervisor(cloud).getAllProcessInfo()}
    return {program: every[program]} if program else every


def running(cloud, program):
    return state(cloud, program)[program]['statename'] == 'RUNNING'


def start(cloud, *programs):
    """Start those that are not running; returns without waiting until they serve."""
    for program in programs:
        if not running(cloud, program):
            _supervisor(cloud).startProcess(program, False)


def stop(cloud, program):
    """Stop one program in good order and wait for its end."""
    if running(cloud, program):
        _supervisor(cloud).stopProcess(program, True)


def kill(cloud, program):
    """End a program the hard way: SIGKILL for all of its processes."""
    record = state(cloud, program)[program]
    if not record['pid']:
        raise TestcloudError(f'{program} is not running')
    # The supervisor starts each program as leader of a process group.
    os.killpg(record['pid'], signal.SIGKILL)
    commands.wait_for(f'end of {program}', lambda: not running(cloud, program), 10, every=0.05)
    return record['pid']


def require_alive(cloud, *programs):
    """A program that ended by itself will never serve: say so instead of waiting for it."""
    for program in programs:
        record = state(cloud, program)[program]
        if record['statename'] in ('EXITED', 'FATAL', 'BACKOFF'):
            output = cloud.log / f'{program}.out'
            last = output.read_text(errors='replace').splitlines()[-15:] if output.exists() else []
            raise Hopeless(f'{program} ended by itself (exit code {record["exitstatus"]}); its last output:\n'
                           + '\n'.join(last) + f'\nMore in {cloud.log_file(program)}')


def wait_port(cloud, program, port, seconds=60):
    def check():
        require_alive(cloud, program)
        return ports.listening(cloud.port(port))
    commands.wait_for(program, check, seconds)


def stop_all(cloud, orderly=True):
    """Stop the supervisor with everything it started, also what a killed supervisor left behind."""
    groups = _groups(cloud)
    pid = supervisor_pid(cloud)
    if pid:
        for record in _supervisor(cloud).getAllProcessInfo():
            if record['pid'] and not (orderly and record['name'] in ORDERLY):
                _kill_group(record['pid'])
        _supervisor(cloud).shutdown()
        deadline = time.monotonic() + STOP_SECONDS
        while pathlib.Path(f'/proc/{pid}').exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    for group in sorted(_groups(cloud) | groups):
        if any(_in_cloud(cloud, member) for member in _members(group)):
            say(f'ending left-over process group {group}')
            _kill_group(group)


def left_over(cloud):
    """The ids of the cloud's processes that exist now."""
    return sorted(member for group in _groups(cloud) for member in _members(group) if _in_cloud(cloud, member))


def _groups(cloud):
    """The process groups that were ever started here: the supervisor logs each of them."""
    log = cloud.log / 'supervisord.log'
    text = log.read_text(errors='replace') if log.exists() else ''
    return {int(number) for number in re.findall(r'with pid (\d+)', text)}


def _members(group):
    for process in pathlib.Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError, ValueError):
            # After the command's closing bracket: state, parent, process group.
            if int((process / 'stat').read_text().rpartition(')')[2].split()[2]) == group:
                yield int(process.name)


def _in_cloud(cloud, pid):
    """Process ids get used again: one of ours also works inside the cloud's folder, or names it when it was started."""
    with contextlib.suppress(OSError):
        process = pathlib.Path(f'/proc/{pid}')
        return (pathlib.Path(os.readlink(process / 'cwd')).is_relative_to(cloud.dir)
                or f'{cloud.dir}/'.encode() in (process / 'cmdline').read_bytes())
    return False


def _kill_group(group):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
