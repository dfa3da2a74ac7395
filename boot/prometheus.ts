import { createUseReader, type ReadUse } from '../activities/measured-use.ts'
import { createPrometheus, type Prometheus } from '../activities/prometheus.ts'
import type { Config } from '../core/config.ts'
import { failure } from '../core/errors.ts'
import { readSecretFile } from './secret-file.ts'

/** What is read of a Prometheus. */
export interface Metrics extends Pick<Prometheus, 'number'> {
  /** What servers really use. */
  readonly readUse: ReadUse
}

/** Undefined when nobody has said where it is. @throws CONFIG_INVALID */
export async function openMetrics({ prometheus }: Pick<Config, 'prometheus'>): Promise<Metrics | undefined> {
  if (!prometheus) return undefined
  const { url, tokenFile, caFile } = prometheus
  const token = tokenFile === undefined ? undefined : await readSecretFile('prometheus: its tokenFile', tokenFile)
  if (token !== undefined && !/^[\x21-\x7e]{1,8192}$/.test(token))
    throw failure('CONFIG_INVALID', `prometheus: its tokenFile ${tokenFile} holds no token`)
  const ca = caFile === undefined ? undefined : await readSecretFile('prometheus: its caFile', caFile)
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw failure('CONFIG_INVALID', `prometheus: its caFile ${caFile} holds no certificate`)
  const secrets = { ...(token !== undefined && { token }), ...(ca !== undefined && { ca }) }
  const opened = createPrometheus({ url, ...secrets })
  return { readUse: createUseReader(opened, prometheus), number: opened.number }
}
