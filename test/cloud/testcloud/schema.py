"""The databases: made by OpenStack's own migrations once, then loaded from a dump of the result."""
import getpass
import os
import pathlib

from . import cache, commands
from .config_infrastructure import as_root
from .console import say
from .layout import DATABASES
from .prerequisites import program
from .processes import environment

# Nova fills these in from its own configuration, so that the dump holds neither
# a password nor a port.
CELL_DATABASE = '{scheme}://{username}:{password}@{hostname}:{port}/%s?{query}'
CELL_TRANSPORT = '{scheme}://{username}:{password}@{hostname}:{port}/{path}'


def initialise(cloud):
    """Make MariaDB's own tables, before it is started for the first time."""
    data = cloud.data / 'mariadb'
    data.mkdir()
    # The administrator logs in by the socket as the present user, never over the network.
    commands.run([program('mariadb-install-db'), '--no-defaults', f'--datadir={data}', '--skip-test-db',
                  '--auth-root-authentication-method=socket', f'--auth-root-socket-user={getpass.getuser()}', *as_root()],
                 env=environment(cloud))


def fill(cloud):
    """Create the databases with their empty tables, and the account the services use."""
    for_services = "'openstack'@'127.0.0.1'"
    sql = cloud.dir / 'tmp/databases.sql'
    commands.write(sql, ''.join(f'CREATE DATABASE {name} CHARACTER SET utf8mb3;\n' for name in DATABASES)
                   + f"CREATE USER {for_services} IDENTIFIED BY '{cloud.password}';\n"
                   + ''.join(f'GRANT ALL ON {name}.* TO {for_services};\n' for name in DATABASES))
    commands.run(_client(cloud, 'mariadb'), stdin=sql, env=environment(cloud))
    sql.unlink()
    name = f'schema-{cache.key(cache.LOCK_FILE, pathlib.Path(__file__))}'
    dump = cache.folder() / f'{name}.sql'
    if not dump.exists():
        with cache.locked(name, 'the database migrations of another cloud'):
            if not dump.exists():
                say('running the database migrations; the result is kept for later clouds')
                _migrate(cloud)
                _dump(cloud, dump)
                return
    _load(cloud, dump)


def _client(cloud, name):
    return [program(name), '--no-defaults', f'--user={getpass.getuser()}', f'--socket={cloud.mariadb_socket}']


def _dump(cloud, dump):
    making = dump.with_name(f'{dump.name}.{os.getpid()}')
    commands.run([*_client(cloud, 'mariadb-dump'), '--skip-comments', '--no-autocommit', '--databases', *DATABASES],
                 stdout=making, env=environment(cloud))
    making.rename(dump)


def _load(cloud, dump):
    commands.run(_client(cloud, 'mariadb'), stdin=dump, env=environment(cloud))


def _migrate(cloud):
    etc, env = cloud.etc, environment(cloud)

    def manage(name, *arguments, config):
        files = [part for file in config for part in ('--config-file', etc / file)]
        commands.run([cloud.bin(name), *files, *arguments], env=env)

    def nova():
        config = ['nova/nova.conf', 'nova/nova-db.conf']
        manage('nova-manage', 'api_db', 'sync', config=config)
        manage('nova-manage', 'cell_v2', 'map_cell0', '--database_connection', CELL_DATABASE % 'nova_cell0', config=config)
        manage('nova-manage', 'cell_v2', 'create_cell', '--name', 'cell1', '--database_connection', CELL_DATABASE % 'nova',
               '--transport-url', CELL_TRANSPORT, config=config)
        manage('nova-manage', 'db', 'sync', config=config)

    commands.parallel(
        nova,
        lambda: manage('keystone-manage', 'db_sync', config=['keystone/keystone.conf']),
        lambda: manage('placement-manage', 'db', 'sync', config=['placement/placement.conf']),
        lambda: manage('glance-manage', 'db_sync', config=['glance/glance-api.conf']),
        lambda: manage('neutron-db-manage', 'upgrade', 'heads', config=['neutron/neutron.conf', 'neutron/ml2.ini']))
