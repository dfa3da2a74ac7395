import { defineRunbook, type RunContext, z } from 'steward/runbook'

const turns: Readonly<Record<string, (run: RunContext) => Promise<string>>> = {
  async 'sleeps a day'(run) {
    const before = Date.now()
    await run.sleep(86_400, 'it is early')
    return `${(Date.now() - before) / 1000} s later it is ${new Date().toISOString()}`
  },
  async 'waits in vain'(run) {
    await run.waitFor('pigs fly', async () => false, { withinSeconds: 3600 })
    return 'they do'
  },
  async 'two branches'(run) {
    const order: string[] = []
    const branch = async (name: string, seconds: number) => {
      await run.sleep(seconds, name)
      order.push(`${name} at ${new Date().toISOString().slice(11, 19)}`)
    }
    await Promise.all([branch('slow', 90), branch('quick', 30), branch('middle', 60)])
    return order.join(', ')
  },
  async 'a branch reads'(run) {
    const order: string[] = []
    const reads = async () => {
      await run.read({ service: 'compute', path: '/limits' })
      order.push(`read at ${new Date().toISOString().slice(11, 19)}`)
    }
    const sleeps = async () => {
      await run.sleep(10, 'meanwhile')
      order.push(`slept at ${new Date().toISOString().slice(11, 19)}`)
    }
    await Promise.all([reads(), sleeps()])
    return order.join(', ')
  },
  async asks(run) {
    const { by } = await run.ask('Really?', { withinSeconds: 3600 })
    return `${by} said yes at ${new Date().toISOString().slice(11, 19)}`
  },
  async 'is cancelled while it sleeps'(run) {
    await run.sleep(86_400, 'for long')
    return 'slept'
  },
  async 'tells people'(run) {
    await run.tell('it is done')
    return 'told'
  },
  async 'reads forever'(run) {
    for (;;) await run.read({ service: 'compute', path: '/limits' })
  },
  'waits for nothing': () => new Promise(() => undefined),
  async 'throws a plain error'() {
    throw new Error('I have no code')
  },
  async 'does what is not declared'(run) {
    await run.read({ service: 'compute', path: '/os-services' })
    return 'nobody stopped it'
  },
  async 'asks Glance'(run) {
    await run.read({ service: 'image', path: '/v2/images' })
    return 'there are images'
  },
  async 'asks for key pairs'(run) {
    await run.read({ service: 'compute', path: '/os-keypairs' })
    return 'there are keys'
  },
}

/** Spends time in every way that a run can. */
export default defineRunbook({
  name: 'clockwork',
  title: 'Spends time',
  description: 'Spends time in one of several ways.',
  input: z.strictObject({ how: z.enum(Object.keys(turns) as [string, ...string[]]) }),
  risk: 'read',
  needs: { calls: ['compute GET /limits', 'compute GET /os-keypairs', 'image GET /v2/images'] },
  targets: () => [],
  run: async (run, { how }) => ({ summary: (await turns[how]?.(run)) ?? 'unknown' }),
})
