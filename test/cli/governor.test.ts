import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { failure } from '../../core/errors.ts'
import type { IncidentCommand } from '../../core/incident.ts'
import { asking, incidentId, planId } from '../api/asking.ts'
import { closedPort } from '../openstack/server.ts'
import { installation, login, steward } from './steward.ts'

/** Lines of words, without the spaces between columns. */
const rowsOf = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/))

describe('steward incident', () => {
  /** An incident that asks, and what its desk hears. */
  async function desk() {
    const heard: IncidentCommand[] = []
    const asked: string[] = []
    const installed = await installation({
      incidents: {
        show: async () => asking(),
        list: async (limit, filter) => {
          asked.push(JSON.stringify([limit, filter]))
          return [asking({ takenOverBy: 'olga' })]
        },
      },
      async command(_id, command) {
        heard.push(command)
        return asking({ acknowledgedBy: 'steward' })
      },
    })
    const run = (...args: string[]) => steward(installed.env, '--api', installed.url, 'incident', ...args)
    return { heard, asked, run }
  }

  it('lists those of a state, host and policy, with who has them', async () => {
    const { run, asked } = await desk()
    const { out } = await run(
      'list',
      '--state',
      'asking',
      '--host',
      'cmp-1',
      '--policy',
      'host-cpu-high',
      '--limit',
      '5',
    )
    expect(asked).toEqual(['[5,{"state":"asking","host":"cmp-1","policy":"host-cpu-high"}]'])
    expect(rowsOf(out)[1]?.slice(1, 5)).toEqual(['asking', 'host-cpu-high', 'cmp-1', 'olga'])
  })

  it.each<[args: string[], command: object]>([
    [['ack', incidentId], { does: 'acknowledge' }],
    [['comment', incidentId, 'the', 'fan is loud'], { does: 'comment', text: 'the fan is loud' }],
    [['take-over', incidentId], { does: 'take-over' }],
    [['take-over', incidentId, '--why', 'mine'], { does: 'take-over', why: 'mine' }],
    [['hand-back', incidentId, '--why', 'done'], { does: 'hand-back', why: 'done' }],
    [['close', incidentId, '--why', 'a drill'], { does: 'close', why: 'a drill' }],
    [['approve', incidentId, '--plan', planId], { does: 'answer', planId, says: 'approved' }],
    [
      ['approve', incidentId, '--plan', '7B0C4A52', '--why', 'ok'],
      { does: 'answer', planId, says: 'approved', why: 'ok' },
    ],
    [['reject', incidentId, '--plan', '7b0c4a52'], { does: 'answer', planId, says: 'rejected' }],
  ])('%j is taken to its desk, and shows what became of it', async (args, command) => {
    const { run, heard } = await desk()
    const { out, err, code } = await run(...args)
    expect([err, code]).toEqual(['', 0])
    expect(heard).toEqual([{ ...command, by: expect.objectContaining({ name: 'steward' }) }])
    expect(out).toMatch(/^ASKING {2,}waits for a person's answer/)
    expect(out).toContain('steward, who has seen it')
  })

  it.each(['7b0c4a5', 'deadbeef', '7b0c4a52-0000', ''])(
    'answers no plan but the one that was read (%j)',
    async (plan) => {
      const { run, heard } = await desk()
      const { err, code } = await run('approve', incidentId, '--plan', plan)
      expect([code, heard]).toEqual([1, []])
      expect(err).toContain(`the plan that is asked about is ${planId}: move 2 servers off cmp-1`)
    },
  )

  it.each([
    ['approve', incidentId],
    ['reject', incidentId],
    ['close', incidentId],
    ['approval-link', incidentId],
  ])('wants to be told more (%s)', async (...args) => {
    const { run, heard } = await desk()
    const { err, code } = await run(...args)
    expect([code, heard]).toEqual([1, []])
    expect(err).toContain('required option')
  })

  it('makes a link for somebody else', async () => {
    const { run } = await desk()
    const { out } = await run('approval-link', incidentId, '--for', 'bob', '--expires', '20m')
    expect(out).toMatch(
      /^link {5}https:\/\/steward\.example\/approve\/[\w-]+\.[\w-]+\nexpires {2}2026-11-21T01:20:00\.000Z\n$/,
    )
  })
})

describe('steward stop', () => {
  it('is pressed, shown and released', async () => {
    const { url, env } = await installation()
    const run = (...args: string[]) => steward(env, '--api', url, ...args)
    expect((await run('stop', 'show')).out).toBe('stop     not stopped\n')
    expect((await run('stop', '--why', 'storage')).out).toMatch(
      /^stop +STOPPED: nothing new.+\nby +steward\n.+\nwhy +storage\n/,
    )
    expect((await run('stop')).out).toMatch(/\nwhy +storage\n/)
    expect((await run('mode')).out).toMatch(/\neverything +STOPPED +steward .+storage\n/)
    expect((await run('resume', '--why', 'done')).out).toMatch(/^stop +released\nwas by +steward\n/)
    expect((await run('stop', 'show')).out).toBe('stop     not stopped\n')
    expect((await run('resume')).code).toBe(1)
  })

  it('needs no reason, and no time to think of one', async () => {
    const { url, env } = await installation()
    const { out } = await steward(env, '--api', url, '--json', 'stop')
    expect(JSON.parse(out)).toMatchObject({ stopped: true, state: { why: 'no reason given' } })
  })

  it.each([
    ['the API', async () => ({ env: (await installation()).env, url: `http://127.0.0.1:${await closedPort()}` })],
    ['Keystone', async () => ({ env: login(`http://127.0.0.1:${await closedPort()}`), url: 'http://127.0.0.1:1' })],
    [
      'Temporal',
      async () =>
        installation({
          stop: {
            press: async () => {
              throw failure('ENGINE_UNREACHABLE', 'Temporal does not answer')
            },
          },
        }),
    ],
  ])('that did not work because %s does not answer names the other way', async (_what, prepare) => {
    const { env, url } = await prepare()
    const { err, code } = await steward(env, '--api', url, 'stop', '--why', 'storage')
    expect(code).toBe(1)
    expect(err).toMatch(/^steward: NOT stopped: .+; on every machine with a worker: steward stop --file/)
  })

  it('works by a file when there is no API, with nothing but this machine', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'steward-stop-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const config = join(folder, 'steward.yaml')
    await writeFile(config, 'dataDir: data\n')
    const run = (...args: string[]) => steward({}, ...args, '--file', '-c', config)
    const pressed = await run('stop', '--why', 'the API is down')
    expect([pressed.err, pressed.code]).toEqual(['', 0])
    expect(pressed.out).toMatch(/^stop +STOPPED/)
    expect(pressed.out).toMatch(/\nwhy +the API is down\npressed +by a file on a machine\n/)
    expect(pressed.out).toContain(join(folder, 'data', 'STOP'))
    expect(JSON.parse(await readFile(join(folder, 'data', 'STOP'), 'utf8'))).toMatchObject({ why: 'the API is down' })
    expect((await run('resume', '--why', 'over')).out).toMatch(/^stop +released\n/)
    await expect(readFile(join(folder, 'data', 'STOP'))).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await run('resume', '--why', 'over')).out).toMatch(/^stop +not stopped\n/)
  })
})

describe('steward mode', () => {
  it('shows what counts, sets and takes back', async () => {
    const { url, env } = await installation({ brakes: { mode: 'observe' } })
    const run = (...args: string[]) => steward(env, '--api', url, 'mode', ...args)
    expect(rowsOf((await run()).out)[1]).toEqual(['all', 'observe', 'steward.yaml', '-', '-'])
    await run('set', 'auto', '--policy', 'host-cpu-high', '--why', 'ten good ones')
    await run('set', 'ask', '--runbook', 'restart-service', '--why', 'new image')
    const set = await run('set', 'ask', '--why', 'a week was fine')
    expect(rowsOf(set.out).map(([scope, mode]) => [scope, mode])).toEqual([
      ['SCOPE', 'MODE'],
      ['all', 'ask'],
      ['policy/host-cpu-high', 'auto'],
      ['runbook/restart-service', 'ask'],
    ])
    expect(rowsOf((await run('clear')).out)[1]?.slice(0, 3)).toEqual(['all', 'observe', 'steward.yaml'])
    await run('clear', '--policy', 'host-cpu-high')
    expect(rowsOf((await run('clear', '--runbook', 'restart-service')).out)).toHaveLength(2)
  })

  it.each([
    ['set', 'on', '--why', 'x'],
    ['set', 'auto'],
    ['set', 'auto', '--why', 'x', '--policy', 'a', '--runbook', 'b'],
    ['set', 'auto', '--why', 'x', '--policy', 'host-cpu-hihg'],
  ])('refuses mode %s %s %s', async (...args) => {
    const { url, env } = await installation()
    expect((await steward(env, '--api', url, 'mode', ...args)).code).toBe(1)
    expect(rowsOf((await steward(env, '--api', url, 'mode')).out)).toHaveLength(2)
  })
})

describe('steward lease', () => {
  it('takes, lists, extends and releases', async () => {
    const { url, env } = await installation()
    const run = (...args: string[]) => steward(env, '--api', url, 'lease', ...args)
    const taken = await run('take', 'host/cmp-7', 'server/s1', '--for', '2h', '--why', 'new disk')
    expect(rowsOf(taken.out)).toEqual([
      ['id', expect.any(String)],
      ['targets', 'host/cmp-7, server/s1'],
      ['by', 'steward'],
      ['since', '2026-11-21T01:00:00.000Z'],
      ['until', '2026-11-21T03:00:00.000Z'],
      ['why', 'new disk'],
    ])
    const id = rowsOf(taken.out)[0]?.[1] ?? ''
    expect(rowsOf((await run('list')).out)[1]?.slice(0, 4)).toEqual(['host/cmp-7 server/s1', 'held', 'steward', 'hold'])
    const busy = await run('take', 'host/cmp-7', '--for', '1h', '--why', 'me')
    expect([busy.code, busy.err]).toEqual([1, expect.stringContaining('host/cmp-7 is held by steward: new disk')])
    expect((await run('extend', id, '--for', '3h')).out).toContain('2026-11-21T04:00:00.000Z')
    expect((await run('release', id)).code).toBe(0)
    expect((await run('list')).out).toContain('(none)')
  })

  it('asks again for as long as somebody is willing to wait', async () => {
    const waits: number[] = []
    const { url, env } = await installation({
      governor: {
        async hold(request) {
          waits.push((Date.parse(request.waitUntil) - Date.parse(request.requestedAt)) / 1000)
          const says = waits.length < 3 ? ('refused' as const) : ('granted' as const)
          return {
            requestId: request.id,
            says,
            code: 'TARGET_BUSY',
            at: request.requestedAt,
            rulings: [],
            reason: 'held',
          }
        },
      },
    })
    const args = ['take', 'host/cmp-7', '--for', '2h', '--why', 'x']
    expect((await steward(env, '--api', url, 'lease', ...args, '--wait', '10m')).code).toBe(0)
    expect(waits).toEqual([50, 50, 50])
    waits.length = 0
    expect((await steward(env, '--api', url, 'lease', ...args)).code).toBe(1)
    expect(waits).toEqual([0])
  })
})

describe('steward access check', () => {
  it('prints who may do what by the files of this machine, and asks nobody', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'steward-access-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'steward.yaml'), 'operatorRole: cloud-operator\naccessFile: access.yaml\n')
    const access =
      'roles:\n  reader:\n    - { persona: observer, projects: [ops] }\npersonas:\n  observer: [incidents:read]\n'
    await writeFile(join(folder, 'access.yaml'), access)
    const { out } = await steward({}, 'access', 'check', '-c', join(folder, 'steward.yaml'))
    const table = rowsOf(out)
    expect(table[0]?.slice(2, -1)).toEqual([
      'reader=observer@ops',
      'member',
      'manager',
      'admin',
      'cloud-operator=operator',
    ])
    const rowOf = (name: string) => table.find(([permission]) => permission === name)?.slice(1, -1)
    expect(rowOf('incidents:read')).toEqual(['cloud', 'yes', '-', '-', '-', 'yes'])
    expect(rowOf('actions:write')).toEqual(['project', '-', 'yes', 'yes', 'yes', 'yes'])

    await writeFile(join(folder, 'typo.yaml'), 'personas:\n  member: [actions:raed]\n')
    const typo = await steward(
      {},
      'access',
      'check',
      '-c',
      join(folder, 'steward.yaml'),
      '--file',
      join(folder, 'typo.yaml'),
    )
    expect([typo.out, typo.code]).toEqual(['', 1])
    expect(typo.err).toMatch(/typo\.yaml:2: personas\.member\.0: .+\n {2}CONFIG_INVALID/)
  })
})
