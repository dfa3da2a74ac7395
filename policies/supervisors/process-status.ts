import type { ProcessStatus } from '../../core/activities.ts'

export const isRunning = ({ state, pid }: ProcessStatus): boolean => (state ? state === 'running' : pid !== 0)

/**
 * Whether a service was begun anew since `before` was seen. One that was begun and has died since counts as well: it was
 * restarted, and that it does not stay up is seen later.
 */
export function isAnother(now: ProcessStatus | null, before: ProcessStatus): boolean {
  if (!now) return false
  const { instance } = now
  const isComparable = before.instance !== undefined || !isRunning(before)
  if (instance !== undefined && isComparable) return instance !== before.instance
  return isRunning(now) && (!isRunning(before) || now.pid !== before.pid)
}

export function inWords({ state, pid }: ProcessStatus): string {
  if (pid === 0) return state ? `its supervisor has it as ${state}` : 'there is no process'
  return `the process ${pid} is ${state ?? 'running'}`
}
