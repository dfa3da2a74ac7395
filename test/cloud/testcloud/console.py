"""Progress lines, timed phases, and the one error type that is shown without a traceback."""
import contextlib
import threading
import time

_started = time.monotonic()
_print_lock = threading.Lock()


class TestcloudError(Exception):
    """Something the user can act upon; its text says what and how."""


def say(text):
    """Print one progress line at once, with the seconds since this program started."""
    with _print_lock:
        print(f'[{time.monotonic() - _started:6.1f}s] {text}', flush=True)


class Hopeless(TestcloudError):
    """Waiting any longer makes no sense."""


class Phases:
    """Times the phases of a long command. Phases may overlap: several run in parallel."""

    def __init__(self):
        self._seconds = {}

    @contextlib.contextmanager
    def phase(self, name):
        started = time.monotonic()
        say(f'{name} …')
        yield
        self._seconds[name] = time.monotonic() - started
        say(f'{name}: done in {self._seconds[name]:.1f} s')

    def summary(self):
        return ', '.join(f'{name} {seconds:.1f} s' for name, seconds in self._seconds.items())
