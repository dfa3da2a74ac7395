"""The user's cache folder: what every cloud on this machine can share."""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import platform

from .console import TestcloudError, say
from .layout import SAFE_PATH

PINNED = pathlib.Path(__file__).resolve().parent.parent / 'openstack'
LOCK_FILE = PINNED / 'requirements.lock'
DRIVER_FILE = PINNED / 'testcloud_fake.py'


def folder():
    user_cache = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    path = pathlib.Path(os.environ.get('STEWARD_CACHE') or pathlib.Path(user_cache) / 'steward').resolve()
    if not SAFE_PATH.fullmatch(str(path)):
        raise TestcloudError(f'{path}: set STEWARD_CACHE to a folder of letters, digits and /_.+- only')
    path.mkdir(parents=True, exist_ok=True)
    return path


def key(*parts):
    """A short name for contents: other contents, other name. Every key depends on the interpreter."""
    digest = hashlib.sha256(f'{platform.python_version()} {platform.machine()}\n'.encode())
    for part in parts:
        content = part.read_bytes() if isinstance(part, pathlib.Path) else part.encode()
        digest.update(f'{len(content)}\n'.encode() + content)
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def locked(name, whom):
    """Hold the lock of that name, after `whom` has given it back; the system does so for one that was killed."""
    locks = folder() / 'locks'
    locks.mkdir(exist_ok=True)
    with open(locks / name, 'w') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f'waiting for {whom}')
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
