import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseConfig } from '../../boot/config-file.ts'
import { openMetrics } from '../../boot/prometheus.ts'
import { codeOf, messageOf } from '../../core/errors.ts'
import { fakePrometheus } from '../fakes/prometheus.ts'
import { rejection } from '../openstack/server.ts'

const read = (written: string) => openMetrics(parseConfig(`prometheus: { ${written} }\n`, 'steward.yaml'))

async function file(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'steward-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'secret'), content)
  return join(folder, 'secret')
}

describe('prometheus of steward.yaml', () => {
  it('need not be there', async () => {
    expect(await openMetrics(parseConfig('', 'steward.yaml'))).toBeUndefined()
  })

  it('is asked with the token of its file', async () => {
    const prometheus = await fakePrometheus()
    onTestFinished(() => prometheus.close())
    const metrics = await read(`url: ${prometheus.url}/, tokenFile: ${await file('a-token\n')}`)
    expect(await metrics?.readUse()).toEqual({ usage: new Map(), notCounted: new Map(), ofDay: new Map() })
    const [{ path, headers } = { path: '', headers: {} }] = prometheus.asked
    expect([path, headers.authorization]).toEqual(['/api/v1/query', 'Bearer a-token'])
  })

  it.each([
    ['url: http://prometheus.example:9090', 'must be https://, or http:// on this machine'],
    ['url: https://olga:secret@prometheus.example', 'without a login'],
    ['url: prometheus.example', 'must be https://'],
    ['url: https://prometheus.example, maxAgeSeconds: 1', 'maxAgeSeconds'],
    ['url: https://prometheus.example, queries: { cpuPercentOfOwn: false }', 'cpuPercentOfOwn'],
    ['url: https://prometheus.example, queries: { cpu: up }', 'cpu'],
  ])('%s is refused when it is read', (written, says) => {
    try {
      parseConfig(`prometheus: { ${written} }\n`, 'steward.yaml')
      expect.unreachable()
    } catch (error) {
      expect([codeOf(error), messageOf(error)]).toEqual(['CONFIG_INVALID', expect.stringContaining(says)])
    }
  })

  it.each([
    ['tokenFile', 'two words', 'holds no token'],
    ['caFile', 'no certificate', 'holds no certificate'],
  ])('%s that holds something else is refused when Steward starts', async (key, content, says) => {
    const error = await rejection(read(`url: https://prometheus.example, ${key}: ${await file(content)}`))
    expect([codeOf(error), error.message]).toEqual(['CONFIG_INVALID', expect.stringContaining(says)])
  })
})
