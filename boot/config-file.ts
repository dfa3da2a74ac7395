import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { hashOf, type SignalSource } from '../api/access.ts'
import { Config } from '../core/config.ts'
import { failure } from '../core/errors.ts'
import type { ReceiverConfig } from '../core/receiver.ts'
import type { SshConfig } from '../core/ssh.ts'
import { readSecretFile } from './secret-file.ts'
import { parseYaml } from './yaml-file.ts'

/**
 * Reads steward.yaml: the file given, STEWARD_CONFIG, or ./steward.yaml; without any, the defaults. Relative paths in
 * it are relative to the file.
 *
 * @throws CONFIG_INVALID naming file, line and field
 */
export async function readConfig(file = process.env.STEWARD_CONFIG): Promise<Config> {
  const path = file ?? 'steward.yaml'
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (file === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT')
      return withPaths(Config.parse({}), '.')
    throw failure('CONFIG_INVALID', `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  return withPaths(parseConfig(text, path), dirname(path))
}

/** @throws CONFIG_INVALID */
export function parseConfig(text: string, path: string): Config {
  const config = parseYaml(Config, text, path)
  const names = config.policies.map(({ name }) => name)
  const twice = twiceIn(names)
  if (twice) throw failure('CONFIG_INVALID', `${path}: two policies are named ${twice}`)
  const secret = twiceIn(config.http.secrets.map(({ name }) => name))
  if (secret) throw failure('CONFIG_INVALID', `${path}: two HTTP secrets are named ${secret}`)
  const receiver = twiceIn(config.notify.map(({ name }) => name))
  if (receiver) throw failure('CONFIG_INVALID', `${path}: two receivers are named ${receiver}`)
  for (const { name, policies = [] } of config.notify) {
    const unknown = policies.find((policy) => !names.includes(policy))
    if (unknown) throw failure('CONFIG_INVALID', `${path}: receiver ${name} names ${unknown}, which is no policy`)
  }
  return config
}

const twiceIn = (names: readonly string[]) => names.find((name, at) => names.indexOf(name) !== at)

/** Reads the bearer token of each source; only its hash is kept. @throws CONFIG_INVALID */
export async function readSources({ sources }: Pick<Config, 'sources'>): Promise<SignalSource[]> {
  return Promise.all(
    sources.map(async ({ name, kind, tokenFile, tokenEnv }) => {
      const token = tokenFile
        ? await readSecretFile(`source ${name}: its tokenFile`, tokenFile)
        : process.env[tokenEnv ?? '']
      if (!token || token.trim().length < 16)
        throw failure('CONFIG_INVALID', `source ${name}: its token is missing or shorter than 16 characters`)
      return { name, kind, tokenHash: hashOf(token.trim()) }
    }),
  )
}

function withPaths(config: Config, folder: string): Config {
  const from = (path: string) => (isAbsolute(path) ? path : resolve(folder, path))
  const dataDir = from(config.dataDir)
  const { ssh, http, accessFile } = config
  return {
    ...config,
    dataDir,
    keys: { file: config.keys.file ? from(config.keys.file) : join(dataDir, 'keys.json') },
    sources: config.sources.map((s) => (s.tokenFile ? { ...s, tokenFile: from(s.tokenFile) } : s)),
    notify: config.notify.map((receiver) => withSecretPaths(receiver, from)),
    http: { ...http, secrets: http.secrets.map((secret) => ({ ...secret, file: from(secret.file) })) },
    ...(accessFile !== undefined && { accessFile: from(accessFile) }),
    ...(ssh && { ssh: withSshPaths(ssh, from) }),
  }
}

const withSshPaths = (ssh: SshConfig, from: (path: string) => string): SshConfig => ({
  ...ssh,
  ...(ssh.keyFile !== undefined && { keyFile: from(ssh.keyFile) }),
  knownHostsFile: from(ssh.knownHostsFile),
})

const secretFiles = ['urlFile', 'tokenFile', 'secretFile'] as const

function withSecretPaths(receiver: ReceiverConfig, from: (path: string) => string): ReceiverConfig {
  const given: { [K in (typeof secretFiles)[number]]?: string | undefined } = { ...receiver }
  const files = secretFiles.flatMap((name) => (given[name] === undefined ? [] : [[name, from(given[name])]]))
  return { ...receiver, ...Object.fromEntries(files) }
}
