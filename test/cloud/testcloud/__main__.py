"""Lets `python3 test/cloud/testcloud …` run the package."""
import pathlib
import sys

MINIMUM_PYTHON = (3, 11)

if __name__ == '__main__':
    if sys.version_info < MINIMUM_PYTHON:
        sys.exit('testcloud: this is Python %d.%d; OpenStack 2026.2 needs Python %d.%d or newer: '
                 'run it with another python3' % (*sys.version_info[:2], *MINIMUM_PYTHON))
    # Python puts the package's own folder on the path, where its modules would
    # be top-level names; the folder above makes `testcloud` a package again.
    sys.path[0] = str(pathlib.Path(__file__).resolve().parent.parent)
    from testcloud.cli import main

    sys.exit(main())
