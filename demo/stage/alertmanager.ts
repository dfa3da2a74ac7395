import { execFile, spawn } from 'node:child_process'
import { access, mkdir, open, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import got from 'got'
import { stringify } from 'yaml'
import type { Ports } from './ports.ts'
import type { StewardProcess } from './steward.ts'

const run = promisify(execFile)
const names = ['alertmanager', 'prometheus-alertmanager']

export interface Alertmanager {
  readonly url: string
  /** Tells it of an alert as Prometheus does: firing, or over when `endsAt` is past. */
  post(alert: { labels: Record<string, string>; startsAt: string; endsAt?: string; summary: string }): Promise<void>
  stop(): Promise<void>
}

/** A real Alertmanager that sends its webhook to Steward, with the bearer token of its source. */
export async function startAlertmanager(
  steward: Pick<StewardProcess, 'url' | 'tokenFiles'>,
  dir: string,
  ports: Ports,
  progress: (line: string) => void,
): Promise<Alertmanager> {
  const binary = await findAlertmanager(progress)
  await mkdir(dir, { recursive: true })
  const configFile = join(dir, 'alertmanager.yml')
  await writeFile(configFile, stringify(webhookTo(steward)))
  const log = await open(join(dir, 'alertmanager.log'), 'a')
  const address = `127.0.0.1:${ports.alertmanager}`
  const child = spawn(
    binary,
    [
      `--config.file=${configFile}`,
      `--storage.path=${join(dir, 'alertmanager')}`,
      `--web.listen-address=${address}`,
      '--cluster.listen-address=',
    ],
    { stdio: ['ignore', log.fd, log.fd], detached: true },
  )
  await log.close()
  const url = `http://${address}`
  for (let tries = 0; ; tries++) {
    const answer = await got(`${url}/-/ready`, { retry: { limit: 0 }, throwHttpErrors: false }).catch(() => undefined)
    if (answer?.statusCode === 200) break
    if (child.exitCode !== null || tries === 300)
      throw new Error(`Alertmanager did not start; see ${dir}/alertmanager.log`)
    await sleep(100)
  }
  return {
    url,
    async post({ summary, ...alert }) {
      await got.post(`${url}/api/v2/alerts`, { json: [{ ...alert, annotations: { summary } }], retry: { limit: 0 } })
    },
    async stop() {
      if (child.exitCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** The waits of a real installation are minutes; here nobody wants to wait. */
const webhookTo = ({ url, tokenFiles }: Pick<StewardProcess, 'url' | 'tokenFiles'>) => ({
  route: {
    receiver: 'steward',
    group_by: ['alertname', 'host'],
    group_wait: '1s',
    group_interval: '2s',
    repeat_interval: '1h',
  },
  receivers: [
    {
      name: 'steward',
      webhook_configs: [
        {
          url: `${url}/v1/signals/alertmanager`,
          send_resolved: true,
          http_config: { authorization: { type: 'Bearer', credentials_file: tokenFiles.alertmanager } },
        },
      ],
    },
  ],
})

async function findAlertmanager(progress: (line: string) => void): Promise<string> {
  const there = await onPath()
  if (there) return there
  if (process.getuid?.() !== 0)
    throw new Error('there is no Alertmanager: install prometheus-alertmanager, or put `alertmanager` on PATH')
  progress('installing prometheus-alertmanager …')
  const apt = (args: string[]) =>
    run('apt-get', args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
      maxBuffer: 16 << 20,
    })
  const install = () =>
    apt(['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', 'prometheus-alertmanager'])
  try {
    await install()
  } catch {
    // package lists of a fresh machine are empty or old
    await apt(['update'])
    await install()
  }
  const installed = await onPath()
  if (installed) return installed
  throw new Error('prometheus-alertmanager was installed, but there is no such program on PATH')
}

async function onPath(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter))
    for (const name of names) {
      const file = join(folder, name)
      const found = await access(file).then(
        () => true,
        () => false,
      )
      if (found) return file
    }
  return undefined
}
