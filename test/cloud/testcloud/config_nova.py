"""Nova: the controllers' configuration and that of each host."""
import shutil

from . import commands
from .config_services import DATABASE_POOL, POLICY, RABBIT, authtoken, credentials, database
from .layout import REGION, REPORT_INTERVAL, SERVICE_DOWN_TIME

DRIVER = 'testcloud_fake.SizedPersistentFakeDriver'


def write_nova(cloud):
    etc = cloud.etc / 'nova'
    etc.mkdir(parents=True, exist_ok=True)
    shutil.copy(cloud.venv / 'etc/nova/api-paste.ini', etc / 'api-paste.ini')
    interfaces = 'valid_interfaces = internal,public\n'
    # A new host is mapped into the cell by the scheduler every 3 s, so nobody
    # has to run nova-manage for it; without the "fuzzy delay" the first time may
    # be a minute away.
    commands.write(etc / 'nova.conf', f'''\
[DEFAULT]
host = controller
transport_url = {cloud.transport()}
state_path = {cloud.data}/nova
my_ip = 127.0.0.1
log_dir = {cloud.log}
report_interval = {REPORT_INTERVAL}
service_down_time = {SERVICE_DOWN_TIME}
rpc_response_timeout = 15
instance_usage_audit = false
resume_guests_state_on_host_boot = false
periodic_fuzzy_delay = 0
update_resources_interval = 10
sync_power_state_interval = 60
block_device_allocate_retries_interval = 1
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
[api]
auth_strategy = keystone
response_validation = ignore
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 3
max_attempts = 3
[conductor]
workers = 1
[filter_scheduler]
enabled_filters = ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter
[vnc]
enabled = false
[notifications]
notification_format = both
notify_on_state_change = vm_and_task_state
versioned_notifications_topics = versioned_notifications
[oslo_messaging_notifications]
driver = messagingv2
topics = notifications
[oslo_concurrency]
lock_path = {cloud.dir}/tmp
[glance]
region_name = {REGION}
{interfaces}[cinder]
catalog_info = volumev3::publicURL
[barbican]
auth_endpoint = {cloud.url("keystone")}/v3
[placement]
{credentials(cloud, "nova")}{interfaces}[neutron]
{credentials(cloud, "nova")}{interfaces}[service_user]
{credentials(cloud, "nova")}send_service_user_token = true
{POLICY}{RABBIT}{authtoken(cloud, "nova")}''')
    # The databases are in a file of their own: a nova-compute that can see them
    # complains about it at each start.
    commands.write(etc / 'nova-db.conf', f'''\
[database]
connection = {database(cloud, "nova")}
{DATABASE_POOL}
[api_database]
connection = {database(cloud, "nova_api")}
{DATABASE_POOL}
''')
    for program, host in cloud.computes().items():
        state = cloud.data / 'nova' / host['name']
        state.mkdir(parents=True, exist_ok=True)
        # Ratios of 1 and no reserves: a host's size is what it can be filled with.
        commands.write(etc / f'{program}.conf', f'''\
[DEFAULT]
host = {host["name"]}
compute_driver = {DRIVER}
state_path = {state}
reserved_host_memory_mb = 0
reserved_host_disk_mb = 0
initial_cpu_allocation_ratio = 1.0
initial_ram_allocation_ratio = 1.0
initial_disk_allocation_ratio = 1.0
[testcloud_fake]
vcpus = {host["vcpus"]}
memory_mb = {host["memory_mb"]}
local_gb = {host["local_gb"]}
live_migration_seconds = 1
''')
