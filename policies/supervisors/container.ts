import { z } from 'zod'
import type { ProcessStatus } from '../../core/activities.ts'
import { parseJson } from './json.ts'
import type { Supervisor } from './supervisor.ts'

const Inspected = z
  .array(
    z.object({
      State: z.object({
        Status: z.string(),
        Running: z.boolean(),
        Pid: z.int(),
        StartedAt: z.string(),
      }),
    }),
  )
  .length(1)

const states: Readonly<Record<string, ProcessStatus['state']>> = {
  running: 'running',
  restarting: 'changing',
  removing: 'changing',
  stopping: 'changing',
  dead: 'failed',
}

/** Containers of Docker and Podman, whose answers agree in what matters. Each start has a time of its own. */
export const container = (program: 'docker' | 'podman', name: string): Supervisor => ({
  // without --format, which would need braces
  look: [program, 'container', 'inspect', name],
  restart: [program, 'restart', name],

  read({ exitCode, stdout, stderr }) {
    if (exitCode !== 0) return /no such (container|object)/i.test(stderr) ? 'no such service' : undefined
    const { data } = Inspected.safeParse(parseJson(stdout))
    const [inspected] = data ?? []
    if (!inspected) return undefined
    const { Status, Running, Pid, StartedAt } = inspected.State
    const startedMs = Date.parse(StartedAt)
    const wasStarted = startedMs > 0
    return {
      pid: Running ? Pid : 0,
      // one that is paused does nothing, so it does not run
      state: states[Status] ?? 'stopped',
      ...(wasStarted && { instance: StartedAt, startedEpochSeconds: Math.floor(startedMs / 1000) }),
    }
  },
})
