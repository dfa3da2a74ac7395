import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { ProcessStatus } from '../../../core/activities.ts'
import { CommandWords, Ssh, type Supervised } from '../../../core/ssh.ts'
import { isAnother } from '../../../policies/supervisors/process-status.ts'
import { supervisorOf } from '../../../policies/supervisors/supervisor.ts'

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
const nowMs = Date.parse('2026-11-20T12:00:00Z')
const ok = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' })

/** A service as steward.yaml has it, with its defaults. */
function supervised(service: object, host = 'compute1') {
  const hosts = { [host]: { address: 'a', services: { it: service } } }
  const ssh = Ssh.parse({ user: 'steward', keyFile: 'k', knownHostsFile: 'h', hosts })
  return supervisorOf(ssh.hosts[host]?.services.it as Supervised, host)
}

const services = [
  { supervisor: 'systemd', name: 'nova-compute@1.service' },
  { supervisor: 'supervisor', name: 'nova:compute' },
  { supervisor: 'docker', name: 'nova_compute' },
  { supervisor: 'podman', name: 'nova_compute' },
  { supervisor: 'kubernetes', kind: 'deployment', namespace: 'openstack', name: 'nova-scheduler' },
  { supervisor: 'kubernetes', kind: 'statefulset', namespace: 'openstack', name: 'nova-scheduler' },
  {
    supervisor: 'kubernetes',
    kind: 'daemonset',
    namespace: 'openstack',
    selector: 'app.kubernetes.io/name=nova,tier=compute',
  },
  { supervisor: 'pacemaker', name: 'cinder-volume' },
  { supervisor: 'pacemaker', name: 'haproxy', node: 'ctl1' },
]

describe.each(services)('what is sent for $supervisor', (service) => {
  it('is made of words that no shell interprets, with sudo and a path where steward.yaml says so', () => {
    const plain = supervised(service)
    const other = supervised({ ...service, sudo: true, program: '/opt/bin/it' })
    for (const part of ['look', 'restart', 'reset'] as const) {
      const [, ...rest] = plain[part] ?? ['']
      if (!plain[part]) continue
      expect(CommandWords.parse(plain[part])).toEqual(plain[part])
      const isOpen = service.supervisor === 'systemd' && part === 'look'
      expect(other[part]).toEqual([...(isOpen ? [] : ['sudo', '-n']), '/opt/bin/it', ...rest])
    }
  })
})

describe('what is sent', () => {
  it.each([
    ['systemctl restart nova-compute@1.service', services[0]],
    ['supervisorctl restart nova:compute', services[1]],
    ['docker restart nova_compute', services[2]],
    ['podman restart nova_compute', services[3]],
    ['kubectl --namespace=openstack rollout restart deployment/nova-scheduler', services[4]],
    [
      'kubectl --namespace=openstack delete pods --selector=app.kubernetes.io/name=nova,tier=compute --field-selector=spec.nodeName=compute1 --wait=false',
      services[6],
    ],
    ['crm_resource --restart --resource=cinder-volume', services[7]],
    ['crm_resource --restart --resource=haproxy --node=ctl1', services[8]],
  ])('to restart: %s', (line, service) => {
    expect(supervised(service ?? {}).restart.join(' ')).toBe(line)
  })

  it.each([
    ['an option for a name', { supervisor: 'systemd', name: '--force' }],
    ['a word with a blank', { supervisor: 'docker', name: 'a b' }],
    ['a daemon set by name', { supervisor: 'kubernetes', kind: 'daemonset', namespace: 'o', name: 'nova' }],
    ['a deployment by selector', { supervisor: 'kubernetes', kind: 'deployment', namespace: 'o', selector: 'a=b' }],
    ['a relative program', { supervisor: 'systemd', name: 'a', program: 'bin/systemctl' }],
    ['a supervisor nobody knows', { supervisor: 'upstart', name: 'a' }],
  ])('is refused by the configuration: %s', (_what, service) => {
    expect(() => supervised(service)).toThrow()
  })
})

describe('systemd', () => {
  const said = new Map(
    fixture('systemd.txt')
      .split(/^## /m)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]),
  )
  const read = (name: string) => supervised({ supervisor: 'systemd', name: 'it' }).read(ok(said.get(name) ?? ''), nowMs)

  it('says what a unit is at', () => {
    expect(read('running')).toEqual({ pid: 28, state: 'running', instance: '6476e4dc08ac4d2e8807f5be7b49acf4' })
    expect(read('stopped')).toEqual({ pid: 0, state: 'stopped' })
    expect(read('not there')).toBe('no such service')
    expect(read('crashed, waits for its automatic restart')).toMatchObject({ pid: 0, state: 'changing' })
    expect(read('crashed too often')).toMatchObject({ pid: 0, state: 'failed' })
    expect(read('restarted too often by people')).toMatchObject({ state: 'failed' })
  })

  it('tells a restarted unit from the one of before', () => {
    const before = read('running') as ProcessStatus
    expect(isAnother(read('running after `systemctl restart`') as ProcessStatus, before)).toBe(true)
    expect(isAnother(before, before)).toBe(false)
  })

  it('of a time before invocations tells by the time of the start', () => {
    const old = (said.get('running') ?? '').replace(/^InvocationID.*$/m, '')
    expect(supervised({ supervisor: 'systemd', name: 'it' }).read(ok(old), nowMs)).toMatchObject({
      instance: 'started 58649984653',
    })
  })

  it('says when it was asked to start too often', () => {
    const { isGivenUp } = supervised({ supervisor: 'systemd', name: 'it' })
    const stderr = `Job for nova-compute.service failed because start of the service was attempted too often.
See "systemctl --user status nova-compute.service" and "journalctl --user -xeu nova-compute.service" for details.
To force a start use "systemctl --user reset-failed nova-compute.service"
followed by "systemctl --user start nova-compute.service" again.`
    expect(isGivenUp?.({ exitCode: 1, stdout: '', stderr })).toBe(true)
    expect(
      isGivenUp?.({ exitCode: 5, stdout: '', stderr: 'Failed to restart it.service: Unit it.service not found.' }),
    ).toBe(false)
  })

  it.each(['', "System has not been booted with systemd as init system (PID 1). Can't operate."])(
    'not at work is no word: %j',
    (text) => {
      expect(supervised({ supervisor: 'systemd', name: 'it' }).read(ok(text), nowMs)).toBeUndefined()
    },
  )
})

describe('supervisord', () => {
  // supervisor 4.3.0, with its exit codes
  const read = (stdout: string, exitCode = 0) =>
    supervised({ supervisor: 'supervisor', name: 'it' }).read({ exitCode, stdout, stderr: '' }, nowMs)

  it('says what a program is at', () => {
    expect(read('nova-compute                     RUNNING   pid 3671, uptime 0:00:06\n')).toEqual({
      ...{ pid: 3671, state: 'running', instance: 'pid 3671' },
      startedEpochSeconds: nowMs / 1000 - 6,
    })
    expect(read('it   RUNNING   pid 9, uptime 2 days, 1:00:00\n')).toMatchObject({
      startedEpochSeconds: nowMs / 1000 - 49 * 3600,
    })
    expect(
      read('dead                             FATAL     Exited too quickly (process log may have details)\n', 3),
    ).toEqual({
      ...{ pid: 0, state: 'failed' },
    })
    expect(read('off                              STOPPED   Not started\n', 3)).toEqual({ pid: 0, state: 'stopped' })
    expect(read('it   STARTING  \n', 3)).toEqual({ pid: 0, state: 'changing' })
    expect(read('nosuch: ERROR (no such process)\n', 4)).toBe('no such service')
    expect(read('unix:///run/supervisor.sock no such file\n', 4)).toBeUndefined()
  })
})

describe.each(['docker', 'podman'])('%s', (program) => {
  const state = (changes: object) => ({
    ...{ Status: 'running', Running: true, Paused: false, Restarting: false, OOMKilled: false, Dead: false },
    ...{
      Pid: 972,
      ExitCode: 0,
      Error: '',
      StartedAt: '2026-11-20T11:50:50.598661698Z',
      FinishedAt: '0001-01-01T00:00:00Z',
    },
    ...changes,
  })
  const { read } = supervised({ supervisor: program, name: 'it' })
  const inspected = (changes: object) => read(ok(JSON.stringify([{ Id: 'c4', State: state(changes) }])), nowMs)

  it('says what a container is at', () => {
    expect(inspected({})).toEqual({
      ...{ pid: 972, state: 'running', instance: '2026-11-20T11:50:50.598661698Z' },
      startedEpochSeconds: Date.parse('2026-11-20T11:50:50Z') / 1000,
    })
    const restarting = { Status: 'restarting', Restarting: true, Pid: 0 }
    expect(inspected(restarting)).toMatchObject({ pid: 0, state: 'changing' })
    expect(inspected({ Status: 'exited', Running: false, Pid: 0 })).toMatchObject({ pid: 0, state: 'stopped' })
    expect(inspected({ Status: 'paused', Paused: true })).toMatchObject({ state: 'stopped' })
    const created = { Status: 'created', Running: false, Pid: 0, StartedAt: '0001-01-01T00:00:00Z' }
    expect(inspected(created)).toEqual({ pid: 0, state: 'stopped' })
    expect(inspected({ StartedAt: '2026-11-20T11:50:50.598661698+02:00' })).toMatchObject({ state: 'running' })
  })

  it.each([
    'Error response from daemon: No such container: it',
    'Error: no such container it',
    'Error: no such object: "it"',
  ])('has no such container: %s', (stderr) =>
    expect(read({ exitCode: 1, stdout: '[]\n', stderr }, nowMs)).toBe('no such service'),
  )

  it.each(['Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'])(
    'not at work is no word: %s',
    (stderr) => expect(read({ exitCode: 1, stdout: '[]\n', stderr }, nowMs)).toBeUndefined(),
  )
})

describe('kubernetes', () => {
  const workload = (status: object, restartedAt?: string, spec: object = {}) =>
    JSON.stringify({
      metadata: { name: 'nova-scheduler', generation: 4 },
      spec: {
        replicas: 3,
        ...spec,
        template: {
          metadata: { ...(restartedAt && { annotations: { 'kubectl.kubernetes.io/restartedAt': restartedAt } }) },
        },
      },
      status: { observedGeneration: 4, replicas: 3, updatedReplicas: 3, readyReplicas: 3, ...status },
    })
  const { read } = supervised(services[4] ?? {})

  it('says what a deployment is at', () => {
    expect(read(ok(workload({})), nowMs)).toEqual({ pid: 0, state: 'running', instance: 'never restarted' })
    expect(read(ok(workload({}, '2026-11-20T12:57:32+08:00')), nowMs)).toMatchObject({
      instance: '2026-11-20T12:57:32+08:00',
    })
    const gaveUp = { conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }] }
    for (const [status, state] of [
      [{ observedGeneration: 3 }, 'changing'],
      [{ updatedReplicas: 1 }, 'changing'],
      [{ readyReplicas: undefined }, 'changing'],
      [{ replicas: 4 }, 'changing'],
      [{ readyReplicas: 2, ...gaveUp }, 'failed'],
    ] as const)
      expect(read(ok(workload(status)), nowMs)).toMatchObject({ state })
    expect(read(ok(workload({}, undefined, { replicas: 0 })), nowMs)).toMatchObject({ state: 'stopped' })
  })

  it('says that there is none, or nothing', () => {
    const stderr = 'Error from server (NotFound): deployments.apps "nova-scheduler" not found'
    expect(read({ exitCode: 1, stdout: '', stderr }, nowMs)).toBe('no such service')
    const refused = 'The connection to the server localhost:8080 was refused - did you specify the right host or port?'
    expect(read({ exitCode: 1, stdout: '', stderr: refused }, nowMs)).toBeUndefined()
  })

  it('says what the pod of a daemon set on its node is at', () => {
    const node = supervised(services[6] ?? {})
    const pod = (uid: string, ready = true, restartCount = 0, deletionTimestamp?: string) => ({
      metadata: { uid, deletionTimestamp },
      status: { phase: 'Running', containerStatuses: [{ ready, restartCount }] },
    })
    const said = (...items: object[]) => node.read(ok(JSON.stringify({ items })), nowMs)
    expect(said(pod('a', true, 2))).toEqual({ pid: 0, state: 'running', instance: 'a, 2 restarts' })
    expect(said(pod('a', false))).toMatchObject({ state: 'changing' })
    expect(said(pod('a', true, 0, '2026-11-20T12:00:00Z'))).toEqual({ pid: 0, state: 'changing' })
    expect(said(pod('a', true, 0, '2026-11-20T12:00:00Z'), pod('b', false))).toMatchObject({
      instance: 'b, 0 restarts',
    })
    expect(said()).toEqual({ pid: 0, state: 'stopped' })
  })
})

describe('pacemaker', () => {
  const read = (name: string, node?: string, xml = fixture('pacemaker.xml')) =>
    supervised({ supervisor: 'pacemaker', name, ...(node && { node }) }).read(ok(xml), nowMs)

  it('says what a resource is at, and counts its starts', () => {
    expect(read('cinder-volume')).toEqual({
      ...{ pid: 0, state: 'running' },
      instance: 'ctl1 start 18 Fri Nov 20 10:01:06 2026',
    })
    expect(read('manila-share')).toEqual({ pid: 0, state: 'stopped' })
    expect(read('cinder-backup')).toMatchObject({ state: 'failed' })
    expect(read('haproxy', 'ctl1')).toMatchObject({ instance: 'ctl1 start 12 Fri Nov 20 10:00:00 2026' })
    expect(read('haproxy', 'ctl2')).toMatchObject({ instance: 'ctl2 start 11 Fri Nov 20 09:00:00 2026' })
    expect(read('haproxy', 'ctl3')).toEqual({ pid: 0, state: 'stopped' })
    expect(read('octavia')).toBe('no such service')
    expect(read('octavia', undefined, 'crm_mon: Connection to cluster failed: Transport endpoint')).toBeUndefined()
  })

  it('says that a resource is on its way', () => {
    const xml = fixture('pacemaker.xml').replace(
      'id="cinder-volume" resource_agent',
      'id="cinder-volume" pending="Starting" resource_agent',
    )
    expect(read('cinder-volume', undefined, xml)).toMatchObject({ state: 'changing' })
  })
})

describe('a service is another one than before', () => {
  const of = (state: ProcessStatus['state'], instance?: string, pid = 1): ProcessStatus => ({
    ...{ pid, ...(state && { state }) },
    ...(instance !== undefined && { instance }),
  })
  it.each([
    ['with a new instance', of('running', 'b'), of('running', 'a'), true],
    ['with the same one', of('running', 'a'), of('running', 'a'), false],
    ['with a new instance that has died since', of('failed', 'b', 0), of('running', 'a'), true],
    ['that is being stopped', of('changing', 'a', 0), of('running', 'a'), false],
    ['that was stopped and forgotten', of('stopped', undefined, 0), of('running', 'a'), false],
    ['that did not run and does', of('running', 'a'), of('stopped', undefined, 0), true],
    ['seen in another way before', of('running', 'a', 100), { pid: 100 }, false],
    ['that is gone', null, of('running', 'a'), false],
  ])('%s: %j after %j is %s', (_what, now, before, is) => {
    expect(isAnother(now, before)).toBe(is)
  })
})
