"""The supervisor's configuration: every program with its command and environment."""
import os
import shlex

from . import commands, prerequisites
from .config_infrastructure import epmd_command, mariadb_command, rabbitmq_environment, sshd_command

# service -> (WSGI module, threads, environment with {etc} for the cloud's etc folder)
APIS = {
    'keystone': ('keystone.wsgi.api', 4, {'OS_KEYSTONE_CONFIG_DIR': '{etc}/keystone'}),
    'placement': ('placement.wsgi.api', 4, {'OS_PLACEMENT_CONFIG_DIR': '{etc}/placement'}),
    'glance': ('glance.wsgi.api', 2, {'OS_GLANCE_CONFIG_DIR': '{etc}/glance'}),
    'neutron': ('neutron.wsgi.api', 4, {'OS_NEUTRON_CONFIG_DIR': '{etc}/neutron',
                                        'OS_NEUTRON_CONFIG_FILES': 'neutron.conf;ml2.ini'}),
    # api-paste.ini has to come first
    'nova': ('nova.wsgi.osapi_compute', 6, {'OS_NOVA_CONFIG_DIR': '{etc}/nova',
                                            'OS_NOVA_CONFIG_FILES': 'api-paste.ini;nova.conf;nova-db.conf'}),
}


def write_supervisor(cloud):
    control = f'port=127.0.0.1:{cloud.port("supervisor")}'
    root = 'user=root\n' if os.geteuid() == 0 else ''
    text = f'''\
[supervisord]
logfile={cloud.log}/supervisord.log
pidfile={cloud.run}/supervisord.pid
childlogdir={cloud.log}
minfds=8192
{root}[inet_http_server]
{control}
username=testcloud
password={cloud.password}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
'''
    for name, (command, environment) in _programs(cloud).items():
        text += _program(cloud, name, command, environment)
    commands.write(cloud.etc / 'supervisord.conf', text)


def _programs(cloud):
    nova = ['--config-file', f'{cloud.etc}/nova/nova.conf', '--config-file']
    programs = {
        'epmd': (epmd_command(cloud), {}),
        'rabbitmq': ([prerequisites.RABBITMQ_SERVER], rabbitmq_environment(cloud)),
        'mariadb': (mariadb_command(cloud), {}),
        'sshd': (sshd_command(cloud), {}),
    }
    for service, (module, threads, environment) in APIS.items():
        program = 'nova-api' if service == 'nova' else service
        programs[program] = (_uwsgi(cloud, service, program, module, threads),
                             {name: value.format(etc=cloud.etc) for name, value in environment.items()})
    for name in ('nova-conductor', 'nova-scheduler'):
        programs[name] = ([str(cloud.bin(name)), *nova, f'{cloud.etc}/nova/nova-db.conf',
                           '--log-file', str(cloud.log_file(name))], {})
    for name in cloud.computes():
        programs[name] = ([str(cloud.bin('nova-compute')), *nova, f'{cloud.etc}/nova/{name}.conf',
                           '--log-file', str(cloud.log_file(name))], {})
    return programs


def _uwsgi(cloud, service, program, module, threads):
    # One process, so that in-process caches are consistent; no keep-alive,
    # which uWSGI's own HTTP socket does not do reliably.
    arguments = ['--pyargv', f'--log-file {cloud.log_file(program)}'] if service == 'nova' else []
    return [str(cloud.bin('uwsgi')), '--http-socket', f'127.0.0.1:{cloud.port(service)}', '--module', f'{module}:application',
            '--master', '--processes', '1', '--threads', str(threads), '--enable-threads', '--lazy-apps', '--die-on-term',
            '--thunder-lock', '--buffer-size', '65535', '--http-chunked-input', '--add-header', 'Connection: close',
            '--hook-master-start', 'unix_signal:15 gracefully_kill_them_all', '--disable-logging',
            '--procname-prefix', f'{service}-', *arguments]


def _program(cloud, name, command, environment):
    # Nothing starts by itself, neither at first nor again: a killed program
    # stays dead until somebody acts.
    text = f'''\
[program:{name}]
command={shlex.join(command)}
directory={cloud.dir}
autostart=false
autorestart=false
startsecs=0
stopsignal=TERM
stopwaitsecs=15
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={cloud.log}/{name}.out
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
'''
    if environment:
        text += 'environment=' + ','.join(f'{key}="{value}"' for key, value in environment.items()) + '\n'
    return text
