import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { failure } from '../core/errors.ts'
import type { Interface } from './catalog.ts'
import { CloudEntry, loginOf, projectOf } from './cloud-entry.ts'
import type { Tls } from './http.ts'
import type { Login, Scope } from './login.ts'
import { withSecrets } from './secret.ts'

export interface CloudConfig {
  readonly authUrl: string
  /** Its secrets are hidden properties: pass it on whole. */
  readonly auth: Login
  /** Undefined for application credentials, which carry their own. */
  readonly scope?: Scope
  readonly region?: string
  readonly interface: Interface
  readonly tls: Tls
}

type Environment = Readonly<Record<string, string | undefined>>

/** A cloud as it was found, before its fields are checked. */
interface Found {
  readonly entry: unknown
  /** For messages: a file and the cloud in it, or the environment. */
  readonly source: string
  /** How the source spells a field: `auth.password` or `OS_PASSWORD`. */
  readonly spell: (field: string) => string
}

/** What the variables mean in clouds.yaml; of several for one field, the first that is set counts. */
const variables: readonly (readonly [field: string, ...names: string[]])[] = [
  ['auth.auth_url', 'OS_AUTH_URL'],
  ['auth.username', 'OS_USERNAME'],
  ['auth.user_id', 'OS_USER_ID'],
  ['auth.user_domain_name', 'OS_USER_DOMAIN_NAME'],
  ['auth.user_domain_id', 'OS_USER_DOMAIN_ID'],
  ['auth.password', 'OS_PASSWORD'],
  ['auth.project_name', 'OS_PROJECT_NAME', 'OS_TENANT_NAME'],
  ['auth.project_id', 'OS_PROJECT_ID', 'OS_TENANT_ID'],
  ['auth.project_domain_name', 'OS_PROJECT_DOMAIN_NAME'],
  ['auth.project_domain_id', 'OS_PROJECT_DOMAIN_ID'],
  ['auth.default_domain', 'OS_DEFAULT_DOMAIN'],
  ['auth.token', 'OS_TOKEN'],
  ['auth.application_credential_id', 'OS_APPLICATION_CREDENTIAL_ID'],
  ['auth.application_credential_name', 'OS_APPLICATION_CREDENTIAL_NAME'],
  ['auth.application_credential_secret', 'OS_APPLICATION_CREDENTIAL_SECRET'],
  ['auth_type', 'OS_AUTH_TYPE'],
  ['region_name', 'OS_REGION_NAME'],
  ['interface', 'OS_INTERFACE', 'OS_ENDPOINT_TYPE'],
  ['insecure', 'OS_INSECURE'],
  ['cacert', 'OS_CACERT'],
  ['cert', 'OS_CERT'],
  ['key', 'OS_KEY'],
]

/**
 * Loads one cloud as the other OpenStack clients do: clouds.yaml of `OS_CLIENT_CONFIG_FILE`, the working directory,
 * `~/.config/openstack` or `/etc/openstack`, whichever comes first, with secure.yaml laid over it. Without a name,
 * `OS_CLOUD` gives it; else the `OS_*` variables describe the cloud; else the file has to hold just one.
 *
 * @throws CONFIG_INVALID naming the file and the field, never a value
 * @see https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html
 */
export async function loadCloud(name?: string, env: Environment = process.env): Promise<CloudConfig> {
  const chosen = name ?? (env.OS_CLOUD || undefined)
  const found = chosen === undefined && env.OS_AUTH_URL ? fromVariables(env) : await fromFiles(chosen, env)
  const { source, spell } = found

  const parsed = CloudEntry.safeParse(found.entry)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const field = spell(issue?.path.join('.') || 'the cloud')
    const isMissing = issue?.code === 'invalid_type' && !hasValue(found.entry, issue.path)
    throw invalid(source, field, isMissing ? 'is missing' : (issue?.message ?? 'is wrong'))
  }
  const cloud = parsed.data
  const auth = loginOf(cloud, (field) => {
    throw invalid(source, spell(field), 'is missing')
  })
  const project = projectOf(cloud)
  const scope: Scope = project ? { project } : 'unscoped'
  const region = cloud.region_name
  const pem = (field: 'cacert' | 'cert' | 'key') => readPem(cloud[field], { source, field: spell(field), env })
  const [ca, cert, key] = await Promise.all([pem('cacert'), pem('cert'), pem('key')])
  return {
    authUrl: cloud.auth.auth_url,
    auth,
    ...(auth.method !== 'application_credential' && { scope }),
    ...(region !== undefined && { region }),
    interface: cloud.interface ?? cloud.endpoint_type ?? 'public',
    tls: withSecrets(
      {
        verify: cloud.verify ?? !cloud.insecure,
        ...(ca !== undefined && { ca }),
        ...(cert !== undefined && { cert }),
      },
      key === undefined ? {} : { key },
    ),
  }
}

function fromVariables(env: Environment): Found {
  const auth: Record<string, string> = {}
  const entry: Record<string, unknown> = { auth }
  const spelling = new Map<string, string>()
  for (const [field, ...names] of variables) {
    const set = names.find((each) => env[each])
    spelling.set(field, set ?? names[0] ?? field)
    if (set === undefined) continue
    if (field.startsWith('auth.')) auth[field.slice('auth.'.length)] = env[set] ?? ''
    else entry[field] = env[set]
  }
  return { entry, source: 'the environment', spell: (field) => spelling.get(field) ?? field }
}

async function fromFiles(name: string | undefined, env: Environment): Promise<Found> {
  const file = await firstFile('clouds', env.OS_CLIENT_CONFIG_FILE, env)
  if (!file) throw failure('CONFIG_INVALID', 'there is no clouds.yaml and OS_AUTH_URL is not set', {})
  const names = Object.keys(file.clouds)
  const chosen = name ?? (names.length === 1 ? names[0] : undefined)
  const has = `it has ${names.join(', ') || 'none'}`
  if (chosen === undefined)
    throw invalid(file.path, 'clouds', `does not say which cloud to use: ${has}; say --os-cloud NAME or set OS_CLOUD`)
  if (!Object.hasOwn(file.clouds, chosen)) throw invalid(file.path, `clouds.${chosen}`, `is missing: ${has}`)

  const secure = await firstFile('secure', env.OS_CLIENT_SECURE_FILE, env)
  const entry = merge(file.clouds[chosen], secure?.clouds[chosen])
  return { entry, source: file.path, spell: (field) => `clouds.${chosen}.${field}` }
}

/** The first file of that name where clients look, read; `undefined` when there is none. */
async function firstFile(stem: 'clouds' | 'secure', override: string | undefined, env: Environment) {
  const home = env.HOME ?? homedir()
  const folders = ['.', join(env.XDG_CONFIG_HOME || join(home, '.config'), 'openstack'), '/etc/openstack']
  const usual = folders.flatMap((folder) => [join(folder, `${stem}.yaml`), join(folder, `${stem}.yml`)])
  for (const path of [...(override ? [override] : []), ...usual]) {
    const text = await readIfThere(path)
    if (text !== undefined) return { path, clouds: cloudsIn(text, path) }
  }
  return undefined
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw invalid(path, 'the file', `cannot be read: ${code}`)
  }
}

function cloudsIn(text: string, path: string): Record<string, unknown> {
  // `prettyErrors` would quote the line, which may hold a password
  const document = parseDocument(text, { schema: 'failsafe', merge: true, prettyErrors: false })
  const [error] = document.errors
  if (error) {
    const line = text.slice(0, error.pos[0]).split('\n').length
    throw invalid(path, `line ${line}`, `is no YAML: ${error.code}`)
  }
  const { clouds } = (document.toJS() ?? {}) as { clouds?: unknown }
  if (!isMap(clouds)) throw invalid(path, 'clouds', 'is missing')
  return clouds
}

async function readPem(
  path: string | undefined,
  { source, field, env }: { source: string; field: string; env: Environment },
) {
  if (path === undefined) return undefined
  const text = await readIfThere(path.replace(/^~(?=\/)/, env.HOME ?? homedir()))
  if (text === undefined) throw invalid(source, field, `names a file that does not exist: ${path}`)
  return text
}

/** Lays `over` on `under`, map by map. */
function merge(under: unknown, over: unknown): unknown {
  if (!isMap(under) || !isMap(over)) return over ?? under
  const merged: Record<string, unknown> = { ...under }
  for (const [name, value] of Object.entries(over)) merged[name] = merge(under[name], value)
  return merged
}

function hasValue(entry: unknown, path: readonly PropertyKey[]): boolean {
  let at = entry
  for (const step of path) at = isMap(at) ? at[String(step)] : undefined
  return at !== undefined
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(file: string, field: string, what: string) {
  return failure('CONFIG_INVALID', `${file}: ${field} ${what}`, { file, field })
}
