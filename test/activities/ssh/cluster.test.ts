import { readFileSync } from 'node:fs'
import { MockActivityEnvironment } from '@temporalio/testing'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createClusterActivities } from '../../../activities/ssh/cluster.ts'
import type { Connection } from '../../../activities/ssh/connection.ts'
import { codeOf, failure } from '../../../core/errors.ts'
import { Ssh } from '../../../core/ssh.ts'
import { startSshd } from '../../fakes/sshd.ts'
import { rejection } from '../../openstack/server.ts'
import { passing, stopTheClock } from '../rig.ts'
import { activitiesOf, configOf } from './bench.ts'

const fixture = (name: string) =>
  readFileSync(new URL(`../../policies/clusters/fixtures/${name}`, import.meta.url), 'utf8')
const whole = fixture('rabbitmq-whole.json')
const missing = fixture('rabbitmq-missing.json')
const target = { host: 'ctl3', binary: 'rabbitmq-server' }

const rabbit = { supervisor: 'systemd', name: 'rabbitmq-server', cluster: { kind: 'rabbitmq', name: 'rabbit' } }
const host = { address: 'a', services: { 'rabbitmq-server': rabbit } }
const config = Ssh.parse({
  ...{ user: 'steward', keyFile: 'k', knownHostsFile: 'h' },
  hosts: { ctl1: host, ctl2: host, ctl3: host, cmp1: { address: 'a' } },
})

type Says = string | Error
interface Cluster {
  /** What each host says of the cluster, one look after the other; the last one is repeated. */
  health: Readonly<Record<string, Says | readonly Says[]>>
  spare?: { exitCode: number; stdout: string }
}

/** Activities in a cluster that answers like this, and what it was asked. */
function working({ health, spare = { exitCode: 0, stdout: '' } }: Cluster) {
  const asked: string[] = []
  const connection: Connection = {
    config,
    hostOf: (name) => config.hosts[name],
    async send({ host: at, words }) {
      asked.push(`${at}: ${words.slice(-1)}`)
      return { ...spare, stderr: '', cutBytes: 0 }
    },
    async output({ host: at }) {
      const before = asked.filter((line) => line === at).length
      asked.push(at)
      const answers = [health[at] ?? ''].flat()
      const said = answers[Math.min(before, answers.length - 1)] ?? ''
      if (said instanceof Error) throw said
      return said
    },
  }
  const { checkCluster, awaitCluster } = createClusterActivities(connection, passing())
  const environment = () => new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: Date.now() })
  return {
    asked,
    check: (of = target): Promise<void> => environment().run(() => checkCluster(of)),
    wait: (): Promise<void> => environment().run(() => awaitCluster({ ...target, withinSeconds: 30 })),
  }
}

const away = failure('SSH_UNREACHABLE', 'no SSH connection to ctl2: no route to host')

beforeEach(stopTheClock)

describe('a member of a cluster', () => {
  it('may be restarted when all others are well; one that is dead is not asked whether it can be spared', async () => {
    const { check, asked } = working({ health: { ctl1: missing, ctl2: missing } })
    await check()
    expect(asked).toEqual(['ctl1', 'ctl2'])
  })

  it('that is up is asked whether the others can do without it', async () => {
    const { check, asked } = working({ health: { ctl1: whole, ctl2: whole } })
    await check()
    expect(asked).toEqual(['ctl1', 'ctl2', 'ctl3: check_if_node_is_quorum_critical'])
  })

  it.each([
    [
      'one of the others is missing',
      { health: { ctl2: missing, ctl1: missing, ctl3: missing } },
      { host: 'ctl1', binary: 'rabbitmq-server' },
      'rabbit: rabbit@ctl3 is not running, as ctl2 sees it',
    ],
    [
      'one of the others cannot be asked',
      { health: { ctl1: whole, ctl2: away } },
      target,
      'rabbit: no SSH connection to ctl2: no route to host',
    ],
    [
      'queues would lose their quorum',
      {
        health: { ctl1: whole, ctl2: whole },
        spare: { exitCode: 69, stdout: "queue 'q' in vhost '/' would lose quorum if node rabbit@ctl3 is stopped\n" },
      },
      target,
      "rabbit: ctl3 cannot be spared: queue 'q' in vhost '/' would lose quorum if node rabbit@ctl3 is stopped",
    ],
  ])('is not restarted when %s', async (_what, cluster, of, sentence) => {
    const error = await rejection(working(cluster).check(of))
    expect([codeOf(error), error.message]).toEqual(['CLUSTER_DEGRADED', sentence])
    expect(error).toMatchObject({ nonRetryable: true })
  })

  it('is not asked for when steward.yaml has no cluster there', async () => {
    const none = working({ health: {} }).check({ host: 'cmp1', binary: 'nova-compute' })
    expect(codeOf(await rejection(none))).toBe('SSH_NOT_CONFIGURED')
  })
})

describe('after the restart', () => {
  it('everybody is waited for, the restarted member included', async () => {
    const health = { ctl1: [missing, missing, whole], ctl2: [missing, away, whole], ctl3: [away, whole] }
    const { wait, asked } = working({ health })
    await wait()
    expect(asked).toHaveLength(9)
  })

  it('a cluster that does not become whole is for people', async () => {
    const error = await rejection(working({ health: { ctl1: missing, ctl2: missing, ctl3: away } }).wait())
    expect(codeOf(error)).toBe('CLUSTER_DEGRADED')
    expect(error.message).toMatch(/^rabbit: not whole again within 30 s: /)
  })
})

it('a member of Galera is asked in SQL, which no shell sees', async () => {
  const sshd = await startSshd()
  onTestFinished(sshd.stop)
  await sshd.write(
    'status',
    fixture('galera-one-node.tsv').replace(/^wsrep_cluster_size\t1$/m, 'wsrep_cluster_size\t2'),
  )
  await sshd.program('mysql', 'cat > sql; cat status')
  const cluster = { kind: 'galera', name: 'database' } as const
  const base = configOf(sshd)
  const services = { mariadb: { supervisor: 'systemd', name: 'mariadb', cluster } } as const
  const compute1 = { ...base.hosts.compute1, services }
  const galera = Ssh.parse({ ...base, hosts: { compute1, compute2: compute1 } })
  await activitiesOf(galera).run(({ checkCluster }) => checkCluster({ host: 'compute1', binary: 'mariadb' }))
  expect(await sshd.asked()).toEqual(['mysql --batch --skip-column-names'])
  expect(await sshd.read('sql')).toBe("SHOW GLOBAL STATUS LIKE 'wsrep_%';\n")
})
