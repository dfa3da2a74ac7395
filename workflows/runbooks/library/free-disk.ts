import { z } from 'zod'
import { failure } from '../../../core/errors.ts'
import { HostName } from '../../../policies/catalogue/inputs.ts'
import { freePercentIn, sweeps } from '../../../policies/disk-space.ts'
import type { RunContext } from '../../sdk/context.ts'
import { defineRunbook } from '../../sdk/definition.ts'
import { changeOnHost, lookOnHost } from './host-commands.ts'

const Input = z.strictObject({
  host: HostName.describe('as steward.yaml names it'),
  what: z.enum(['logs', 'instance-cache', 'journal']),
  minFreePercent: z.int().min(1).max(90).describe('nothing more is deleted once so much is free'),
})
type Input = z.output<typeof Input>

/** Deletes what is old on a full disk, gently first, until there is room. */
export const freeDisk = defineRunbook<typeof Input, number>({
  name: 'free-disk',
  title: 'Make room on the disk of a host',
  description:
    'Looks how full the disk is, and has old logs, the journal or the cache of images cleared by the commands that steward.yaml lists for it: the oldest first, one step after the other, until enough is free. Refuses hosts without these commands. Fails when the last step has left too little room. What is deleted does not come back.',
  input: Input,
  risk: 'destructive',
  needs: { steps: ['lookOnHost', 'runCommand'] },
  prepare: look,
  targets: ({ host }) => [`host/${host}`],
  expectedMinutes: () => 45,
  async run(run, input, before) {
    const { host, what, minFreePercent } = input
    const { command, argument, path, values } = sweeps[what]
    let free = before
    const done: string[] = []
    for (const value of values) {
      if (free >= minFreePercent) break
      run.safePoint()
      await changeOnHost(run, { host, command, args: { [argument]: value } })
      done.push(value)
      if (!run.dryRun) free = await look(run, input)
    }
    const how = `${path} on ${host}: ${free} % free`
    if (run.dryRun) return { summary: `${how}; up to ${done.length} steps would be taken`, before }
    if (free < minFreePercent)
      throw failure('EFFECT_FAILED', `${how} after all ${values.length} steps, it was ${before} %`, {
        host,
        free,
        before,
      })
    return { summary: done.length === 0 ? `${how}, which is enough` : `${how}, it was ${before} %`, before, free }
  },
})

async function look(run: RunContext, { host, what }: Input): Promise<number> {
  const { path } = sweeps[what]
  const { stdout } = await lookOnHost(run, { host, command: 'disk-usage', args: { path } })
  const free = freePercentIn(stdout)
  if (free !== undefined) return free
  throw failure('TARGET_UNFIT', `disk-usage ${path} on ${host} does not print how full one disk is`, { host })
}
