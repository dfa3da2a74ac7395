"""What a new cloud contains: projects, users, the catalogue, one image and four flavors."""
from . import commands, processes
from .layout import ENDPOINT_PATHS, REGION, USERS
from .rest import Client

SERVICES = {'placement': 'placement', 'glance': 'image', 'neutron': 'network', 'nova': 'compute'}
IMAGE = 'tiny'
# id, name, MiB of memory, VCPUs, GiB of disk
FLAVORS = (('1', 'm1.tiny', 256, 1, 1), ('2', 'm1.small', 512, 1, 1),
           ('3', 'm1.medium', 1024, 2, 2), ('4', 'm1.large', 2048, 4, 4))


def bootstrap(cloud):
    """Keystone's own first step: the administrator and the way to Keystone itself."""
    url = f'{cloud.url("keystone")}{ENDPOINT_PATHS["keystone"]}'
    commands.run([cloud.bin('keystone-manage'), '--config-file', cloud.etc / 'keystone/keystone.conf', 'bootstrap',
                  '--bootstrap-region-id', REGION, '--bootstrap-admin-url', url, '--bootstrap-public-url', url,
                  '--bootstrap-internal-url', url],
                 env={**processes.environment(cloud), 'OS_BOOTSTRAP_PASSWORD': cloud.password})


def identity(cloud):
    """Projects, users with their roles, and the services' endpoints."""
    admin = Client(cloud)

    def ids(kind):
        return {found['name']: found['id'] for found in admin.must('keystone', 'GET', f'/v3/{kind}s')[f'{kind}s']}

    def make(kind, **fields):
        return admin.must('keystone', 'POST', f'/v3/{kind}s', {kind: fields})[kind]['id']

    roles, projects, users = ids('role'), ids('project'), ids('user')
    grants = [*USERS, *((service, 'service', role) for service in SERVICES for role in ('service', 'admin'))]
    for user, project, role in grants:
        if project not in projects:
            projects[project] = make('project', name=project, domain_id='default')
        if user not in users:
            users[user] = make('user', name=user, domain_id='default', password=cloud.password)
        admin.must('keystone', 'PUT', f'/v3/projects/{projects[project]}/users/{users[user]}/roles/{roles[role]}')
    for name, kind in SERVICES.items():
        service = make('service', name=name, type=kind)
        for interface in ('public', 'internal', 'admin'):
            make('endpoint', service_id=service, interface=interface, region_id=REGION, url=cloud.url(name) + ENDPOINT_PATHS[name])


def image(cloud):
    """One image of 1 KiB: the hosts only pretend to run it."""
    admin = Client(cloud)
    made = admin.must('glance', 'POST', '/v2/images', {
        'name': IMAGE, 'disk_format': 'raw', 'container_format': 'bare', 'visibility': 'public'})
    admin.must('glance', 'PUT', f'/v2/images/{made["id"]}/file', bytes(1024), {'Content-Type': 'application/octet-stream'})


def flavors(cloud):
    admin = Client(cloud)
    for number, name, memory, vcpus, disk in FLAVORS:
        admin.must('nova', 'POST', '/v2.1/flavors', {'flavor': {
            'id': number, 'name': name, 'ram': memory, 'vcpus': vcpus, 'disk': disk}})
