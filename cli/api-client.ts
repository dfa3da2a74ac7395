import type { Command } from 'commander'
import got, { HTTPError, RequestError } from 'got'
import { catalogue, type ErrorCode } from '../core/catalogue.ts'
import { failure } from '../core/errors.ts'
import { loadCloud } from '../openstack/clouds-yaml.ts'
import { createHttp } from '../openstack/http.ts'
import { createKeystone } from '../openstack/keystone.ts'

export interface GlobalOptions {
  api: string
  json?: boolean
  osCloud?: string
}

export type Ask = (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: object) => Promise<unknown>

/** Logs in with the caller's own credentials; only the token goes to Steward. */
export async function connectApi(command: Command): Promise<Ask> {
  const send = await connect(command)
  return (method, path, json) =>
    send((url, options) => got(url, { ...options, method, ...(json && { json }) }).json(), path)
}

/** The same, for answers that are one JSON document a line. */
export async function connectLines(command: Command): Promise<(path: string) => Promise<string>> {
  const send = await connect(command)
  return (path) => send((url, options) => got(url, options).text(), path)
}

const options = { retry: { limit: 0 }, timeout: { request: 60_000 }, followRedirect: false } as const

async function connect(command: Command) {
  const { api: url, osCloud } = command.optsWithGlobals<GlobalOptions>()
  const api = url.replace(/\/+$/, '')
  const cloud = await loadCloud(osCloud)
  const keystone = createKeystone({ authUrl: cloud.authUrl, http: createHttp({ tls: cloud.tls }) })
  const token = await keystone.authenticate(cloud.auth, cloud.scope)
  const headers = { 'x-auth-token': token.id }
  return async <T>(
    ask: (url: string, given: typeof options & { headers: typeof headers }) => Promise<T>,
    path: string,
  ) => {
    try {
      return await ask(`${api}/v1${path}`, { ...options, headers })
    } catch (error) {
      throw readable(error, api)
    }
  }
}

/** Steward's own problem, or that it is not there. A `got` error is never passed on: it carries the token. */
function readable(error: unknown, api: string): unknown {
  if (error instanceof HTTPError) {
    const problem = parse(error.response.body)
    if (problem) return failure(problem.code, problem.detail)
    return new Error(`${api} answered ${error.response.statusCode}: is that Steward?`)
  }
  if (error instanceof RequestError) return new Error(`Steward at ${api} does not answer (${error.code})`)
  return error
}

function parse(body: unknown): { code: ErrorCode; detail: string } | undefined {
  try {
    const { code, detail } = JSON.parse(String(body)) as { code: string; detail: string }
    return Object.hasOwn(catalogue, code) ? { code: code as ErrorCode, detail } : undefined
  } catch {
    return undefined
  }
}
