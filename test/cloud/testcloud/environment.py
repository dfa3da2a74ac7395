"""The Python environment with OpenStack in it, built once per lock file and shared by all clouds."""
import os
import pathlib
import shutil
import sys

from . import cache, commands
from .console import say

UV_VERSION = '0.13.8'


def ensure():
    """Answer the environment's folder; build it if this lock file, driver or Python is new."""
    name = f'venv-{cache.key(cache.LOCK_FILE, cache.DRIVER_FILE)}'
    venv = cache.folder() / name
    if venv.exists():
        return venv
    with cache.locked(name, 'another installation of OpenStack'):
        if not venv.exists():
            _build(venv)
    return venv


def _build(venv):
    uv = _uv()
    building = venv.with_name(venv.name + '.building')
    shutil.rmtree(building, ignore_errors=True)
    env = {'UV_CACHE_DIR': str(cache.folder() / 'uv-cache'), **os.environ}
    say(f'installing OpenStack into {venv}')
    # Relocatable, because it gets its final name only when it is complete.
    commands.run([uv, 'venv', '--relocatable', '--python', sys.executable, building], env=env)
    commands.run([uv, 'pip', 'install', '--python', building / 'bin/python', '--no-deps', '--compile-bytecode',
                  '-r', cache.LOCK_FILE], env=env, seconds=600)
    # Nova loads only drivers that are modules below nova.virt.
    packages = building / f'lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages'
    shutil.copy(cache.DRIVER_FILE, packages / 'nova/virt' / cache.DRIVER_FILE.name)
    building.rename(venv)


def _uv():
    """A pinned uv of our own: another one might resolve or compile differently."""
    home = cache.folder() / f'uv-{UV_VERSION}-{cache.key()}'
    uv = home / 'bin/uv'
    with cache.locked('uv', 'another installation of uv'):
        if not uv.exists():
            say(f'installing uv {UV_VERSION}')
            building = pathlib.Path(f'{home}.building')
            shutil.rmtree(building, ignore_errors=True)
            # --target needs no second pip, and leaves a binary that may be moved.
            commands.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--target', building, f'uv=={UV_VERSION}'])
            building.rename(home)
    return uv
