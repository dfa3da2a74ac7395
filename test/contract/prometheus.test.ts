import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createPrometheus } from '../../activities/prometheus.ts'
import { codeOf } from '../../core/errors.ts'
import { fakePrometheus, queryFailed } from '../fakes/prometheus.ts'
import { rejection } from '../openstack/server.ts'

interface Running {
  readonly url: string
  close(): Promise<void>
}

const absent = spawnSync('prometheus', ['--version']).error !== undefined
const labelled = 'label_replace(vector(35.5), "instance_id", "s-1", "", "")'
const twice = `${labelled} or label_replace(${labelled} + 1, "instance", "compute2:9177", "", "")`
const nan = 'label_replace(vector(0) / 0, "uuid", "s-2", "", "")'

/** What Steward relies on; the fake answers as the real one does. */
function describePrometheus(name: string, start: () => Promise<Running>): void {
  describe(name, () => {
    let running: Running | undefined
    beforeAll(async () => {
      running = await start()
    }, 60_000)
    afterAll(() => running?.close())
    const ask = (query: string) => createPrometheus({ url: running?.url ?? '' }).perServer(query)

    it('answers a query with one number for each server', async () => {
      expect(await ask(labelled)).toEqual(new Map([['s-1', 35.5]]))
      expect(await ask(twice)).toEqual(new Map([['s-1', 36.5]]))
    })

    it('has no number where there is none', async () => {
      expect(await ask(nan)).toEqual(new Map())
      expect(await ask('nothing_of_this_name')).toEqual(new Map())
    })

    it('says what is wrong with a query', async () => {
      const error = await rejection(ask('rate('))
      expect([codeOf(error), error.message]).toEqual([
        'METRICS_REFUSED',
        expect.stringMatching(/^Prometheus answered 400: bad_data: .*parse error/),
      ])
    })

    it('answers a query that is no vector in another shape, which is refused', async () => {
      expect(codeOf(await rejection(ask('1')))).toBe('METRICS_REFUSED')
    })
  })
}

describePrometheus('the fake Prometheus', async () => {
  const fake = await fakePrometheus()
  const one = { metric: { instance_id: 's-1' }, value: '35.5' }
  fake.answer('1', { status: 200, body: { status: 'success', data: { resultType: 'scalar', result: [1, '1'] } } })
  fake.answer('rate(', queryFailed(400, 'bad_data', 'invalid parameter "query": 1:5: parse error: unclosed left paren'))
  fake.answer('vector(0) / 0', [{ metric: { uuid: 's-2' }, value: 'NaN' }])
  fake.answer('vector(35.5)', [one])
  fake.answer('compute2', [one, { metric: { ...one.metric, instance: 'compute2:9177' }, value: '36.5' }])
  return fake
})

// CI has it: Debian's package is prometheus
if (!absent) describePrometheus('the real Prometheus', startPrometheus)

async function startPrometheus(): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'steward-test-'))
  const config = join(folder, 'prometheus.yml')
  await writeFile(config, 'global: { scrape_interval: 15s }\n')
  const port = await freePort()
  const listen = `127.0.0.1:${port}`
  const args = [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${listen}`]
  const prometheus = spawn('prometheus', args, { stdio: 'ignore' })
  const url = `http://${listen}`
  await vi.waitFor(async () => expect((await fetch(`${url}/-/ready`)).status).toBe(200), { timeout: 50_000 })
  return {
    url,
    async close() {
      const ended = once(prometheus, 'exit')
      prometheus.kill()
      await ended
      await rm(folder, { recursive: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}
