import { defineRunbook, type RunContext, type Target, z } from 'steward/runbook'

/** Not written out where it is used, so that the check cannot know. */
const undeclared = 'server.delete'

const breaks: Readonly<Record<string, (run: RunContext) => Promise<unknown>>> = {
  'plain error': async () => {
    throw new Error('I have no code')
  },
  'undeclared read': (run) => run.read({ service: 'compute', path: '/os-hypervisors/1' }),
  'undeclared call': (run) => run.call({ service: 'compute', method: 'POST', path: '/servers', body: {} }),
  'undeclared action': (run) => run.action(undeclared, { serverId: '6f1c0000-0000-4000-8000-000000000000' }),
  'undeclared step': (run) => run.quick('Collect').collectEvidence({ host: 'compute1', lines: [] }),
  'large evidence': async (run) => run.evidence('all of it', 'x'.repeat(3 << 20)),
}

/** Does what runbooks must not do. */
export default defineRunbook({
  name: 'test-broken',
  title: 'Breaks rules',
  description: 'Does what a runbook must not do, one of several things.',
  input: z.strictObject({ how: z.enum(Object.keys(breaks) as [string, ...string[]]) }),
  risk: 'service',
  needs: { calls: ['compute GET /servers/{server}'] },
  targets: (): Target[] => ['host/compute1'],
  async run(run, { how }) {
    await breaks[how]?.(run)
    return { summary: 'nobody stopped it' }
  },
})
