import type { AddressInfo } from 'node:net'
import { Command } from 'commander'
import { onTestFinished, vi } from 'vitest'
import { addAccessCommands } from '../../cli/access.ts'
import { addActionCommands } from '../../cli/actions.ts'
import { addAuditCommands } from '../../cli/audit.ts'
import { addCatalogueCommand } from '../../cli/catalogue.ts'
import { addDelegationCommands } from '../../cli/delegations.ts'
import { explain } from '../../cli/explain.ts'
import { addImportCommands } from '../../cli/import.ts'
import { addIncidentCommands } from '../../cli/incidents.ts'
import { addLeaseCommands } from '../../cli/leases.ts'
import { addModeCommands } from '../../cli/modes.ts'
import { addNotifyCommands } from '../../cli/notify.ts'
import { addOwnRunbookCommands } from '../../cli/own-runbooks.ts'
import { addPlanCommands } from '../../cli/plan.ts'
import { addRecurringActionCommands } from '../../cli/recurring-actions.ts'
import { addReportCommands } from '../../cli/reports.ts'
import { addRunbookCommands } from '../../cli/runbooks.ts'
import { addStopCommands } from '../../cli/stop.ts'
import { addWhyCommands } from '../../cli/why.ts'
import { createHttp } from '../../openstack/http.ts'
import { createKeystone } from '../../openstack/keystone.ts'
import { type Changes, type World, world } from '../api/app.ts'
import { type FakeKeystone, fakeKeystone, tokenBody } from '../openstack/fake-keystone.ts'

export const password = 'CANARY-password-5c1f'

export interface Installation extends World {
  keystone: FakeKeystone
  url: string
  /** The variables somebody logs in with. */
  env: Record<string, string>
}

/** Steward on a port, and a Keystone that knows an operator. */
export async function installation(changes: Changes = {}): Promise<Installation> {
  const endpoints = { compute: 'http://nova.example:8774/v2.1' }
  const keystone = await fakeKeystone(endpoints)
  const roles = ['reader', 'member', 'manager', 'admin'].map((name) => ({ name }))
  keystone.onOther = ({ method, path, headers }) => {
    if (method !== 'GET' || path !== '/v3/auth/tokens') return undefined
    if (!keystone.tokens.includes(String(headers['x-subject-token']))) return undefined
    return { body: tokenBody({ endpoints, changes: { roles } }) }
  }
  const real = createKeystone({ authUrl: keystone.authUrl, http: createHttp() })
  const w = await world({ checkToken: (token, options) => real.validate(token, options), ...changes })
  await w.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = w.app.server.address() as AddressInfo
  return { ...w, keystone, url: `http://127.0.0.1:${port}`, env: login(keystone.authUrl) }
}

export const login = (authUrl: string) => ({
  OS_AUTH_URL: authUrl,
  OS_USERNAME: 'olga',
  OS_PASSWORD: password,
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_NAME: 'shop',
  OS_PROJECT_DOMAIN_NAME: 'Default',
})

export interface Said {
  out: string
  err: string
  code: number
}

/** The command line in this process, with the options of cli.ts; `processes.test.ts` runs the real one. */
export async function steward(env: Record<string, string>, ...args: string[]): Promise<Said> {
  for (const name of ['OS_CLOUD', 'OS_CLIENT_CONFIG_FILE']) vi.stubEnv(name, undefined)
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  const said: Said = { out: '', err: '', code: 0 }
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said.out += String(text)
    return true
  })
  onTestFinished(() => {
    spy.mockRestore()
    vi.unstubAllEnvs()
  })
  const program = new Command('steward')
    .option('--api <url>')
    .option('--json')
    .option('--os-cloud <name>')
    .exitOverride()
    .configureOutput({
      writeErr(text) {
        said.err += text
      },
    })
  addActionCommands(program)
  addCatalogueCommand(program)
  addRecurringActionCommands(program)
  addDelegationCommands(program)
  addIncidentCommands(program)
  addAuditCommands(program)
  addOwnRunbookCommands(addRunbookCommands(program))
  addImportCommands(program)
  addReportCommands(program)
  addWhyCommands(program)
  addStopCommands(program)
  addModeCommands(program)
  addLeaseCommands(program)
  addPlanCommands(program)
  addNotifyCommands(program)
  addAccessCommands(program)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    said.err += explain(error)
    said.code = 1
  } finally {
    spy.mockRestore()
  }
  return said
}
