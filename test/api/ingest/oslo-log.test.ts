import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createRecordJoiner,
  cutMark,
  type JoinerOptions,
  type OsloRecord,
  parseOsloLine,
} from '../../../api/ingest/oslo-log.ts'

const fixtures = new URL('../fixtures/logs/', import.meta.url)
const fixture = (name: string) => readFileSync(new URL(name, fixtures), 'utf8').split('\n').slice(0, -1)

function join(lines: readonly string[], options: JoinerOptions = {}): OsloRecord[] {
  const joiner = createRecordJoiner(options)
  return lines.flatMap((line) => joiner.push(line) ?? [])
}
const at = '2026-11-21 00:01:12.291 25113'
const request = 'req-dc12aa6d-c18c-4688-9ec8-234e8cd102a1'
const global = 'req-01234567-89ab-4cde-8f01-23456789abcd'
const instance = '64977c6b-2c62-4a71-b252-0b2b9878f098'

describe('a line of oslo.log', () => {
  it('is read with everything it says', () => {
    const line = `${at} ERROR nova.compute.manager [${global} ${request} u1 p1 - all d1 d2] [instance: ${instance}] It failed`
    expect(parseOsloLine(line)).toEqual({
      kind: 'record',
      atMs: Date.parse('2026-11-21T00:01:12.291Z'),
      pid: 25113,
      level: 'ERROR',
      logger: 'nova.compute.manager',
      requestIds: [global, request],
      identity: { user: 'u1', project: 'p1', systemScope: 'all', userDomain: 'd1', projectDomain: 'd2' },
      instance,
      text: `[instance: ${instance}] It failed`,
    })
  })

  const contexts: [context: string, requestIds: string[], identity: object | undefined][] = [
    ['[-]', [], undefined],
    [`[None ${request} - - - - - -]`, [request], undefined],
    [`[None ${request} u p - - d e]`, [request], { user: 'u', project: 'p', userDomain: 'd', projectDomain: 'e' }],
    [
      `[${global} ${request} u p - - d e]`,
      [global, request],
      { user: 'u', project: 'p', userDomain: 'd', projectDomain: 'e' },
    ],
    [`[${request} u p - d e]`, [request], { user: 'u', project: 'p', userDomain: 'd', projectDomain: 'e' }],
    [`[${request} - - - - -]`, [request], undefined],
    ['[None None u p - - - -]', [], { user: 'u', project: 'p' }],
    ['[u p dom - -]', [], { user: 'u', project: 'p', domain: 'dom' }],
    ['[u p dom all - -]', [], { user: 'u', project: 'p', domain: 'dom', systemScope: 'all' }],
    [`[${request} admin admin]`, [request], undefined],
  ]
  it.each(contexts)('is read with the context %s', (context, requestIds, identity) => {
    const read = parseOsloLine(`${at} ERROR nova.api ${context} [1, 2] is what failed`)
    expect(read).toMatchObject({ kind: 'record', requestIds, text: '[1, 2] is what failed' })
    expect(read && 'identity' in read ? read.identity : undefined).toEqual(identity)
  })

  it.each([
    ['DEBUG', 'DEBUG'],
    ['INFO', 'INFO'],
    ['AUDIT', 'INFO'],
    ['WARN', 'WARNING'],
    ['WARNING', 'WARNING'],
    ['ERROR', 'ERROR'],
    ['CRITICAL', 'CRITICAL'],
  ])('of level %s counts as %s', (written, level) => {
    expect(parseOsloLine(`${at} ${written} nova [-] text`)).toMatchObject({ kind: 'record', level, text: 'text' })
  })

  it('of level DEBUG ends with where it was written', () => {
    expect(parseOsloLine(`${at} DEBUG oslo [-] Loaded <lambda> /usr/lib/oslo/x.py:82`)).toMatchObject({
      text: 'Loaded',
      origin: '<lambda> /usr/lib/oslo/x.py:82',
    })
  })

  it.each([
    [`${at} ERROR nova.virt.driver Traceback (most recent call last):`, 'Traceback (most recent call last):'],
    [`${at} ERROR nova.virt.driver     self.add(request, [server["server"]], [instance])`, undefined],
    [`${at} ERROR nova.virt.driver `, ''],
    [`${at} ERROR nova.virt.driver`, ''],
    [`${at} ERROR nova.virt.driver ['a', 'b', 'c', 'd', 'e']`, undefined],
    [`${at} ERROR nova.virt.driver [instance: ${instance}] Traceback (most recent call last):`, undefined],
    [`${at} TRACE nova.virt.driver Traceback (most recent call last):`, undefined],
  ])('of a traceback belongs to the record before: %s', (line, text) => {
    expect(parseOsloLine(line)).toMatchObject({
      kind: 'continuation',
      logger: 'nova.virt.driver',
      ...(text && { text }),
    })
  })

  it('keeps its time zone when the host does not log in UTC', () => {
    expect(parseOsloLine(`${at} INFO nova [-] x`, { utcOffsetMinutes: 120 })?.atMs).toBe(
      Date.parse('2026-11-20T22:01:12.291Z'),
    )
  })

  it('is read although a terminal would show it in colours', () => {
    const line = `2026-11-21 00:01:12.291 25113 \u001b[01;31mERROR nova \u001b[00m[-] \u001b[01;35mred\u001b[00m`
    expect(parseOsloLine(line)).toMatchObject({ level: 'ERROR', text: 'red' })
  })

  it.each([
    '2026-11-21 00:01:21.576108+00:00 [error] <0.835.0> closing AMQP connection',
    '2026-11-20 23:49:42,599 INFO Set uid to user 0 succeeded',
    '[pid: 9|app: 0|req: 1/1] 192.0.2.1 () {40 vars in 570 bytes} [Sat Nov 21 00:01:12 2026] GET / => generated 9 bytes',
    '*** Starting uWSGI 2.0.28 (64bit) on [Sat Nov 21 00:01:12 2026] ***',
    '  File "/usr/lib/python3/x.py", line 274, in inner',
    '2026-02-30 00:01:12.291 1 ERROR nova [-] a day that never was',
    '2026-11-21 25:01:12.291 1 ERROR nova [-] an hour that never was',
    '2026-13-21 00:01:12.291 1 ERROR nova [-] a month that never was',
    '',
  ])('is not what this is: %s', (line) => {
    expect(parseOsloLine(line)).toBeUndefined()
  })

  it('never throws, hangs or yields a wrong time, whatever the line', () => {
    const pieces = fc.constantFrom(
      at,
      ' ERROR ',
      ' DEBUG ',
      'nova',
      ' [',
      ']',
      '[-] ',
      'None ',
      request,
      ' - -',
      '/a:1',
      'x '.repeat(9000),
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string())), (parts) => {
        const read = parseOsloLine(parts.join(''))
        if (read) expect(Number.isFinite(read.atMs)).toBe(true)
      }),
    )
  })
})

describe('the joiner of one log', () => {
  it('counts a traceback as the one record it is, as soon as its first line is there', () => {
    const lines = fixture('nova-compute-start.txt')
    const joiner = createRecordJoiner()
    const first = joiner.push(lines[0] ?? '')
    expect(first).toMatchObject({ level: 'ERROR', logger: 'nova.virt.driver' })
    const rest = lines.slice(1).flatMap((line) => joiner.push(line) ?? [])
    expect(rest.map(({ level }) => level)).toEqual(['WARNING', 'WARNING', 'WARNING', 'WARNING'])
    expect(first?.text.split('\n')).toHaveLength(12)
    expect(first?.text).toContain("\nModuleNotFoundError: No module named 'nova.virt.fake_driver'")
  })

  it('takes raw lines of a remote traceback for a part of the record before', () => {
    const lines = fixture('nova-conductor-remote-traceback.txt')
    const records = join(lines, { maxTextLength: 100_000 })
    expect(records).toHaveLength(lines.filter((line) => / \[None req-/.test(line)).length)
    const failed = records.filter(({ level }) => level === 'ERROR')
    expect(failed).toHaveLength(1)
    expect(failed[0]?.text).toContain('in inner')
  })

  it('does not count the ERROR lines of a traceback that was logged as a WARNING', () => {
    const lines = [
      `${at} WARNING nova.x [-] careful`,
      `${at} ERROR nova.x Traceback (most recent call last):`,
      `${at} ERROR nova.x E: e`,
    ]
    expect(join(lines)).toMatchObject([{ level: 'WARNING', text: 'careful\nTraceback (most recent call last):\nE: e' }])
  })

  it('keeps the tracebacks of two processes in one file apart', () => {
    const other = at.replace('25113', '25114')
    const records = join([
      `${at} ERROR nova.x [-] one`,
      `${other} ERROR nova.x [-] two`,
      `${at} ERROR nova.x of one`,
      `${other} ERROR nova.x of two`,
    ])
    expect(records.map(({ text }) => text)).toEqual(['one\nof one', 'two\nof two'])
  })

  it('counts each error of a storm that comes without tracebacks', () => {
    const lines = fixture('nova-compute-rabbitmq-outage.txt')
    const records = join(lines)
    expect(records).toHaveLength(lines.length)
    expect(records.filter(({ level }) => level === 'ERROR').length).toBeGreaterThan(30)
  })

  it('drops the rest of a traceback whose beginning it never saw', () => {
    expect(join(fixture('keystone-traceback.txt').slice(2, 20))).toEqual([])
  })

  it('keeps both ends of a text that is too long: what failed, and why', () => {
    const [record] = join(fixture('nova-api-long-line.txt'))
    expect(record?.text).toHaveLength(2048)
    expect(record?.text).toMatch(/^Could not send notification .* \.\.\.\[cut\]\.\.\. .* Connection refused$/)
    const [joined] = join(fixture('keystone-traceback.txt').slice(1), { maxTextLength: 1000 })
    expect(joined?.text).toHaveLength(1000)
    expect(joined?.text.split(cutMark)).toHaveLength(2)
    expect(joined?.text).toMatch(
      /^You are not authorized.*ForbiddenAction: You are not authorized to perform[^\n]*\n?$/s,
    )
  })

  it('holds a bounded text however many and however long the lines are', () => {
    const [record] = join([
      `${at} ERROR nova.x [-] ${'a'.repeat(100_000)}`,
      ...Array.from({ length: 5000 }, (_, i) => `${at} ERROR nova.x ${'b'.repeat(i * 10)}`),
    ])
    expect(record?.text.length).toBeLessThanOrEqual(2048)
    const [few] = join([`${at} ERROR nova.x [-] a`, ...Array.from({ length: 50 }, () => 'raw')], { maxLines: 10 })
    expect(few?.text.split('\n')).toHaveLength(10)
  })
})

describe('logs of a real cloud', () => {
  const own = readdirSync(fixtures).filter((name) => !/^(rabbitmq|supervisord)\.txt$/.test(name))
  it.each(own)('are read to the last line: %s', (name) => {
    const lines = fixture(name).filter((line) => /^\d{4}-/.test(line))
    for (const line of lines) expect(parseOsloLine(line)).toBeDefined()
    for (const { logger, requestIds } of join(lines)) {
      expect(logger).toMatch(/^[a-z][\w.]+$/)
      for (const id of requestIds) expect(id).toMatch(/^req-[0-9a-f-]{36}$/)
    }
  })

  it.each(['rabbitmq.txt', 'supervisord.txt'])('hold no record when another program wrote them: %s', (name) => {
    expect(join(fixture(name))).toEqual([])
  })

  it('join the request of one service with that of the next by the global id', () => {
    const records = join(fixture('two-request-ids.txt'))
    expect(records.length).toBeGreaterThan(2)
    for (const { requestIds } of records) expect(requestIds).toHaveLength(2)
  })

  it('name the server they are about', () => {
    for (const record of join(fixture('nova-compute-instances.txt'))) expect(record.instance).toMatch(/^[0-9a-f-]{36}$/)
  })
})
