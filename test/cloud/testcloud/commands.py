"""Running commands, several at once, so that an interruption ends all of them."""
import concurrent.futures
import contextlib
import os
import pathlib
import signal
import subprocess
import threading
import time

from .console import Hopeless, TestcloudError

# Seconds are meant for a quiet machine; a busy one may stretch all of them.
PATIENCE = float(os.environ.get('TESTCLOUD_PATIENCE', '4'))
OUTPUT_SHOWN = 4000

_children = {}
_cancelled = threading.Event()


class Cancelled(Hopeless):
    """The command was given up because of an interruption or another failure."""


def cancel():
    """End every running command and every wait. Safe to call in a signal handler."""
    _cancelled.set()
    for process in list(_children):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def resume():
    """Allow commands and waits again, for the cleaning up after cancel()."""
    _cancelled.clear()


def run(arguments, *, seconds=300, env=None, stdin=None, stdout=None, check=True):
    """Run one command to its end; answer the CompletedProcess. `stdin` and `stdout` are paths."""
    arguments = [str(argument) for argument in arguments]
    if _cancelled.is_set():
        raise Cancelled('cancelled')
    with contextlib.ExitStack() as files:
        source = files.enter_context(open(stdin, 'rb')) if stdin else subprocess.DEVNULL
        sink = files.enter_context(open(stdout, 'wb')) if stdout else subprocess.PIPE
        # A process group of its own: Ctrl-C reaches only us, and we can end all of it.
        process = subprocess.Popen(arguments, env=env, stdin=source, stdout=sink,
                                   stderr=subprocess.PIPE if stdout else subprocess.STDOUT,
                                   process_group=0)
        _children[process] = True
        try:
            if _cancelled.is_set():
                os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate(timeout=seconds * PATIENCE)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise TestcloudError(f'no end after {error.timeout:.0f} s: {" ".join(arguments)}') from None
            raise
        finally:
            del _children[process]
    if _cancelled.is_set():
        raise Cancelled('cancelled')
    text = (out or err or b'').decode(errors='replace')
    if check and process.returncode:
        raise TestcloudError(f'exit code {process.returncode}: {" ".join(arguments)}\n{text[-OUTPUT_SHOWN:]}')
    return subprocess.CompletedProcess(arguments, process.returncode, text)


def parallel(*jobs):
    """Call all jobs at once; the first failure ends the others and is raised."""
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        futures = [pool.submit(job) for job in jobs]
        try:
            for future in concurrent.futures.as_completed(futures):
                future.result()
        except BaseException:
            cancel()
            raise


def wait_for(what, check, seconds=60, every=0.2):
    """Call check() until it answers something true; an exception other than Hopeless counts as 'not yet'."""
    last = None
    deadline = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < deadline:
        if _cancelled.is_set():
            raise Cancelled('cancelled')
        try:
            if answer := check():
                return answer
        except Hopeless:
            raise
        except Exception as error:  # a refused connection, a half-started service, …
            last = error
        time.sleep(every)
    raise TestcloudError(f'{what}: not there after {seconds * PATIENCE:.0f} s' + (f' ({last!r})' if last else ''))


def write(path, text, mode=0o600):
    """Write a file whole or not at all; readers never see half of it."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    # Created with its final rights: some of these files hold the cloud's password.
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), 'w') as file:
        file.write(text)
    temporary.replace(path)
    return path
