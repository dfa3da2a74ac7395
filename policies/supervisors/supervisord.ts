import type { ProcessStatus } from '../../core/activities.ts'
import type { Supervisor } from './supervisor.ts'

const states: Readonly<Record<string, ProcessStatus['state']>> = {
  RUNNING: 'running',
  STARTING: 'changing',
  STOPPING: 'changing',
  BACKOFF: 'changing',
  STOPPED: 'stopped',
  EXITED: 'stopped',
  FATAL: 'failed',
}

const line = /^\S+\s+([A-Z]+)\b(?:\s+pid (\d+), uptime (?:(\d+) days?, )?(\d+):(\d\d):(\d\d))?/m

/** Programs of supervisord. It knows how long a process runs in whole seconds, so only the pid tells one from another. */
export const supervisord = (program: string): Supervisor => ({
  look: ['supervisorctl', 'status', program],
  restart: ['supervisorctl', 'restart', program],

  // it ends with another code than 0 for whatever does not run
  read({ stdout }, nowMs) {
    if (/ERROR \(no such (process|group)\)/.test(stdout)) return 'no such service'
    const [, word = '', pid, days = '0', hours, minutes, seconds] = line.exec(stdout) ?? []
    const state = states[word]
    if (!state) return undefined
    if (pid === undefined) return { pid: 0, state }
    const uptimeSeconds = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)
    return {
      ...{ pid: Number(pid), state, instance: `pid ${pid}` },
      startedEpochSeconds: Math.floor(nowMs / 1000) - uptimeSeconds,
    }
  },
})
