"""Faults on demand: what the hosts' driver reads before each operation."""
import json

from . import commands
from .console import TestcloudError

OPERATIONS = ('spawn', 'destroy', 'power_on', 'power_off', 'reboot', 'pre_live_migration', 'finish_migration', 'live_migration')


def put(cloud, host, text):
    """`text` is a JSON object {operation: message, "delay": {operation: seconds}}, or 'clear'."""
    if host not in [known['name'] for known in cloud.hosts]:
        raise TestcloudError(f'no host {host!r}; there are: {", ".join(known["name"] for known in cloud.hosts)}')
    file = cloud.data / 'nova' / host / 'faults.json'
    if text == 'clear':
        file.unlink(missing_ok=True)
        return
    try:
        faults = json.loads(text)
        valid = set(faults) <= {*OPERATIONS, 'delay'} and set(faults.get('delay', {})) <= set(OPERATIONS)
    except (ValueError, TypeError, AttributeError):
        valid = False
    if not valid:
        raise TestcloudError('faults are a JSON object {operation: message, "delay": {operation: seconds}} with the operations '
                             + ', '.join(OPERATIONS))
    commands.write(file, json.dumps(faults))
