"""Keystone, Placement, Glance and Neutron: their configuration files."""
import base64
import secrets

from . import commands
from .layout import REGION

DATABASE_POOL = 'max_pool_size = 5\nmax_overflow = 20\nconnection_recycle_time = 600'
SERVICE_TYPES = {'nova': 'compute', 'glance': 'image', 'neutron': 'network', 'placement': 'placement'}
# New-style policies, so that the reader role really only reads.
POLICY = '[oslo_policy]\nenforce_scope = true\nenforce_new_defaults = true\n'
# RabbitMQ gets stopped in tests: notice it and come back quickly.
RABBIT = '''\
[oslo_messaging_rabbit]
heartbeat_timeout_threshold = 20
heartbeat_rate = 4
rabbit_retry_interval = 1
rabbit_retry_backoff = 1
rabbit_interval_max = 3
kombu_reconnect_delay = 0.5
'''


def database(cloud, name):
    return f'mysql+pymysql://openstack:{cloud.password}@127.0.0.1:{cloud.port("mariadb")}/{name}?charset=utf8'


def credentials(cloud, user):
    """How one service logs in to the others."""
    return f'''\
auth_url = {cloud.url("keystone")}
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = service
username = {user}
password = {cloud.password}
region_name = {REGION}
'''


def authtoken(cloud, user):
    """How a service checks its callers' tokens."""
    # Nova keeps no token cache: a revoked token, or one of a deleted trust, is
    # refused at once and not after up to 300 s.
    return f'''\
[keystone_authtoken]
www_authenticate_uri = {cloud.url("keystone")}
{credentials(cloud, user)}service_token_roles = service
service_token_roles_required = true
token_cache_time = {-1 if user == "nova" else 300}
service_type = {SERVICE_TYPES[user]}
'''


def write_keystone(cloud):
    # Without its cache Keystone takes seconds per call. One process with a cache
    # of its own stays consistent: a deleted trust is gone at the next call.
    # Few hash rounds save time; longer passwords than bcrypt's 72 bytes would be
    # warned about at each login.
    commands.write(cloud.etc / 'keystone/keystone.conf', f'''\
[DEFAULT]
log_file = {cloud.log_file("keystone")}
transport_url = {cloud.transport()}
[oslo_messaging_notifications]
driver = noop
[database]
connection = {database(cloud, "keystone")}
{DATABASE_POOL}
[token]
provider = fernet
expiration = 3600
allow_expired_window = 3600
[fernet_tokens]
key_repository = {cloud.etc}/keystone/fernet-keys
[fernet_receipts]
key_repository = {cloud.etc}/keystone/receipt-keys
[credential]
key_repository = {cloud.etc}/keystone/credential-keys
[cache]
enabled = true
backend = dogpile.cache.memory
[identity]
password_hash_rounds = 4
max_password_length = 72
[trust]
allow_redelegation = false
{POLICY}''')
    for repository in ('fernet-keys', 'receipt-keys', 'credential-keys'):
        folder = cloud.etc / 'keystone' / repository
        for number in ('0', '1'):  # the next key and the present one, as `keystone-manage fernet_setup` makes them
            if not (folder / number).exists():
                commands.write(folder / number, base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        folder.chmod(0o700)


def write_placement(cloud):
    commands.write(cloud.etc / 'placement/placement.conf', f'''\
[DEFAULT]
log_file = {cloud.log_file("placement")}
[api]
auth_strategy = keystone
[placement_database]
connection = {database(cloud, "placement")}
sync_on_startup = false
{DATABASE_POOL}
{authtoken(cloud, "placement")}''')


def write_glance(cloud):
    (cloud.data / 'glance').mkdir(parents=True, exist_ok=True)
    commands.write(cloud.etc / 'glance/glance-api.conf', f'''\
[DEFAULT]
log_file = {cloud.log_file("glance")}
enabled_backends = fs:file
enabled_import_methods = []
worker_self_reference_url = {cloud.url("glance")}
[database]
connection = {database(cloud, "glance")}
{DATABASE_POOL}
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = {cloud.data}/glance
[os_glance_staging_store]
filesystem_store_datadir = {cloud.data}/glance-staging
[os_glance_tasks_store]
filesystem_store_datadir = {cloud.data}/glance-tasks
[paste_deploy]
flavor = keystone
config_file = {cloud.venv}/etc/glance/glance-api-paste.ini
[oslo_concurrency]
lock_path = {cloud.dir}/tmp
{authtoken(cloud, "glance")}''')


def write_neutron(cloud):
    """Only its API: Nova answers 500 without a network service, but needs no network."""
    (cloud.data / 'neutron').mkdir(parents=True, exist_ok=True)
    commands.write(cloud.etc / 'neutron/neutron.conf', f'''\
[DEFAULT]
log_file = {cloud.log_file("neutron")}
core_plugin = ml2
service_plugins = router
auth_strategy = keystone
state_path = {cloud.data}/neutron
api_paste_config = {cloud.venv}/etc/neutron/api-paste.ini
transport_url = {cloud.transport()}
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
rpc_response_timeout = 10
[oslo_messaging_notifications]
driver = noop
[database]
connection = {database(cloud, "neutron")}
{DATABASE_POOL}
[oslo_concurrency]
lock_path = {cloud.dir}/tmp
{RABBIT}{authtoken(cloud, "neutron")}''')
    commands.write(cloud.etc / 'neutron/ml2.ini', '''\
[ml2]
type_drivers = local
tenant_network_types = local
mechanism_drivers =
extension_drivers =
[securitygroup]
enable_security_group = true
''')
