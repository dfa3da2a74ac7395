import type { ProcessStatus } from '../../core/activities.ts'
import type { Supervisor } from './supervisor.ts'

const properties = [
  ...['LoadState', 'ActiveState', 'SubState', 'MainPID', 'InvocationID'],
  ...['ExecMainStartTimestampMonotonic', 'Result', 'NRestarts'],
]

const states: Readonly<Record<string, ProcessStatus['state']>> = {
  active: 'running',
  reloading: 'running',
  refreshing: 'running',
  // `auto-restart` as well: systemd is about to start it by itself
  activating: 'changing',
  deactivating: 'changing',
  maintenance: 'changing',
  inactive: 'stopped',
  failed: 'failed',
}

/**
 * Units of systemd. Every start has an InvocationID of its own, also one that systemd makes by itself; it is forgotten
 * when a unit is stopped or reset. Older systemd has none, there the time of the start tells.
 */
export const systemd = (unit: string): Supervisor => ({
  look: ['systemctl', 'show', `--property=${properties.join(',')}`, unit],
  isOpen: true,
  restart: ['systemctl', 'restart', unit],
  reset: ['systemctl', 'reset-failed', unit],

  read({ exitCode, stdout }) {
    const said = new Map(stdout.split('\n').map((line) => cut(line.trimEnd())))
    const state = states[said.get('ActiveState') ?? '']
    const load = said.get('LoadState')
    if (exitCode !== 0 || !state || !load) return undefined
    if (load === 'not-found' || load === 'masked') return 'no such service'
    const pid = Number(said.get('MainPID') ?? 0)
    const started = said.get('ExecMainStartTimestampMonotonic') ?? '0'
    const instance = said.get('InvocationID') || (started === '0' ? undefined : `started ${started}`)
    return { pid, state, ...(instance !== undefined && { instance }) }
  },

  isGivenUp: ({ exitCode, stderr }) => exitCode !== 0 && /attempted too often|repeated too quickly/.test(stderr),
})

function cut(line: string): [string, string] {
  const at = line.indexOf('=')
  return [line.slice(0, at), line.slice(at + 1)]
}
