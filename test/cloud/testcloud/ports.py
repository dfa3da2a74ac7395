"""Which ports listen, and whose they are."""
import contextlib
import os
import pathlib
import socket

from .console import TestcloudError

LISTEN = '0A'  # the state of a listening socket in /proc/net/tcp


def listening(port):
    with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', port), 1):
        return True
    return False


def require_free(ports):
    """`ports` maps names to numbers. Fails with all that cannot be had, before anything is started."""
    busy = []
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', port))
                probe.listen()
            except OSError:
                busy.append(f'  {port} ({name}) is taken by {_owner(port)}')
    if busy:
        raise TestcloudError('ports in use:\n' + '\n'.join(busy)
                             + '\nStop these processes, or choose other ports with --base-port.')


def _owner(port):
    inodes = set()
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTEN and int(fields[1].rsplit(':', 1)[1], 16) == port:
                    inodes.add(f'socket:[{fields[9]}]')
    for process in pathlib.Path('/proc').glob('[0-9]*'):
        with contextlib.suppress(OSError):
            if any(os.readlink(handle) in inodes for handle in (process / 'fd').iterdir()):
                command = (process / 'cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace')
                return f'process {process.name}: {command.strip()[:120]}'
    return 'a process of another user'
