import { z } from 'zod'
import { failure } from '../../../core/errors.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { lookCalls } from './looks.ts'
import { wake } from './sleep-host.ts'

interface Headroom {
  readonly wake: readonly string[]
  readonly asleep: number
}

/** Wakes hosts before they are needed. Made for a schedule, and for an alert that says the cloud fills up. */
export const keepReserve = defineRunbook({
  name: 'keep-reserve',
  title: 'Wake hosts before they are needed',
  description:
    'Looks at the whole cloud and turns on as many of the hosts that Steward has put to sleep as are missing for a free share of vCPUs and memory, the largest first. Does nothing while enough is free. Says so when even all of them are too few.',
  input: z.strictObject({
    freePercent: z.number().min(1).max(90).default(10).describe('of what the hosts that are awake have together'),
    atMost: z.int().min(1).max(100).default(4).describe('hosts that are woken in one run'),
    withinSeconds: z.int().min(1).max(86_400).default(1800).describe('longest wait for the nova-compute of each'),
  }),
  risk: 'service',
  needs: {
    roles: ['admin'],
    calls: [...lookCalls.services],
    actions: ['compute-service.enable'],
    steps: ['findHostsToWake', 'lookAtPower', 'powerOn'],
  },
  async prepare(run, { freePercent, atMost }): Promise<Headroom> {
    const found = await run
      .patient('Look at the whole cloud for what is free', 10 * 60_000)
      .findHostsToWake({ freeShare: freePercent / 100 })
    if (!found.suffices)
      run.note(`even with all that sleep awake, less than ${freePercent} % would be free: it needs more hosts`)
    return { wake: found.wake.slice(0, atMost), asleep: found.asleep.length }
  },
  nothingToDo: ({ freePercent }, { wake: hosts, asleep }: Headroom) => {
    if (hosts.length > 0) return undefined
    return asleep === 0 ? 'no host sleeps' : `at least ${freePercent} % are free: ${asleep} host(s) may sleep on`
  },
  targets: (_input, { wake: hosts }) => hosts.map((host) => `host/${host}` as const),
  expectedMinutes: ({ withinSeconds }) => Math.ceil(withinSeconds / 60) + 10,
  async run(run, { withinSeconds }, { wake: hosts }) {
    const woken = await run.forEach(hosts, { atOnce: 4, canary: 0, mayFail: hosts.length }, (host) =>
      wake(run, host, withinSeconds),
    )
    const failed = woken.filter(({ outcome }) => outcome !== 'done')
    for (const { item, reason } of failed) run.note(`${item}: ${reason}`)
    if (failed.length > 0)
      throw failure('HOST_UNFIT', `${failed.length} of ${hosts.length} host(s) did not wake: ${failed[0]?.item}`)
    return { summary: `${hosts.join(', ')} ${run.dryRun ? 'would be woken' : 'woke'}`, hosts: [...hosts] }
  },
})
