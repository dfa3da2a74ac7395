import { readFile } from 'node:fs/promises'
import { failure } from '../../core/errors.ts'
import type { HttpCall, HttpConfig } from '../../core/http-call.ts'
import { withSecrets } from '../../openstack/secret.ts'

/**
 * The secret a call names, as the header it is shown in, read from its file now: one that was replaced needs no restart.
 * Only over TLS, and only to the hosts it is meant for: a runbook must not be a way to read it.
 *
 * @throws SECRET_UNKNOWN, ADDRESS_REFUSED, CONFIG_INVALID its file cannot be read
 */
export async function readHttpSecret({ secrets }: HttpConfig, { url, secret }: HttpCall, host: string) {
  if (secret === undefined) return undefined
  const found = secrets.find(({ name }) => name === secret)
  if (!found) throw failure('SECRET_UNKNOWN', `http.secrets of steward.yaml has no ${secret}`, { secret })
  if (!found.hosts.includes(host))
    throw failure('ADDRESS_REFUSED', `not called: the secret ${secret} is not meant for ${host}`, { host, secret })
  if (!url.startsWith('https:'))
    throw failure('ADDRESS_REFUSED', `not called: the secret ${secret} is shown over https:// only`, { host, secret })
  const value = await contentOf(secret, found.file)
  if (!/^[\x21-\x7e]{8,4096}$/.test(value))
    throw failure('CONFIG_INVALID', `http secret ${secret}: its file is empty, too short, or holds more than one line`)
  return withSecrets({ header: found.header }, { value, shown: `${found.prefix}${value}` })
}

async function contentOf(name: string, file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw failure('CONFIG_INVALID', `http secret ${name}: its file ${file} cannot be read: ${code}`)
  }
}
