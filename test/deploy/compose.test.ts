import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { Config } from '../../core/config.ts'
import { faults, loadProject, type Project } from './compose-project.ts'
import { buildParser, outcome, root } from './parsers.ts'

const file = join(root, 'docker-compose.yml')
const variables = { STEWARD_GID: '1000', OS_CLOUD: 'steward' }
const yaml = async (path: string): Promise<unknown> => parse(await readFile(join(root, 'deploy', path), 'utf8'))

let parser: string
let project: Project
let scratch: string

beforeAll(async () => {
  parser = await buildParser('compose')
  project = await loadProject(parser, file, variables)
  scratch = await mkdtemp(join(tmpdir(), 'steward-compose-'))
}, 300_000)
afterAll(() => rm(scratch, { recursive: true, force: true }))

const service = (name: string) => {
  const found = project.services[name]
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`)
  return found
}

describe('docker-compose.yml', () => {
  it('has healthchecks, exact images, ports on loopback only, limits, no secret in the environment', () => {
    expect(faults(project)).toEqual([])
  })

  it('would not pass those checks if it were careless', async () => {
    const careless = join(scratch, 'careless.yml')
    await writeFile(
      careless,
      `services:
  db:
    image: postgres:latest
    environment: { POSTGRES_PASSWORD: temporal, URL: 'postgres://temporal:temporal@db/temporal' }
    ports: ['5432:5432']
    volumes: ['./data:/data']
secrets:
  token: { environment: TOKEN }
`,
    )
    expect(faults(await loadProject(parser, careless, { TOKEN: 'x' }))).toEqual([
      'db has no healthcheck',
      'db is not restarted',
      'db publishes 5432 on every address',
      'db has a secret in POSTGRES_PASSWORD',
      'db has a password in an address',
      'db has no exact image: postgres:latest',
      'db keeps capabilities',
      'db may gain privileges',
      'db has no memory limit',
      `db may write ${join(scratch, 'data')}`,
      'secret token is not a file',
    ])
  })

  it.each(Object.keys(variables))('names %s when it is missing', async (name) => {
    const others = Object.fromEntries(Object.entries(variables).filter(([other]) => other !== name))
    await expect(loadProject(parser, file, others)).rejects.toThrow(`required variable ${name} is missing a value`)
  })

  it('has no variable with a built-in value', async () => {
    const text = await readFile(file, 'utf8')
    expect(text.match(/(?<!\$)\$\{[^}]*\}/g)).not.toEqual([])
    expect(text.match(/(?<!\$)\$\{(?!\w+:\?)[^}]*\}/g)).toBeNull()
  })

  it('runs two APIs and two workers from one image, read-only, after the namespace is there', async () => {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
    for (const role of ['api', 'worker']) {
      expect(service(role)).toMatchObject({
        image: `steward:${version}`,
        command: [role],
        deploy: { replicas: 2 },
        init: true,
        read_only: true,
        depends_on: { 'temporal-namespace': { condition: 'service_completed_successfully' } },
      })
      // two containers cannot share a published port: the gateway has it
      expect(service(role).ports).toEqual([])
    }
  })

  it('keeps PostgreSQL and Temporal away from those who need not reach them', () => {
    const members = (network: string) =>
      Object.entries(project.services)
        .flatMap(([name, { networks }]) => (network in networks ? [name] : []))
        .sort()
    expect(members('store')).toEqual(['postgres', 'temporal', 'temporal-schema'])
    expect(members('engine')).toEqual(['api', 'prometheus', 'temporal', 'temporal-namespace', 'temporal-ui', 'worker'])
  })

  it.each(['api', 'worker'])('finds the %s healthy exactly when it answers 200', async (role) => {
    const [, program = '', ...args] = service(role).healthcheck?.test ?? []
    let status = 200
    const seen: (string | undefined)[] = []
    const server = createServer((request, response) => {
      seen.push(request.url)
      response.writeHead(status).end()
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const { port } = server.address() as AddressInfo
    const probe = async () =>
      (
        await outcome(
          program,
          args.map((arg) => arg.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`)),
        )
      ).code
    expect(await probe()).toBe(0)
    status = 503
    expect(await probe()).toBe(1)
    await new Promise((closed) => server.close(closed))
    expect(await probe()).toBe(1)
    expect(seen).toEqual(Array(2).fill(role === 'api' ? '/readyz' : '/healthz'))
  })
})

describe('deploy/', () => {
  it('has a steward.yaml that Steward accepts and that fits the containers', async () => {
    const config = Config.parse(await yaml('steward.yaml'))
    const secrets = service('api').secrets.map(({ target }) => target)
    expect(secrets).toContain(config.keys.file)
    expect(config.sources.map(({ tokenFile }) => tokenFile).filter((path) => !secrets.includes(path ?? ''))).toEqual([])

    expect(service('api').healthcheck?.test.join()).toContain(`:${config.listen.port}/readyz`)
    expect(service('worker').healthcheck?.test.join()).toContain(`:${config.worker.metrics.port}/healthz`)
    expect([config.listen.host, config.codec.host, config.worker.metrics.host]).toEqual(Array(3).fill('0.0.0.0'))
    expect(service('gateway').ports.map(({ target }) => target)).toEqual([config.listen.port, config.codec.port])

    const [ui] = service('temporal-ui').ports
    expect(config.codec.origins).toContain(`http://127.0.0.1:${ui?.published}`)
    expect(service('temporal-ui').environment.TEMPORAL_CODEC_ENDPOINT).toBe(`http://127.0.0.1:${config.codec.port}`)
  })

  it('has the gateway send to the ports where the API listens', async () => {
    const { listen, codec } = Config.parse(await yaml('steward.yaml'))
    const text = await readFile(join(root, 'deploy/haproxy/haproxy.cfg'), 'utf8')
    for (const port of [listen.port, codec.port]) {
      expect(text).toContain(`bind :${port}\n`)
      expect(text).toMatch(new RegExp(`server-template \\S+ \\d+ api:${port} check`))
    }
  })

  it('has Alertmanager call the webhook through the gateway, with the token of a source', async () => {
    const { receivers } = z
      .object({ receivers: z.array(z.object({ name: z.string(), webhook_configs: z.array(Webhook).optional() })) })
      .parse(await yaml('alertmanager/alertmanager.yml'))
    const webhook = receivers.find(({ name }) => name === 'steward')?.webhook_configs?.[0]
    const url = new URL(webhook?.url ?? '')
    const config = Config.parse(await yaml('steward.yaml'))
    expect(reaches('alertmanager', url.hostname)).toBe(true)
    expect(Number(url.port)).toBe(config.listen.port)
    expect(url.pathname).toBe('/v1/signals/alertmanager')
    expect(config.sources.map(({ kind }) => kind)).toContain('alertmanager')
    expect(service('alertmanager').secrets.map(({ target }) => target)).toContain(
      webhook?.http_config.authorization.credentials_file,
    )
  })

  it('has Prometheus scrape and alert services that it can reach', async () => {
    const config = z
      .object({
        alerting: z.object({ alertmanagers: z.array(z.object({ static_configs: Static })) }),
        scrape_configs: z.array(
          z.object({
            static_configs: Static.optional(),
            dns_sd_configs: z.array(z.object({ names: z.array(z.string()) })).optional(),
          }),
        ),
      })
      .parse(await yaml('prometheus/prometheus.yml'))
    const hosts = [...config.alerting.alertmanagers, ...config.scrape_configs].flatMap((entry) => [
      ...(entry.static_configs ?? []).flatMap(({ targets }) => targets.map((target) => target.split(':')[0] ?? '')),
      ...('dns_sd_configs' in entry ? (entry.dns_sd_configs ?? []).flatMap(({ names }) => names) : []),
    ])
    expect(hosts).toEqual(expect.arrayContaining(['api', 'worker', 'temporal', 'alertmanager']))
    expect(hosts.filter((host) => host !== 'localhost' && !reaches('prometheus', host))).toEqual([])
  })

  it('has an alert rule for every policy that waits for one', async () => {
    const { groups } = z
      .object({ groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string() })) })) })
      .parse(await yaml('prometheus/rules/cloud.yml'))
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert))
    const { policies } = Config.parse(await yaml('steward.yaml'))
    const waitedFor = policies.flatMap((policy) => (policy.kind === 'gauge' ? [policy.when.labels.alertname] : []))
    expect(waitedFor).toEqual(alerts)
  })
})

const Webhook = z.object({
  url: z.url(),
  http_config: z.object({ authorization: z.object({ credentials_file: z.string() }) }),
})
const Static = z.array(z.object({ targets: z.array(z.string()) }))

/** True when both services are on a common network. */
const reaches = (from: string, to: string) =>
  Object.keys(service(from).networks).some((network) => network in service(to).networks)
