import { MockActivityEnvironment } from '@temporalio/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { FindService } from '../../../activities/ssh/services.ts'
import { createWatchActivities } from '../../../activities/ssh/watch.ts'
import type { ProcessStatus } from '../../../core/activities.ts'
import { codeOf } from '../../../core/errors.ts'
import { Ssh } from '../../../core/ssh.ts'
import { rejection } from '../../openstack/server.ts'
import { passing, stopTheClock } from '../rig.ts'

const target = { host: 'ctl1', binary: 'neutron-server' }
const running = (instance: string): ProcessStatus => ({ pid: 1, state: 'running', instance })
const dead: ProcessStatus = { pid: 0, state: 'failed', instance: 'a' }

beforeEach(stopTheClock)

/** Waits for a service that looks like this every five seconds; the last look is repeated. */
function watch(...looks: (ProcessStatus | null)[]) {
  let at = 0
  const look = async () => looks[Math.min(at++, looks.length - 1)] ?? null
  const find = (() => ({ supervision: { look } })) as unknown as FindService
  const { awaitProcessUp } = createWatchActivities({ ssh: undefined, find, pause: passing() })
  const startMs = Date.now()
  const environment = new MockActivityEnvironment({
    ...{ scheduledTimestampMs: startMs, currentAttemptScheduledTimestampMs: startMs },
  })
  return environment.run(() => awaitProcessUp({ ...target, stableSeconds: 20, withinSeconds: 60 }))
}

describe('a service that its supervisor watches', () => {
  it('is stable when it was the same one all the time', async () => {
    expect(await watch(dead, null, running('b'))).toEqual({ outcome: 'stable', upAfterMs: 10_000 })
  })

  it('is down again when it is not there any more', async () => {
    expect(await watch(running('b'), dead)).toEqual({ outcome: 'down again', upAfterMs: 0 })
  })

  it('is down again when it has crashed and was started again between two looks', async () => {
    expect(await watch(running('b'), running('c'))).toEqual({ outcome: 'down again', upAfterMs: 0 })
  })

  it('is given up when it does not come', async () => {
    expect(codeOf(await rejection(watch(dead)))).toBe('SERVICE_STILL_DOWN')
  })
})

describe('what steward.yaml says of a service', () => {
  const ssh = Ssh.parse({
    ...{ user: 'steward', keyFile: 'k', knownHostsFile: 'h' },
    hosts: {
      ctl1: {
        address: 'a',
        services: {
          'neutron-server': { supervisor: 'systemd', name: 'neutron-server', seenBy: 'process' },
          'nova-conductor': { supervisor: 'docker', name: 'nova_conductor' },
          'nova-compute': { restart: ['restart', 'it'] },
          'rabbitmq-server': {
            ...{ supervisor: 'systemd', name: 'rabbitmq-server', seenBy: 'nova' },
            cluster: { kind: 'rabbitmq', name: 'rabbit' },
          },
        },
      },
      ctl2: {
        address: 'b',
        services: {
          it: { supervisor: 'systemd', name: 'rabbitmq-server', cluster: { kind: 'rabbitmq', name: 'rabbit' } },
        },
      },
    },
  })
  const { describeService } = createWatchActivities({ ssh, find: undefined as never, pause: passing() })

  it.each([
    ['neutron-server', 'process', true],
    ['nova-conductor', 'nova', true],
    ['nova-compute', 'nova', false],
    ['cinder-volume', 'nova', false],
  ])('%s is seen by %s', async (binary, seenBy, isSupervised) => {
    expect(await describeService({ host: 'ctl1', binary })).toEqual({ seenBy, isSupervised })
    expect(await describeService({ host: 'ctl9', binary })).toEqual({ seenBy: 'nova', isSupervised: false })
  })

  it('a member of a cluster is seen by its supervisor, because Nova lists none', async () => {
    expect(await describeService({ host: 'ctl1', binary: 'rabbitmq-server' })).toEqual({
      ...{ seenBy: 'process', isSupervised: true, cluster: 'rabbit' },
    })
  })
})
