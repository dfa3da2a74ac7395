import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ClusterMember, CommandWords, clustersOf, Ssh } from '../../../core/ssh.ts'
import { healthOf, kindOf, sentTo } from '../../../policies/clusters/cluster.ts'

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
const base = { user: 'steward', keyFile: 'k', knownHostsFile: 'h' }

/** Three hosts with one member each. */
function membersOf(
  kind: 'rabbitmq' | 'galera',
  more: object = {},
): readonly [ClusterMember, ClusterMember, ClusterMember] {
  const service = { supervisor: 'systemd', name: kind, sudo: true, cluster: { kind, name: 'main', ...more } }
  const host = { address: 'a', services: { [kind]: service } }
  const ssh = Ssh.parse({ ...base, hosts: { ctl1: host, 'ctl2.example.com': host, ctl3: host } })
  return clustersOf(ssh).get('main') as never
}

describe('RabbitMQ', () => {
  const members = membersOf('rabbitmq')
  const [one, two, three] = members
  const { faultOf, isUp } = kindOf(one)
  const whole = fixture('rabbitmq-whole.json')
  const missing = fixture('rabbitmq-missing.json')
  const edited = (change: (status: Record<string, unknown>) => void) => {
    const status = JSON.parse(whole)
    change(status)
    return JSON.stringify(status)
  }

  it('is well when every member sees every member', () => {
    expect(
      faultOf(
        members.map((member) => ({ member, stdout: whole })),
        members,
      ),
    ).toBeUndefined()
  })

  it('may miss the member that is to be restarted, and no other', () => {
    const reports = [one, two].map((member) => ({ member, stdout: missing }))
    expect(faultOf(reports, members, three)).toBeUndefined()
    expect(isUp(reports, three)).toBe(false)
    expect(isUp(reports, two)).toBe(true)
    expect(faultOf([{ member: two, stdout: missing }], members, one)).toBe(
      'rabbit@ctl3 is not running, as ctl2.example.com sees it',
    )
    expect(faultOf(reports, members)).toBe('rabbit@ctl3 is not running, as ctl1 sees it')
  })

  it.each([
    [
      'with a partition',
      edited((s) => Object.assign(s, { partitions: { 'rabbit@ctl1': ['rabbit@ctl2'] } })),
      /partition/,
    ],
    [
      'with a member forgotten',
      edited((s) => Object.assign(s, { disk_nodes: ['rabbit@ctl1', 'rabbit@ctl2'] })),
      /2 nodes/,
    ],
    ['with a stranger', whole.replaceAll('rabbit@ctl3', 'rabbit@ctl4'), /no node of ctl3/],
    [
      'with a member under maintenance',
      edited((s) => Object.assign(s, { maintenance_status: { 'rabbit@ctl2': 'under maintenance' } })),
      /rabbit@ctl2 is under maintenance/,
    ],
    ['that says nothing', 'Error: unable to perform an operation on node', /nobody can read/],
  ])('is not well %s', (_what, stdout, why) => {
    expect(faultOf([{ member: two, stdout }], members, one)).toMatch(why)
  })

  it('of an older version has its partitions as a list', () => {
    const stdout = edited((s) => Object.assign(s, { partitions: [] }))
    expect(faultOf([{ member: two, stdout }], members, one)).toBeUndefined()
  })

  it('may call its nodes otherwise', () => {
    const named = membersOf('rabbitmq', { node: 'rabbit@ctl1' })
    expect(kindOf(named[0]).isUp([{ member: named[1], stdout: missing }], named[2])).toBe(true)
  })
})

describe('Galera', () => {
  const members = membersOf('galera')
  const [one, two, three] = members
  const { faultOf, isUp } = kindOf(one)
  const said = (size: number, change: (text: string) => string = (text) => text) =>
    change(fixture('galera-one-node.tsv').replace(/^wsrep_cluster_size\t1$/m, `wsrep_cluster_size\t${size}`))
  const both = (stdout: string) => [two, three].map((member) => ({ member, stdout }))

  it('is well when every member is synced in a cluster of all', () => {
    expect(
      faultOf(
        members.map((member) => ({ member, stdout: said(3) })),
        members,
      ),
    ).toBeUndefined()
    expect(
      faultOf(
        members.map((member) => ({ member, stdout: said(2) })),
        members,
      ),
    ).toMatch(/cluster of 2/)
  })

  it('may miss the member that is to be restarted, and no other', () => {
    expect(faultOf(both(said(2)), members, one)).toBeUndefined()
    expect(faultOf(both(said(3)), members, one)).toBeUndefined()
    expect(faultOf(both(said(1)), members, one)).toMatch(/cluster of 1, steward.yaml has 3/)
    expect([isUp(both(said(2)), one), isUp(both(said(3)), one)]).toEqual([false, true])
  })

  it.each([
    [
      'that lost its quorum',
      (text: string) => text.replace('Primary', 'non-Primary'),
      /wsrep_cluster_status non-Primary/,
    ],
    ['that gives its data to another', (text: string) => text.replace('Synced', 'Donor/Desynced'), /Donor\/Desynced/],
    ['that is not ready', (text: string) => text.replace(/^wsrep_ready\tON$/m, 'wsrep_ready\tOFF'), /wsrep_ready OFF/],
    ['without Galera', () => '', /wsrep_cluster_status missing/],
  ])('is not well with a member %s', (_what, change, why) => {
    expect(faultOf(both(said(3, change)), members, one)).toMatch(why)
  })

  it('that has fallen apart in two is not well', () => {
    const other = said(2, (text) => text.replace(/^(wsrep_cluster_state_uuid\t).*$/m, '$1another'))
    const [report, another] = both(said(2))
    expect(faultOf([report, { ...another, stdout: other }] as never, members, one)).toMatch(/different clusters/)
  })
})

describe('what members are asked', () => {
  it.each(['rabbitmq', 'galera'] as const)('is made of words that no shell interprets: %s', (kind) => {
    const [one] = membersOf(kind)
    expect(CommandWords.parse(healthOf(one))).toEqual(['sudo', '-n', ...kindOf(one).health])
    const { spare } = kindOf(one)
    if (spare) expect(CommandWords.parse(sentTo(one, spare))).toEqual(['sudo', '-n', ...spare])
  })

  it('may be asked in a container, or in other words', () => {
    const [contained] = membersOf('rabbitmq', { through: ['docker', 'exec', 'rabbitmq'] })
    expect(healthOf(contained).slice(0, 4)).toEqual(['docker', 'exec', 'rabbitmq', 'rabbitmqctl'])
    const [own] = membersOf('galera', { health: ['/usr/local/bin/wsrep-status'] })
    expect(healthOf(own)).toEqual(['/usr/local/bin/wsrep-status'])
  })
})

describe('a cluster in steward.yaml', () => {
  const member = (cluster: object) => ({ supervisor: 'systemd', name: 'it', cluster })
  const rabbit = { kind: 'rabbitmq', name: 'main' }
  const why = (services: object, others: object = { it: member(rabbit) }) =>
    Ssh.safeParse({ ...base, hosts: { a: { address: 'a', services }, b: { address: 'b', services: others } } }).error
      ?.message

  it('has one member on each of two hosts or more, all of one kind', () => {
    expect(why({ it: member(rabbit) })).toBeUndefined()
    expect(why({ it: member(rabbit) }, {})).toMatch(/one member only/)
    expect(why({ it: member({ kind: 'galera', name: 'main' }) })).toMatch(/differ in kind/)
    expect(why({ it: member(rabbit), other: member(rabbit) })).toMatch(/two members on one host/)
  })
})
