import type { Receiver } from '../activities/receivers/receiver.ts'
import type { Config } from '../core/config.ts'
import { failure } from '../core/errors.ts'
import { type ReceiverConfig, refusalOfUrl } from '../core/receiver.ts'
import { withSecrets } from '../openstack/secret.ts'
import { readSecretFile } from './secret-file.ts'

const signingKey = /^whsec_([A-Za-z0-9+/]+={0,2})$/
const shortestKeyBytes = 24
const longestKeyBytes = 64

/** Reads address, token and key of each receiver. @throws CONFIG_INVALID */
export async function readReceivers({ notify }: Pick<Config, 'notify'>): Promise<Receiver[]> {
  return Promise.all(
    notify.map(async (config) => {
      const { name, kind, on, projects, policies } = config
      const wishes = { on, ...(projects && { projects }), ...(policies && { policies }) }
      const [url, token, key] = await Promise.all([urlOf(config), tokenOf(config), keyOf(config)])
      const secrets = { url, ...(token !== undefined && { token }), ...(key !== undefined && { key }) }
      return withSecrets({ name, kind, ...wishes }, secrets)
    }),
  )
}

async function urlOf({ name, allowHttp, ...config }: ReceiverConfig): Promise<string> {
  const { urlFile, urlEnv } = { urlFile: undefined, urlEnv: undefined, ...config }
  const url = config.url ?? (await secretOf(name, 'url', urlFile, urlEnv)) ?? ''
  const refusal = refusalOfUrl(url, allowHttp)
  if (refusal !== undefined) throw failure('CONFIG_INVALID', `receiver ${name}: its url ${refusal}`)
  return url
}

async function tokenOf(config: ReceiverConfig): Promise<string | undefined> {
  if (config.kind === 'slack') return undefined
  const { name, tokenFile, tokenEnv } = config
  const token = await secretOf(name, 'token', tokenFile, tokenEnv)
  if (token === undefined || /^[\x21-\x7e]{16,512}$/.test(token)) return token
  throw failure('CONFIG_INVALID', `receiver ${name}: its token is missing, shorter than 16 characters, or no token`)
}

/** The part after `whsec_`. */
async function keyOf(config: ReceiverConfig): Promise<string | undefined> {
  if (config.kind !== 'webhook') return undefined
  const { name, secretFile, secretEnv } = config
  const secret = await secretOf(name, 'secret', secretFile, secretEnv)
  if (secret === undefined) return undefined
  const [, key] = signingKey.exec(secret) ?? []
  const bytes = Buffer.from(key ?? '', 'base64').length
  if (key !== undefined && bytes >= shortestKeyBytes && bytes <= longestKeyBytes) return key
  throw failure('CONFIG_INVALID', `receiver ${name}: its secret must be whsec_ and 24 to 64 bytes in base64`)
}

/** Undefined when none is configured; empty when it is not there. */
async function secretOf(
  receiver: string,
  what: 'url' | 'token' | 'secret',
  file: string | undefined,
  env: string | undefined,
): Promise<string | undefined> {
  if (file !== undefined) return readSecretFile(`receiver ${receiver}: its ${what}File`, file)
  return env === undefined ? undefined : (process.env[env] ?? '').trim()
}
